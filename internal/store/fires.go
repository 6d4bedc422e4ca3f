package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"
)

const lastFire = `SELECT max(due) FROM fires WHERE job = $1 AND done = 1`

// Anchor gives the newest due time of the job that was fired and done. When
// the job is new it records due as such and gives it back.
func (s *Store) Anchor(ctx context.Context, job string, due time.Time) (last time.Time, err error) {
	var known sql.NullInt64
	if err := s.read.QueryRowContext(ctx, lastFire, job).Scan(&known); err != nil || known.Valid {
		return at(known.Int64), err
	}
	err = s.inTx(ctx, fireLock.of(job), func(ctx context.Context, t tx) error {
		var found sql.NullInt64
		if err := t.QueryRowContext(ctx, lastFire, job).Scan(&found); err != nil {
			return err
		}
		if found.Valid {
			last = at(found.Int64)
			return nil
		}
		last = due
		_, err := t.ExecContext(ctx, `INSERT INTO fires (job, due, token, lease_until, done) VALUES ($1, $2, '', 0, 1) ON CONFLICT DO NOTHING`, job, ms(due))
		return err
	})
	return last, err
}

// ClaimFire takes the due time of the job for the holder of token. It gives
// false when another has it, or has done it or a later one, or while sending is
// held back and the job is a digest's; a claim whose lease ran out before it was
// done is taken over.
func (s *Store) ClaimFire(ctx context.Context, job string, due time.Time, token string, lease time.Duration) (claimed bool, err error) {
	err = s.inTx(ctx, fireLock.of(job), func(ctx context.Context, t tx) error {
		if strings.HasPrefix(job, digestJobs) {
			if held, err := t.held(ctx); held || err != nil {
				return err
			}
		}
		var got string
		err := t.QueryRowContext(ctx, `INSERT INTO fires (job, due, token, lease_until, done)
			SELECT $1, $2, $3, $4, 0 WHERE NOT EXISTS (SELECT 1 FROM fires WHERE job = $1 AND due > $2 AND done = 1)
			ON CONFLICT (job, due) DO UPDATE SET token = excluded.token, lease_until = excluded.lease_until
			WHERE fires.done = 0 AND fires.lease_until <= $5 RETURNING token`,
			job, ms(due), token, t.now+lease.Milliseconds(), t.now).Scan(&got)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		claimed = err == nil
		return err
	})
	return claimed, err
}

// ExtendFire keeps a claim from being taken over; held is false when it has been.
func (s *Store) ExtendFire(ctx context.Context, job string, due time.Time, token string, lease time.Duration) (held bool, err error) {
	err = s.inTx(ctx, fireLock.of(job), func(ctx context.Context, t tx) error {
		res, err := t.ExecContext(ctx, `UPDATE fires SET lease_until = $4 WHERE job = $1 AND due = $2 AND token = $3 AND done = 0`,
			job, ms(due), token, t.now+lease.Milliseconds())
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		held = n == 1
		return err
	})
	return held, err
}

// FinishFire records that the job's due time has been dealt with, and forgets
// the earlier ones.
func (s *Store) FinishFire(ctx context.Context, job string, due time.Time) error {
	return s.inTx(ctx, fireLock.of(job), func(ctx context.Context, t tx) error {
		if _, err := t.ExecContext(ctx, `UPDATE fires SET done = 1 WHERE job = $1 AND due = $2`, job, ms(due)); err != nil {
			return err
		}
		_, err := t.ExecContext(ctx, `DELETE FROM fires WHERE job = $1 AND due < $2`, job, ms(due))
		return err
	})
}

// ReleaseFire gives a claimed due time back, to be tried again from then on.
func (s *Store) ReleaseFire(ctx context.Context, job string, due time.Time, token string, retryAt time.Time) error {
	return s.inTx(ctx, fireLock.of(job), func(ctx context.Context, t tx) error {
		_, err := t.ExecContext(ctx, `UPDATE fires SET lease_until = $4 WHERE job = $1 AND due = $2 AND token = $3 AND done = 0`,
			job, ms(due), token, ms(retryAt))
		return err
	})
}
