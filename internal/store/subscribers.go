package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"

	"jianxun/internal/news"
)

// subscriberFields are a person as mail is made for them: their own choice
// stands in the place of what the list says. listedFields are what it says.
const (
	subscriberFields = `s.id, s.email, s.name, s.unit, coalesce((SELECT p.columns FROM preferences p WHERE p.subscriber_id = s.id), s.columns), s.keywords,
		coalesce((SELECT p.format FROM preferences p WHERE p.subscriber_id = s.id), s.format), s.until, s.state, s.listed, s.origin`
	listedFields = `s.id, s.email, s.name, s.unit, s.columns, s.keywords, s.format, s.until, s.state, s.listed, s.origin`
)

// dest are the places a row of such fields is scanned into; finish completes
// sub from them.
func subscriberDest(sub *news.Subscriber) (dest []any, finish func() error) {
	var columns, keywords string
	var until int64
	dest = []any{&sub.ID, &sub.Email, &sub.Name, &sub.Unit, &columns, &keywords, &sub.Format, &until, &sub.State, &sub.Listed, &sub.Origin}
	return dest, func() error {
		sub.Until = at(until)
		return errors.Join(json.Unmarshal([]byte(columns), &sub.Columns), json.Unmarshal([]byte(keywords), &sub.Keywords))
	}
}

func scanSubscriber(row scanner) (sub news.Subscriber, err error) {
	dest, finish := subscriberDest(&sub)
	if err := row.Scan(dest...); err != nil {
		return sub, err
	}
	return sub, finish()
}

// Subscribers lists everybody ever known, by address, as their lists name them,
// and what they chose.
func (s *Store) Subscribers(ctx context.Context) ([]news.Subscriber, error) {
	read := s.read.within(longest)
	rows, err := read.QueryContext(ctx, `SELECT `+listedFields+` FROM subscribers s ORDER BY s.email, s.id`)
	list, err := collect(rows, err, scanSubscriber)
	if err != nil {
		return nil, err
	}
	index := make(map[string]int, len(list))
	for i, sub := range list {
		index[sub.ID] = i
	}
	type pair struct{ id, digest string }
	rows, err = read.QueryContext(ctx, `SELECT subscriber_id, digest FROM subscriptions ORDER BY subscriber_id, digest`)
	pairs, err := collect(rows, err, func(row scanner) (p pair, err error) {
		err = row.Scan(&p.id, &p.digest)
		return p, err
	})
	for _, p := range pairs {
		if i, ok := index[p.id]; ok {
			list[i].Digests = append(list[i].Digests, p.digest)
		}
	}
	if err != nil {
		return nil, err
	}
	chosen, err := preferencesOf(ctx, read, "")
	for id, p := range chosen {
		if i, ok := index[id]; ok {
			list[i].Chosen = p
		}
	}
	return list, err
}

// Subscriber finds one person by id, as their list names them, and what they
// chose.
func (s *Store) Subscriber(ctx context.Context, id string) (news.Subscriber, error) {
	sub, err := scanSubscriber(s.read.QueryRowContext(ctx, `SELECT `+listedFields+` FROM subscribers s WHERE s.id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return sub, news.Errorf(news.NotFound, "there is no such subscriber")
	}
	if err != nil {
		return sub, err
	}
	rows, err := s.read.QueryContext(ctx, `SELECT digest FROM subscriptions WHERE subscriber_id = $1 ORDER BY digest`, id)
	sub.Digests, err = collect(rows, err, func(row scanner) (d string, err error) {
		err = row.Scan(&d)
		return d, err
	})
	if err != nil {
		return sub, err
	}
	chosen, err := preferencesOf(ctx, s.read, id)
	sub.Chosen = chosen[id]
	return sub, err
}

// ApplyRoster puts people on the list as they are given and takes others off
// it, in one transaction. It never touches State: who unsubscribed stays so.
func (s *Store) ApplyRoster(ctx context.Context, put, remove []news.Subscriber) error {
	if len(put)+len(remove) == 0 {
		return nil
	}
	return s.inTxWithin(ctx, s.dialect.patience*longest, rosterLock, func(ctx context.Context, t tx) error {
		if _, err := t.ExecContext(ctx, `DELETE FROM marks WHERE name = $1`, rosterMark); err != nil {
			return err
		}
		for batch := range slices.Chunk(lastOfEach(put), rosterBatch) {
			if err := t.putSubscribers(ctx, batch); err != nil {
				return err
			}
		}
		for _, sub := range remove {
			if _, err := t.ExecContext(ctx, `UPDATE subscribers SET listed = 0, changed = $2 WHERE id = $1`, sub.ID, t.now); err != nil {
				return err
			}
		}
		return nil
	})
}

// rosterMark holds what tells the list that was applied last from others. Who
// changes the list by another way removes it.
const rosterMark = "roster"

// RosterApplied is what KeepRosterApplied was given last, empty when people who came
// from the file have been changed since by another way.
func (s *Store) RosterApplied(ctx context.Context) (sum string, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT value FROM marks WHERE name = $1`, rosterMark).Scan(&sum)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return sum, err
}

// KeepRosterApplied remembers which list was applied.
func (s *Store) KeepRosterApplied(ctx context.Context, sum string) error {
	return s.inTx(ctx, rosterLock, func(ctx context.Context, t tx) error {
		_, err := t.ExecContext(ctx, `INSERT INTO marks (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, rosterMark, sum)
		return err
	})
}

// Listed tells whether anybody is on the list who came from there.
func (s *Store) Listed(ctx context.Context, origin news.ListOrigin) (some bool, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM subscribers WHERE origin = $1 AND listed = 1)`, origin).Scan(&some)
	return some, err
}

// rosterBatch is how many people go into one statement: on PostgreSQL each is a
// journey, in SQLite the cost of each argument grows with their number.
const rosterBatch = 100

// lastOfEach leaves out whoever comes again later.
func lastOfEach(list []news.Subscriber) []news.Subscriber {
	seen := make(map[string]bool, len(list))
	var kept []news.Subscriber
	for _, sub := range slices.Backward(list) {
		if id := news.SubscriberID(sub.Email); !seen[id] {
			seen[id] = true
			kept = append(kept, sub)
		}
	}
	return kept
}

func (t tx) putSubscribers(ctx context.Context, batch []news.Subscriber) error {
	var people, digests [][]any
	var ids []string
	for _, sub := range batch {
		id := news.SubscriberID(sub.Email)
		people = append(people, []any{id, sub.Email, sub.Name, sub.Unit, texts(sub.Columns), texts(sub.Keywords), sub.Format, ms(sub.Until), news.Active, 1, sub.Origin, t.now})
		ids = append(ids, id)
		for _, d := range sub.Digests {
			digests = append(digests, []any{d, id})
		}
	}
	rows, args := tuples(people)
	if _, err := t.ExecContext(ctx, `INSERT INTO subscribers (id, email, name, unit, columns, keywords, format, until, state, listed, origin, changed) VALUES `+rows+`
		ON CONFLICT (id) DO UPDATE SET email = excluded.email, name = excluded.name, unit = excluded.unit, columns = excluded.columns,
		keywords = excluded.keywords, format = excluded.format, until = excluded.until, listed = 1, origin = excluded.origin, changed = excluded.changed`, args...); err != nil {
		return err
	}
	args, these := list(nil, ids)
	if _, err := t.ExecContext(ctx, `DELETE FROM subscriptions WHERE subscriber_id IN (`+these+`)`, args...); err != nil {
		return err
	}
	for part := range slices.Chunk(digests, 10*rosterBatch) {
		rows, args = tuples(part)
		if _, err := t.ExecContext(ctx, `INSERT INTO subscriptions (digest, subscriber_id) VALUES `+rows+` ON CONFLICT DO NOTHING`, args...); err != nil {
			return err
		}
	}
	return nil
}

// SetSubscriberState records what a person, or their mail system, decided.
func (s *Store) SetSubscriberState(ctx context.Context, id string, state news.SubscriberState) error {
	return s.inTx(ctx, noLock, func(ctx context.Context, t tx) error {
		was, err := t.subscriberState(ctx, id)
		if err != nil || was == state {
			return err
		}
		what := map[news.SubscriberState]news.SuppressionEvent{news.Active: news.WasLifted, news.Bounced: news.WasBounced, news.Unsubscribed: news.WasUnsubscribed}[state]
		_, err = t.turn(ctx, id, state, what, "", was)
		return err
	})
}

// subscriberState finds the state of a person.
func (t tx) subscriberState(ctx context.Context, id string) (state news.SubscriberState, err error) {
	err = t.QueryRowContext(ctx, `SELECT state FROM subscribers WHERE id = $1`+t.forUpdate, id).Scan(&state)
	if errors.Is(err, sql.ErrNoRows) {
		err = news.Errorf(news.NotFound, "there is no such subscriber")
	}
	return state, err
}

// texts are a list as a column of text holds it.
func texts(values []string) string {
	if values == nil {
		values = []string{}
	}
	return toJSON(values)
}
