-- +goose Up
-- What has to be known of the whole store before anything in it is used.
CREATE TABLE marks (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- +goose Down
DROP TABLE marks;
