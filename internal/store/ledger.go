package store

import (
	"context"

	"jianxun/internal/news"
)

// EnqueueIssue begins the sending of an approved issue: in one transaction the
// issue becomes sending and everybody who is to have it gets a row. It gives
// the number of rows.
func (s *Store) EnqueueIssue(ctx context.Context, id int64) (int, error) {
	var rows int64
	err := s.inTxWithin(ctx, s.dialect.patience*longest, noLock, func(ctx context.Context, t tx) error {
		if err := t.moveIssue(ctx, id, news.Sending); err != nil {
			return err
		}
		res, err := t.ExecContext(ctx, `INSERT INTO deliveries (issue_id, subscriber_id, state, attempts, first_tried, next_attempt, lease_token, lease_until, reply, changed)
			SELECT i.id, s.id, 'queued', 0, 0, $2, '', 0, '', $2
			FROM issues i JOIN subscriptions d ON d.digest = i.digest JOIN subscribers s ON s.id = d.subscriber_id
			WHERE i.id = $1 AND s.listed = 1 AND s.state = 'active' AND (s.until = 0 OR s.until > $2) AND `+wanted, id, t.now)
		if err != nil {
			return err
		}
		if rows, err = res.RowsAffected(); err != nil || rows > 0 {
			t.told[deliveriesTopic] = true
			return err
		}
		return t.moveIssue(ctx, id, news.Sent) // nobody to send it to
	})
	return int(rows), err
}

// Recipients is how many people an issue of the digest would go to now.
func (s *Store) Recipients(ctx context.Context, digest string) (n int, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT count(*) FROM subscriptions d JOIN subscribers s ON s.id = d.subscriber_id
		WHERE d.digest = $1 AND s.listed = 1 AND s.state = 'active' AND (s.until = 0 OR s.until > $2) AND `+wanted, digest, ms(s.now())).Scan(&n)
	return n, err
}

// openStates are those of rows whose mail may still be sent.
const openStates = `('queued', 'leased', 'committing', 'deferred')`

// finishIssue makes the issue sent when none of its rows is open. It looks after
// the settling is committed: two that settle the last two rows at once do not see
// each other before.
func (s *Store) finishIssue(ctx context.Context, id int64) error {
	var more bool
	err := s.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM deliveries WHERE issue_id = $1 AND state IN `+openStates+`)`, id).Scan(&more)
	if err != nil || more {
		return err
	}
	return s.inTx(ctx, noLock, func(ctx context.Context, t tx) error { return t.finishIssues(ctx) })
}

// finishIssues makes sent what has no open row.
func (t tx) finishIssues(ctx context.Context) error {
	_, err := t.ExecContext(ctx, `UPDATE issues SET state = 'sent', changed = $1 WHERE state = 'sending' AND NOT EXISTS
		(SELECT 1 FROM deliveries d WHERE d.issue_id = issues.id AND d.state IN `+openStates+`)`, t.now)
	return err
}

// Tally counts the deliveries of an issue by state.
func (s *Store) Tally(ctx context.Context, id int64) (news.Tally, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT state, count(*) FROM deliveries WHERE issue_id = $1 GROUP BY state`, id)
	tally := news.Tally{}
	_, err = collect(rows, err, func(row scanner) (struct{}, error) {
		var state news.DeliveryState
		var n int
		err := row.Scan(&state, &n)
		tally[state] = n
		return struct{}{}, err
	})
	return tally, err
}

// Deliveries lists the rows of an issue in one of the states, by address, at
// most limit.
func (s *Store) Deliveries(ctx context.Context, id int64, state news.DeliveryState, limit int) ([]news.Delivery, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT d.attempts, d.next_attempt, d.reply, d.changed, `+subscriberFields+`
		FROM deliveries d JOIN subscribers s ON s.id = d.subscriber_id
		WHERE d.issue_id = $1 AND d.state = $2 ORDER BY s.email LIMIT $3`, id, state, limit)
	return collect(rows, err, func(row scanner) (news.Delivery, error) {
		d := news.Delivery{IssueID: id, State: state}
		var next, changed int64
		dest, finish := subscriberDest(&d.Subscriber)
		if err := row.Scan(append([]any{&d.Attempts, &next, &d.Reply, &changed}, dest...)...); err != nil {
			return d, err
		}
		d.Next, d.Changed = at(next), at(changed)
		return d, finish()
	})
}
