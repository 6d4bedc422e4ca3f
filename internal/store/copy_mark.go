package store

import (
	"context"
	"database/sql"
	"errors"

	"jianxun/internal/news"
)

// copyMark is the mark of a store that is being filled; its value is the address
// that it is filled from.
const copyMark = "copy"

// mark is the address that the store is being filled from, empty if it is not.
func mark(ctx context.Context, q interface {
	QueryRowContext(ctx context.Context, statement string, args ...any) scanner
}) (from string, err error) {
	err = q.QueryRowContext(ctx, `SELECT value FROM marks WHERE name = $1`, copyMark).Scan(&from)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return from, err
}

// complete refuses a store that is being filled.
func (s *Store) complete(ctx context.Context, address string) error {
	from, err := mark(ctx, s.read)
	if err == nil && from != "" {
		return halfFilled(lasting(address), from)
	}
	return err
}

func halfFilled(to, from string) error {
	return news.Errorf(news.Conflict, "the store %s is half filled; finish with: jianxun store copy %s %s; or begin anew with --force", to, quoted(from), quoted(to))
}
