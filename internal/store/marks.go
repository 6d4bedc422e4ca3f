package store

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"time"

	"jianxun/internal/news"
)

// A store that was restored from a backup does not know which mails were sent
// after the backup was made. The mark "restored", which every backup carries,
// holds sending back until somebody has decided: one mail too many cannot be
// called back, one that waits can.

// restoredMark holds the time from which on nobody knows what was sent.
const restoredMark = "restored"

// heldSince asks for the mark.
const heldSince = `SELECT value FROM marks WHERE name = '` + restoredMark + `'`

// scanHeld reads the answer; without a mark the time is zero.
func scanHeld(row scanner) (time.Time, error) {
	var value string
	switch err := row.Scan(&value); {
	case errors.Is(err, sql.ErrNoRows):
		return time.Time{}, nil
	case err != nil:
		return time.Time{}, err
	}
	since, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return time.Time{}, news.Errorf(news.Internal, "the mark of a restored store is %q, which is no time", value)
	}
	return time.UnixMilli(since).UTC(), nil
}

// Held gives the time since which nobody knows what was sent, while sending is
// held back because the store was restored; the zero time otherwise.
func (s *Store) Held(ctx context.Context) (since time.Time, err error) {
	return scanHeld(s.read.QueryRowContext(ctx, heldSince))
}

// held tells within a transaction whether sending is held back.
func (t tx) held(ctx context.Context) (bool, error) {
	since, err := scanHeld(t.QueryRowContext(ctx, heldSince))
	return !since.IsZero(), err
}

// Hold holds sending back from now on, as in a restored store. One that is held
// already stays so since then.
func (s *Store) Hold(ctx context.Context) (since time.Time, err error) {
	err = s.inTx(ctx, noLock, func(ctx context.Context, t tx) error {
		if _, err := t.ExecContext(ctx, markRestored, strconv.FormatInt(t.now, 10)); err != nil {
			return err
		}
		since, err = scanHeld(t.QueryRowContext(ctx, heldSince))
		return err
	})
	return since, err
}

// markRestored keeps the older mark of a copy of a copy: what was sent since
// then is what nobody knows.
const markRestored = `INSERT INTO marks (name, value) VALUES ('` + restoredMark + `', $1) ON CONFLICT (name) DO NOTHING`

// Resumed tells what Resume did.
type Resumed struct {
	Since     time.Time // from when on nobody knew what was sent
	Issues    int       // that were being sent
	Uncertain int       // mails that are not sent any more, as they may have been
	Digests   int       // whose due times until now count as done
}

// Resume ends the holding back of a restored store. Mails of issues that were
// being sent become uncertain, for they may have left since the backup was made,
// and so may the issues that were due since: their times count as done. With
// send everything goes on as if nothing had left since.
func (s *Store) Resume(ctx context.Context, send bool) (r Resumed, err error) {
	err = s.inTxWithin(ctx, s.dialect.patience*longest, fireLock, func(ctx context.Context, t tx) error {
		r = Resumed{}
		if r.Since, err = scanHeld(t.QueryRowContext(ctx, heldSince+t.forUpdate)); err != nil {
			return err
		}
		if r.Since.IsZero() {
			return news.Errorf(news.Conflict, "sending is not held back: there is nothing to resume")
		}
		if !send {
			if err := t.giveUp(ctx, &r); err != nil {
				return err
			}
			if err := t.passFires(ctx, &r); err != nil {
				return err
			}
		}
		t.told[deliveriesTopic] = true
		_, err := t.ExecContext(ctx, `DELETE FROM marks WHERE name = $1`, restoredMark)
		return err
	})
	return r, err
}

// giveUp makes uncertain what may have been sent. Rows keep their token: should
// their holder be alive after all, it may still tell how it ended.
func (t tx) giveUp(ctx context.Context, r *Resumed) error {
	if err := t.QueryRowContext(ctx, `SELECT count(DISTINCT issue_id) FROM deliveries WHERE state IN `+openStates).Scan(&r.Issues); err != nil {
		return err
	}
	reply := "the store was restored from a backup of " + r.Since.Format(time.RFC3339) + "; nobody knows whether this mail was sent since"
	res, err := t.ExecContext(ctx, `UPDATE deliveries SET state = 'uncertain', reply = $1, changed = $2 WHERE state IN `+openStates, reply, t.now)
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err != nil {
		return err
	}
	r.Uncertain = int(n)
	return t.finishIssues(ctx)
}

// digestJobs begins the names of the jobs that make issues.
const digestJobs = "digest:"

// passFires records the present as done for every digest: what was due before
// is not caught up.
func (t tx) passFires(ctx context.Context, r *Resumed) error {
	rows, err := t.QueryContext(ctx, `SELECT DISTINCT job FROM fires WHERE job LIKE '`+digestJobs+`%'`)
	jobs, err := collect(rows, err, func(row scanner) (job string, err error) {
		err = row.Scan(&job)
		return job, err
	})
	if err != nil {
		return err
	}
	r.Digests = len(jobs)
	for _, job := range jobs {
		if _, err := t.ExecContext(ctx, `DELETE FROM fires WHERE job = $1 AND due <= $2`, job, t.now); err != nil {
			return err
		}
		if _, err := t.ExecContext(ctx, `INSERT INTO fires (job, due, token, lease_until, done) VALUES ($1, $2, '', 0, 1)`, job, t.now); err != nil {
			return err
		}
	}
	return nil
}
