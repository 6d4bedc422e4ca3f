package store

import (
	"context"
	"database/sql"
	"errors"
)

// Validators are what a server gave to make the next request conditional.
func (s *Store) Validators(ctx context.Context, url string) (etag, lastModified string, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT etag, last_modified FROM fetches WHERE url = $1`, url).Scan(&etag, &lastModified)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return etag, lastModified, err
}

// KeepValidators remembers them once everything the answer held is saved.
func (s *Store) KeepValidators(ctx context.Context, url, etag, lastModified string) error {
	return s.inTx(ctx, noLock, func(ctx context.Context, t tx) error {
		_, err := t.ExecContext(ctx, `INSERT INTO fetches (url, etag, last_modified, fetched) VALUES ($1, $2, $3, $4)
			ON CONFLICT (url) DO UPDATE SET etag = excluded.etag, last_modified = excluded.last_modified, fetched = excluded.fetched`,
			url, etag, lastModified, t.now)
		return err
	})
}
