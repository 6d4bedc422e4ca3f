package store

import (
	"context"

	"jianxun/internal/news"
)

// turn brings a person from one of the states into another and remembers what
// happened, unless that is nothing. It tells whether the person was in one of them.
func (t tx) turn(ctx context.Context, id string, state news.SubscriberState, what news.SuppressionEvent, reason string, from ...news.SubscriberState) (bool, error) {
	args, these := list([]any{id, state, t.now}, from)
	res, err := t.ExecContext(ctx, `UPDATE subscribers SET state = $2, changed = $3 WHERE id = $1 AND state IN (`+these+`)`, args...)
	if err != nil {
		return false, err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 || what == "" {
		return n > 0, err
	}
	// The row of the person is ours now: nobody else takes the position.
	_, err = t.ExecContext(ctx, `INSERT INTO suppressions (subscriber_id, position, at, what, reason)
		SELECT $1, coalesce(max(position), 0) + 1, $2, $3, $4 FROM suppressions WHERE subscriber_id = $1`, id, t.now, what, reason)
	return true, err
}

// Lift makes a bounced person active again, for a reason that is kept. Who left
// or complained comes back by their own decision alone.
func (s *Store) Lift(ctx context.Context, id, reason string) error {
	return s.inTx(ctx, noLock, func(ctx context.Context, t tx) error {
		lifted, err := t.turn(ctx, id, news.Active, news.WasLifted, reason, news.Bounced)
		if err != nil || lifted {
			return err
		}
		sub, err := t.subscriberState(ctx, id)
		switch {
		case err != nil:
			return err
		case sub == news.Unsubscribed:
			return news.Errorf(news.Refused, "this person left, or called a mail abuse; only they can subscribe again, by the link in a mail that they have")
		}
		return news.Errorf(news.Conflict, "this person has not bounced: there is nothing to lift")
	})
}

// Suppressions gives what happened last to each person whose getting mail was
// ever in question, by id.
func (s *Store) Suppressions(ctx context.Context) (map[string]news.Suppression, error) {
	rows, err := s.read.within(longest).QueryContext(ctx, `SELECT s.subscriber_id, s.at, s.what, s.reason FROM suppressions s
		WHERE s.position = (SELECT max(position) FROM suppressions l WHERE l.subscriber_id = s.subscriber_id)`)
	last, err := collect(rows, err, func(row scanner) (e news.Suppression, err error) {
		var when int64
		err = row.Scan(&e.Subscriber, &when, &e.What, &e.Reason)
		e.At = at(when)
		return e, err
	})
	byPerson := make(map[string]news.Suppression, len(last))
	for _, e := range last {
		byPerson[e.Subscriber] = e
	}
	return byPerson, err
}
