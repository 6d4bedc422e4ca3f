-- +goose Up
-- What people chose on their own page, beside what their list says, which never
-- overwrites it: see docs/decisions/0015-preferences.md.
CREATE TABLE preferences (
    subscriber_id TEXT PRIMARY KEY REFERENCES subscribers (id),
    columns       TEXT NOT NULL,
    format        TEXT NOT NULL,
    changed       BIGINT NOT NULL
);
-- Digests that a person does not want, also such as no list names for them now.
CREATE TABLE declined (
    digest        TEXT NOT NULL,
    subscriber_id TEXT NOT NULL REFERENCES subscribers (id),
    PRIMARY KEY (digest, subscriber_id)
);
CREATE INDEX declined_by_subscriber ON declined (subscriber_id);

-- Addresses that somebody asked to be subscribed, until the owner confirms it and
-- a while longer: the last letter to each. subscriber_id may be nobody's yet.
CREATE TABLE sign_ups (
    subscriber_id TEXT PRIMARY KEY,
    email         TEXT NOT NULL,
    name          TEXT NOT NULL,
    digests       TEXT NOT NULL,
    asked         BIGINT NOT NULL,
    confirmed     BIGINT NOT NULL -- 0: not yet
);
CREATE INDEX sign_ups_by_time ON sign_ups (asked);

-- +goose Down
DROP TABLE sign_ups;
DROP TABLE declined;
DROP TABLE preferences;
