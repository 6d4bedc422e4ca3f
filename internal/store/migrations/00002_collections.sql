-- +goose Up
-- When the revision was made, made unique: what atom:updated says of it.
ALTER TABLE article_revisions ADD COLUMN updated BIGINT NOT NULL DEFAULT 0;
UPDATE article_revisions SET updated = coalesce(
    (SELECT a.updated FROM articles a WHERE a.id = article_revisions.article_id AND a.revision = article_revisions.revision), saved);

-- When an article was last withdrawn, 0 while it is live.
ALTER TABLE articles ADD COLUMN withdrawn BIGINT NOT NULL DEFAULT 0;
UPDATE articles SET withdrawn = changed WHERE state = 'withdrawn';
DROP INDEX articles_withdrawn;
CREATE INDEX articles_withdrawn ON articles (withdrawn) WHERE state = 'withdrawn';

-- A collection is the articles of one feed in the order in which they left its
-- subscription document, see docs/decisions/0009-archives.md.
CREATE TABLE collections (
    id       BIGINT PRIMARY KEY,
    name     TEXT NOT NULL UNIQUE,
    seq      BIGINT NOT NULL, -- of the newest change that has been looked at
    looked   BIGINT NOT NULL, -- up to when articles were looked at whose day came
    archived BIGINT NOT NULL  -- how many articles have left
);
CREATE TABLE collected (
    collection BIGINT NOT NULL REFERENCES collections (id),
    placed     BIGINT NOT NULL, -- of the article
    position   BIGINT NOT NULL, -- in the archive from 1 on; 0 while in the subscription document
    revision   INTEGER NOT NULL, -- of the article as it was archived
    PRIMARY KEY (collection, placed)
);
CREATE INDEX collected_by_position ON collected (collection, position, placed);
CREATE INDEX collected_by_place ON collected (placed);

-- What hubs were told last of a document.
CREATE TABLE announced (
    topic TEXT PRIMARY KEY,
    tag   TEXT NOT NULL
);

-- Articles whose first image has an unknown length, to be asked for.
CREATE TABLE unmeasured (
    article_id TEXT PRIMARY KEY REFERENCES articles (id),
    tries      INTEGER NOT NULL,
    next_try   BIGINT NOT NULL
);
CREATE INDEX unmeasured_due ON unmeasured (next_try);

-- +goose Down
DROP TABLE unmeasured;
DROP TABLE announced;
DROP TABLE collected;
DROP TABLE collections;
DROP INDEX articles_withdrawn;
ALTER TABLE articles DROP COLUMN withdrawn;
ALTER TABLE article_revisions DROP COLUMN updated;
