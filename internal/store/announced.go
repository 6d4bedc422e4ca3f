package store

import (
	"context"
	"database/sql"
	"errors"
)

// Announced is the entity tag of the topic that hubs were told of last, empty
// when they never were.
func (s *Store) Announced(ctx context.Context, topic string) (tag string, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT tag FROM announced WHERE topic = $1`, topic).Scan(&tag)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return tag, err
}

// KeepAnnounced remembers what hubs have been told of.
func (s *Store) KeepAnnounced(ctx context.Context, tags map[string]string) error {
	return s.inTx(ctx, func(t tx) error {
		for topic, tag := range tags {
			if _, err := t.ExecContext(ctx, `INSERT INTO announced (topic, tag) VALUES ($1, $2)
				ON CONFLICT (topic) DO UPDATE SET tag = excluded.tag`, topic, tag); err != nil {
				return err
			}
		}
		return nil
	})
}
