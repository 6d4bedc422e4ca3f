-- +goose Up
-- Times are integer milliseconds since 1970 UTC, 0 for none. JSON is text.
CREATE TABLE counters (
    name  TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('article_seq', 0);

CREATE TABLE secrets (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE articles (
    id          TEXT PRIMARY KEY,
    identity    TEXT NOT NULL UNIQUE,
    seq         BIGINT NOT NULL UNIQUE,
    source      TEXT NOT NULL,
    url         TEXT NOT NULL,
    column_name TEXT NOT NULL,
    title       TEXT NOT NULL,
    content     TEXT NOT NULL,
    hash        TEXT NOT NULL,
    published   BIGINT NOT NULL,
    date_only   INTEGER NOT NULL,
    first_seen  BIGINT NOT NULL,
    available   BIGINT NOT NULL,
    placed      BIGINT NOT NULL UNIQUE,
    updated     BIGINT NOT NULL UNIQUE,
    changed     BIGINT NOT NULL,
    state       TEXT NOT NULL,
    revision    INTEGER NOT NULL
);
CREATE INDEX articles_by_column ON articles (column_name, placed);
CREATE INDEX articles_by_source ON articles (source, placed);
CREATE INDEX articles_by_column_source ON articles (column_name, source, placed);
CREATE INDEX articles_by_day ON articles (date_only, published, placed);
CREATE INDEX articles_by_available ON articles (available);
CREATE INDEX articles_withdrawn ON articles (changed) WHERE state = 'withdrawn';

CREATE TABLE article_revisions (
    article_id TEXT NOT NULL REFERENCES articles (id),
    revision   INTEGER NOT NULL,
    saved      BIGINT NOT NULL,
    content    TEXT NOT NULL,
    PRIMARY KEY (article_id, revision)
);

CREATE TABLE fetches (
    url           TEXT PRIMARY KEY,
    etag          TEXT NOT NULL,
    last_modified TEXT NOT NULL,
    fetched       BIGINT NOT NULL
);

CREATE TABLE issues (
    id          BIGINT PRIMARY KEY,
    digest      TEXT NOT NULL,
    title       TEXT NOT NULL,
    year        INTEGER NOT NULL,
    number      INTEGER NOT NULL,
    total       INTEGER NOT NULL,
    state       TEXT NOT NULL,
    window_from BIGINT NOT NULL,
    window_to   BIGINT NOT NULL,
    left_out    INTEGER NOT NULL,
    changed     BIGINT NOT NULL,
    UNIQUE (digest, year, number),
    UNIQUE (digest, total)
);

-- The second key is the rule that an article comes once in a digest.
CREATE TABLE issue_items (
    issue_id    BIGINT NOT NULL REFERENCES issues (id),
    position    INTEGER NOT NULL,
    digest      TEXT NOT NULL,
    article_id  TEXT NOT NULL REFERENCES articles (id),
    title       TEXT NOT NULL,
    column_name TEXT NOT NULL,
    lead        TEXT NOT NULL,
    score       DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (issue_id, position),
    UNIQUE (digest, article_id)
);

CREATE TABLE subscribers (
    id       TEXT PRIMARY KEY,
    email    TEXT NOT NULL,
    name     TEXT NOT NULL,
    unit     TEXT NOT NULL,
    columns  TEXT NOT NULL,
    keywords TEXT NOT NULL,
    format   TEXT NOT NULL,
    until    BIGINT NOT NULL,
    state    TEXT NOT NULL,
    listed   INTEGER NOT NULL,
    origin   TEXT NOT NULL,
    changed  BIGINT NOT NULL
);

CREATE TABLE subscriptions (
    digest        TEXT NOT NULL,
    subscriber_id TEXT NOT NULL REFERENCES subscribers (id),
    PRIMARY KEY (digest, subscriber_id)
);
CREATE INDEX subscriptions_by_subscriber ON subscriptions (subscriber_id);

-- The ledger: one row an issue and subscriber, see docs/decisions/0003-ledger.md.
CREATE TABLE deliveries (
    issue_id      BIGINT NOT NULL REFERENCES issues (id),
    subscriber_id TEXT NOT NULL REFERENCES subscribers (id),
    state         TEXT NOT NULL,
    attempts      INTEGER NOT NULL,
    first_tried   BIGINT NOT NULL,
    next_attempt  BIGINT NOT NULL,
    lease_token   TEXT NOT NULL,
    lease_until   BIGINT NOT NULL,
    reply         TEXT NOT NULL,
    changed       BIGINT NOT NULL,
    PRIMARY KEY (issue_id, subscriber_id)
);
CREATE INDEX deliveries_due ON deliveries (next_attempt) WHERE state IN ('queued', 'deferred');
CREATE INDEX deliveries_leased ON deliveries (lease_until) WHERE state IN ('leased', 'committing');
CREATE INDEX deliveries_by_state ON deliveries (issue_id, state);

CREATE TABLE fires (
    job         TEXT NOT NULL,
    due         BIGINT NOT NULL,
    token       TEXT NOT NULL,
    lease_until BIGINT NOT NULL,
    done        INTEGER NOT NULL,
    PRIMARY KEY (job, due)
);

-- +goose Down
DROP TABLE fires;
DROP TABLE deliveries;
DROP TABLE subscriptions;
DROP TABLE subscribers;
DROP TABLE issue_items;
DROP TABLE issues;
DROP TABLE fetches;
DROP TABLE article_revisions;
DROP TABLE articles;
DROP TABLE secrets;
DROP TABLE counters;
