-- +goose Up
-- When the revision was made, made unique: what atom:updated says of it.
ALTER TABLE article_revisions ADD COLUMN updated BIGINT NOT NULL DEFAULT 0;
UPDATE article_revisions SET updated = coalesce(
    (SELECT a.updated FROM articles a WHERE a.id = article_revisions.article_id AND a.revision = article_revisions.revision), saved);

-- When an article was last withdrawn, 0 while it is live.
ALTER TABLE articles ADD COLUMN withdrawn BIGINT NOT NULL DEFAULT 0;
UPDATE articles SET withdrawn = changed WHERE state = 'withdrawn';
DROP INDEX articles_withdrawn; -- collections tell what was withdrawn

-- A collection is the articles of one feed in the order in which they left its
-- subscription document, see docs/decisions/0009-archives.md.
CREATE TABLE collections (
    id       BIGINT PRIMARY KEY,
    name     TEXT NOT NULL UNIQUE,
    seq      BIGINT NOT NULL, -- of the newest change that has been looked at
    looked   BIGINT NOT NULL, -- up to when articles were looked at whose day came
    archived BIGINT NOT NULL  -- how many articles have left
);
-- Two tables, so that none of the queries over the few current articles can
-- take the way over the many archived ones.
CREATE TABLE collection_current (
    collection BIGINT NOT NULL REFERENCES collections (id),
    placed     BIGINT NOT NULL, -- of the article
    PRIMARY KEY (collection, placed)
);
CREATE TABLE collection_archive (
    collection BIGINT NOT NULL REFERENCES collections (id),
    position   BIGINT NOT NULL, -- from 1 on
    placed     BIGINT NOT NULL,
    revision   INTEGER NOT NULL, -- of the article as it was archived
    PRIMARY KEY (collection, position)
);
-- Articles that were shown and are not any more: withdrawn, when it was, or 0 when
-- an edit took them out.
CREATE TABLE collection_left (
    collection BIGINT NOT NULL REFERENCES collections (id),
    placed     BIGINT NOT NULL,
    withdrawn  BIGINT NOT NULL,
    PRIMARY KEY (collection, placed)
);
CREATE INDEX collection_left_withdrawn ON collection_left (collection, withdrawn);
CREATE INDEX collection_left_by_place ON collection_left (placed);
CREATE INDEX collection_current_by_place ON collection_current (placed);
CREATE UNIQUE INDEX collection_archive_by_place ON collection_archive (placed, collection);

-- Articles whose first image has an unknown length, to be asked for.
CREATE TABLE unmeasured (
    article_id TEXT PRIMARY KEY REFERENCES articles (id),
    tries      INTEGER NOT NULL,
    next_try   BIGINT NOT NULL
);
CREATE INDEX unmeasured_due ON unmeasured (next_try);

-- +goose Down
DROP TABLE unmeasured;
DROP TABLE collection_left;
DROP TABLE collection_archive;
DROP TABLE collection_current;
DROP TABLE collections;
CREATE INDEX articles_withdrawn ON articles (changed) WHERE state = 'withdrawn';
ALTER TABLE articles DROP COLUMN withdrawn;
ALTER TABLE article_revisions DROP COLUMN updated;
