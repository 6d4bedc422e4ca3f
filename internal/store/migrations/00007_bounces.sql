-- +goose Up
INSERT INTO counters (name, value) VALUES ('bounce_seq', 0);

-- Reports about mails that came back. report is a hash of one: read twice it is
-- one row. Where nobody knows which delivery is meant issue_id is 0, and raw
-- holds the beginning of the mail in base64.
CREATE TABLE bounces (
    id            BIGINT PRIMARY KEY,
    report        TEXT NOT NULL UNIQUE,
    received      BIGINT NOT NULL,
    kind          TEXT NOT NULL,
    issue_id      BIGINT NOT NULL,
    subscriber_id TEXT NOT NULL,
    recipient     TEXT NOT NULL,
    message_id    TEXT NOT NULL,
    status        TEXT NOT NULL,
    diagnostic    TEXT NOT NULL,
    raw           TEXT NOT NULL
);
-- A delivery has at most one of each kind, however many reports are sent.
CREATE UNIQUE INDEX bounces_by_delivery ON bounces (subscriber_id, issue_id, kind) WHERE issue_id > 0;
CREATE INDEX bounces_unmatched ON bounces (id) WHERE issue_id = 0;

-- What happened to people's getting mail, the last of each has the highest position.
CREATE TABLE suppressions (
    subscriber_id TEXT NOT NULL REFERENCES subscribers (id),
    position      INTEGER NOT NULL,
    at            BIGINT NOT NULL,
    what          TEXT NOT NULL,
    reason        TEXT NOT NULL,
    PRIMARY KEY (subscriber_id, position)
);

-- How far mailboxes on servers have been read (RFC 9051).
CREATE TABLE mailboxes (
    name        TEXT PRIMARY KEY,
    uidvalidity BIGINT NOT NULL,
    uid         BIGINT NOT NULL
);

-- +goose Down
DROP TABLE mailboxes;
DROP TABLE suppressions;
DROP TABLE bounces;
DELETE FROM counters WHERE name = 'bounce_seq';
