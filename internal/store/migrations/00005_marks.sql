-- +goose Up
-- What has to be known of the whole store before anything in it is used.
CREATE TABLE marks (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- For the newest cut-off, which every article that is saved comes after.
CREATE INDEX issues_by_cut ON issues (window_to);

-- +goose Down
DROP INDEX issues_by_cut;
DROP TABLE marks;
