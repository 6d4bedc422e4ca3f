-- +goose Up
-- How many mails were handed to a relay in each slot of five seconds since 1970,
-- for the limits of relays. What is older than a day is removed.
CREATE TABLE handed (
    relay TEXT NOT NULL,
    slot  BIGINT NOT NULL,
    mails BIGINT NOT NULL,
    PRIMARY KEY (relay, slot)
);

-- +goose Down
DROP TABLE handed;
