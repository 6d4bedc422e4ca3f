package store

import (
	"context"

	"jianxun/internal/news"
)

// held is the condition of the index deliveries_leased, word for word: SQLite
// uses it only so, and otherwise reads the whole ledger.
const held = `state IN ('leased', 'committing')`

// patient is how many lengths of a lease one may seem to last. One that ends even
// later was given before the clock was set back, and its holder, if alive, would
// have renewed it since.
const patient = 4

// expireLeases settles the rows whose leases have run out.
func (t tx) expireLeases(ctx context.Context, h news.Holder) error {
	// A committing row keeps its token: should its holder be alive after all, it
	// may still tell how it ended.
	for _, step := range []string{
		`UPDATE deliveries SET state = 'queued', lease_token = '', changed = $1 WHERE ` + t.expired("leased"),
		`UPDATE deliveries SET state = 'uncertain', changed = $1,
			reply = 'the sender died before the answer to the final dot was recorded' WHERE ` + t.expired("committing"),
	} {
		if _, err := t.ExecContext(ctx, step, t.now, t.now+patient*h.Lease.Milliseconds(), h.Token); err != nil {
			return err
		}
	}
	return nil
}

// expired is the condition of rows in the state whose lease has run out at $1, or
// ends after $2 and is another's than $3. What others are about to change is left
// to them.
func (t tx) expired(state string) string {
	return `(issue_id, subscriber_id) IN (SELECT d.issue_id, d.subscriber_id FROM deliveries d
		WHERE ` + held + ` AND state = '` + state + `' AND (lease_until <= $1 OR lease_until > $2 AND lease_token <> $3)` + t.claim("d") + `)`
}

// ExtendLeases keeps what the holder has from being taken over.
func (s *Store) ExtendLeases(ctx context.Context, h news.Holder) error {
	return s.inTx(ctx, noLock, func(ctx context.Context, t tx) error {
		// What is being recorded is left alone: it is renewed the next time, or settled.
		_, err := t.ExecContext(ctx, `UPDATE deliveries SET lease_until = $2
			WHERE (issue_id, subscriber_id) IN (SELECT d.issue_id, d.subscriber_id FROM deliveries d
				WHERE `+held+` AND lease_token = $1 AND lease_until > $3`+t.claim("d")+`)`, h.Token, t.now+h.Lease.Milliseconds(), t.now)
		return err
	})
}

// ReleaseLeases gives back what the holder has not begun to commit.
func (s *Store) ReleaseLeases(ctx context.Context, h news.Holder) error {
	return s.inTx(ctx, noLock, func(ctx context.Context, t tx) error {
		_, err := t.ExecContext(ctx, `UPDATE deliveries SET state = 'queued', lease_token = '', lease_until = 0, changed = $2
			WHERE `+held+` AND state = 'leased' AND lease_token = $1`, h.Token, t.now)
		return err
	})
}
