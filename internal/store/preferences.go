package store

import (
	"context"
	"encoding/json"

	"jianxun/internal/news"
)

// wanted is the condition of a subscription d that its person did not decline.
// Where issues are sent it stands beside what lets a person be written to.
const wanted = `NOT EXISTS (SELECT 1 FROM declined x WHERE x.digest = d.digest AND x.subscriber_id = d.subscriber_id)`

// preferencesOf gives what the person of an id chose, or everybody when it is
// empty.
func preferencesOf(ctx context.Context, read reader, id string) (map[string]*news.Preferences, error) {
	where, args := "", []any{}
	if id != "" {
		where, args = ` WHERE subscriber_id = $1`, []any{id}
	}
	chosen := map[string]*news.Preferences{}
	rows, err := read.QueryContext(ctx, `SELECT subscriber_id, columns, format, changed FROM preferences`+where, args...)
	_, err = collect(rows, err, func(row scanner) (struct{}, error) {
		var who, columns string
		var changed int64
		p := &news.Preferences{}
		err := row.Scan(&who, &columns, &p.Format, &changed)
		if err == nil {
			err = json.Unmarshal([]byte(columns), &p.Columns)
		}
		chosen[who], p.Changed = p, at(changed)
		return struct{}{}, err
	})
	if err != nil || len(chosen) == 0 {
		return chosen, err
	}
	rows, err = read.QueryContext(ctx, `SELECT subscriber_id, digest FROM declined`+where+` ORDER BY subscriber_id, digest`, args...)
	_, err = collect(rows, err, func(row scanner) (struct{}, error) {
		var who, digest string
		err := row.Scan(&who, &digest)
		if p := chosen[who]; p != nil {
			p.Declined = append(p.Declined, digest)
		}
		return struct{}{}, err
	})
	return chosen, err
}

// notDeclined is the condition of a row of the ledger, in the table of that name,
// whose person did not decline the digest.
func notDeclined(deliveries string) string {
	return `NOT EXISTS (SELECT 1 FROM declined x JOIN issues i ON i.digest = x.digest
		WHERE i.id = ` + deliveries + `.issue_id AND x.subscriber_id = ` + deliveries + `.subscriber_id)`
}

// SetPreferences records what a person chose: the digests wanted, and p. What was
// declined before and is not wanted now stays so. Who belongs to no list is
// subscribed to what they want. Mails in the queue of a digest that is declined
// are suppressed, also those that a worker has in hand, unless the final dot is on
// its way.
func (s *Store) SetPreferences(ctx context.Context, id string, want []string, p news.Preferences) error {
	return s.inTx(ctx, noLock, func(ctx context.Context, t tx) error {
		// The row of the person is taken first: of two choices at once the later is whole.
		res, err := t.ExecContext(ctx, `UPDATE subscribers SET changed = $2 WHERE id = $1`, id, t.now)
		if err := oneRow(res, err, news.Errorf(news.NotFound, "there is no such subscriber")); err != nil {
			return err
		}
		if _, err := t.ExecContext(ctx, `INSERT INTO preferences (subscriber_id, columns, format, changed) VALUES ($1, $2, $3, $4)
			ON CONFLICT (subscriber_id) DO UPDATE SET columns = excluded.columns, format = excluded.format, changed = excluded.changed`,
			id, texts(p.Columns), p.Format, t.now); err != nil {
			return err
		}
		for _, d := range p.Declined {
			if err := t.decline(ctx, id, d); err != nil {
				return err
			}
		}
		for _, d := range want {
			if err := t.accept(ctx, id, d); err != nil {
				return err
			}
			if _, err := t.ExecContext(ctx, `INSERT INTO subscriptions (digest, subscriber_id)
				SELECT $2, id FROM subscribers WHERE id = $1 AND origin = 'self' ON CONFLICT DO NOTHING`, id, d); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t tx) decline(ctx context.Context, id, digest string) error {
	if _, err := t.ExecContext(ctx, `INSERT INTO declined (digest, subscriber_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`, digest, id); err != nil {
		return err
	}
	_, err := t.ExecContext(ctx, `UPDATE deliveries SET state = 'suppressed', lease_token = '', lease_until = 0, changed = $3
		WHERE subscriber_id = $1 AND state IN ('queued', 'deferred', 'leased')
		AND issue_id IN (SELECT i.id FROM issues i WHERE i.digest = $2 AND i.state = 'sending')`, id, digest, t.now)
	return err
}

func (t tx) accept(ctx context.Context, id, digest string) error {
	_, err := t.ExecContext(ctx, `DELETE FROM declined WHERE digest = $1 AND subscriber_id = $2`, digest, id)
	return err
}
