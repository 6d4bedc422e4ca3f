-- +goose Up
INSERT INTO counters (name, value) VALUES ('hub_seq', 0);

-- Requests to the WebSub hub that their subscribers have yet to confirm. pair
-- is a hash of topic and callback, which are too long for an index; secrets
-- are base64.
CREATE TABLE hub_requests (
    id            BIGINT PRIMARY KEY,
    pair          TEXT NOT NULL UNIQUE,
    mode          TEXT NOT NULL,
    topic         TEXT NOT NULL,
    callback      TEXT NOT NULL,
    host          TEXT NOT NULL,
    secret        TEXT NOT NULL,
    lease         BIGINT NOT NULL,
    attempts      INTEGER NOT NULL,
    next_attempt  BIGINT NOT NULL,
    claimed_until BIGINT NOT NULL
);
-- With id, the order of claiming is the order of the index: one claim reads no
-- more than it has to skip.
CREATE INDEX hub_requests_due ON hub_requests (next_attempt, id);
CREATE INDEX hub_requests_by_host ON hub_requests (host, claimed_until);

-- Subscriptions in force. marks counts the changes of the topic and sent is
-- the count that the subscriber has: a push is due while it is the smaller.
CREATE TABLE hub_subscriptions (
    id            BIGINT PRIMARY KEY,
    pair          TEXT NOT NULL UNIQUE,
    topic         TEXT NOT NULL,
    callback      TEXT NOT NULL,
    host          TEXT NOT NULL,
    secret        TEXT NOT NULL,
    expires       BIGINT NOT NULL,
    marks         BIGINT NOT NULL,
    sent          BIGINT NOT NULL,
    document      TEXT NOT NULL,
    attempts      INTEGER NOT NULL,
    next_attempt  BIGINT NOT NULL,
    claimed_until BIGINT NOT NULL
);
CREATE INDEX hub_subscriptions_due ON hub_subscriptions (next_attempt, id) WHERE sent < marks;
CREATE INDEX hub_subscriptions_by_topic ON hub_subscriptions (topic);
CREATE INDEX hub_subscriptions_by_host ON hub_subscriptions (host, claimed_until);
CREATE INDEX hub_subscriptions_by_expiry ON hub_subscriptions (expires);

-- +goose Down
DROP TABLE hub_subscriptions;
DROP TABLE hub_requests;
DELETE FROM counters WHERE name = 'hub_seq';
