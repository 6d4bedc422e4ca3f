package store

import (
	"context"
	"time"

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

// ClaimDeliveries leases up to n due deliveries of issues being sent to the
// holder of token, until the lease runs out. only restricts it to one issue
// unless it is 0. People who may no longer be written to are suppressed here;
// none claimed means that nothing is due. Rows whose holder died are settled
// first: leased ones are free again, committing ones are uncertain. While sending
// is held back, see Held, all stays as it is and none is claimed.
func (s *Store) ClaimDeliveries(ctx context.Context, only int64, token string, lease time.Duration, n int) ([]news.Delivery, error) {
	var claimed []news.Delivery
	err := s.inTx(ctx, noLock, func(ctx context.Context, t tx) error {
		if held, err := t.held(ctx); held || err != nil {
			return err
		}
		if err := t.expireLeases(ctx); err != nil {
			return err
		}
		for len(claimed) == 0 {
			due, err := t.dueDeliveries(ctx, only, n)
			if err != nil {
				return err
			}
			if len(due) == 0 {
				break
			}
			if claimed, err = t.lease(ctx, due, token, t.now+lease.Milliseconds()); err != nil {
				return err
			}
		}
		return t.finishIssues(ctx)
	})
	return claimed, err
}

// lease gives those of due who may be written to, and suppresses the others.
func (t tx) lease(ctx context.Context, due []news.Delivery, token string, until int64) ([]news.Delivery, error) {
	var leased, others []news.Delivery
	for _, d := range due {
		if mayReceive(d.Subscriber, t.now) {
			leased = append(leased, d)
		} else {
			others = append(others, d)
		}
	}
	if err := t.hold(ctx, others, news.Suppressed, "", 0); err != nil {
		return nil, err
	}
	return leased, t.hold(ctx, leased, news.Leased, token, until)
}

// hold brings rows into a state, those of each issue in one statement.
func (t tx) hold(ctx context.Context, deliveries []news.Delivery, state news.DeliveryState, token string, until int64) error {
	byIssue := map[int64][]string{}
	for _, d := range deliveries {
		byIssue[d.IssueID] = append(byIssue[d.IssueID], d.Subscriber.ID)
	}
	for issue, people := range byIssue {
		args, these := list([]any{issue, state, token, until, t.now}, people)
		if _, err := t.ExecContext(ctx, `UPDATE deliveries SET state = $2, lease_token = $3, lease_until = $4, changed = $5
			WHERE issue_id = $1 AND subscriber_id IN (`+these+`)`, args...); err != nil {
			return err
		}
	}
	return nil
}

func mayReceive(s news.Subscriber, now int64) bool {
	return s.Listed && s.State == news.Active && (s.Until.IsZero() || ms(s.Until) > now)
}

// held is the condition of the index deliveries_leased, word for word: SQLite
// uses it only so, and otherwise reads the whole ledger.
const held = `state IN ('leased', 'committing')`

func (t tx) expireLeases(ctx context.Context) error {
	// A committing row keeps its token: should its holder be alive after all, it
	// may still tell how it ended.
	for _, step := range []string{
		`UPDATE deliveries SET state = 'queued', lease_token = '', changed = $1 WHERE ` + t.expired("leased"),
		`UPDATE deliveries SET state = 'uncertain', changed = $1,
			reply = 'the sender died before the answer to the final dot was recorded' WHERE ` + t.expired("committing"),
	} {
		if _, err := t.ExecContext(ctx, step, t.now); err != nil {
			return err
		}
	}
	return nil
}

// expired is the condition of rows in the state whose lease has run out ($1).
// What others are about to change is left to them.
func (t tx) expired(state string) string {
	return `(issue_id, subscriber_id) IN (SELECT d.issue_id, d.subscriber_id FROM deliveries d
		WHERE ` + held + ` AND state = '` + state + `' AND lease_until <= $1` + t.claim("d") + `)`
}

func (t tx) dueDeliveries(ctx context.Context, only int64, n int) ([]news.Delivery, error) {
	rows, err := t.QueryContext(ctx, `SELECT d.issue_id, d.attempts, d.first_tried, `+subscriberFields+`
		FROM deliveries d JOIN subscribers s ON s.id = d.subscriber_id
		WHERE d.state IN ('queued', 'deferred') AND d.next_attempt <= $1 AND (d.issue_id = $2 OR $2 = 0)
		ORDER BY d.next_attempt LIMIT $3`+t.claim("d"), t.now, only, n)
	return collect(rows, err, func(row scanner) (d news.Delivery, err error) {
		var tried int64
		dest, finish := subscriberDest(&d.Subscriber)
		if err := row.Scan(append([]any{&d.IssueID, &d.Attempts, &tried}, dest...)...); err != nil {
			return d, err
		}
		d.FirstTried = at(tried)
		return d, finish()
	})
}

// ExtendLeases keeps what the holder of token has from being taken over.
func (s *Store) ExtendLeases(ctx context.Context, token string, lease time.Duration) error {
	return s.inTx(ctx, noLock, func(ctx context.Context, t tx) error {
		_, err := t.ExecContext(ctx, `UPDATE deliveries SET lease_until = $2
			WHERE `+held+` AND lease_token = $1 AND lease_until > $3`, token, t.now+lease.Milliseconds(), t.now)
		return err
	})
}

// BeginCommit records that the final dot is about to be sent. It fails with
// Conflict when the lease has run out: then the dot must not be sent.
func (s *Store) BeginCommit(ctx context.Context, d news.Delivery, token string) error {
	return s.inTx(ctx, noLock, func(ctx context.Context, t tx) error {
		res, err := t.ExecContext(ctx, `UPDATE deliveries SET state = 'committing', changed = $4
			WHERE issue_id = $1 AND subscriber_id = $2 AND state = 'leased' AND lease_token = $3 AND lease_until > $4`,
			d.IssueID, d.Subscriber.ID, token, t.now)
		return oneRow(res, err, news.Errorf(news.Conflict, "the lease of this delivery has run out"))
	})
}

// SettleDelivery records how an attempt by the holder of token ended: State,
// Next and Reply of d are stored, and attempts is added to the count. When
// nothing of the issue is open any more it becomes sent.
func (s *Store) SettleDelivery(ctx context.Context, d news.Delivery, token string, attempts int) error {
	err := s.inTx(ctx, noLock, func(ctx context.Context, t tx) error {
		tried := ms(d.FirstTried)
		if tried == 0 && attempts > 0 {
			tried = t.now
		}
		res, err := t.ExecContext(ctx, `UPDATE deliveries SET state = $4, attempts = attempts + $5, first_tried = $6, next_attempt = $7, reply = $8,
			lease_token = '', lease_until = 0, changed = $9
			WHERE issue_id = $1 AND subscriber_id = $2 AND lease_token = $3 AND state IN ('leased', 'committing', 'uncertain')`,
			d.IssueID, d.Subscriber.ID, token, d.State, attempts, tried, ms(d.Next), d.Reply, t.now)
		if err := oneRow(res, err, news.Errorf(news.Conflict, "the lease of this delivery has run out")); err != nil || d.State != news.Queued {
			return err
		}
		// A row that was thought uncertain and is not: its issue is not sent yet.
		_, err = t.ExecContext(ctx, `UPDATE issues SET state = 'sending', changed = $2 WHERE id = $1 AND state = 'sent'`, d.IssueID, t.now)
		return err
	})
	if err == nil {
		_ = s.finishIssue(ctx, d.IssueID) // the next claim does it too
	}
	return err
}

// ReleaseLeases gives back what the holder of token has not begun to commit.
func (s *Store) ReleaseLeases(ctx context.Context, token string) error {
	return s.inTx(ctx, noLock, func(ctx context.Context, t tx) error {
		_, err := t.ExecContext(ctx, `UPDATE deliveries SET state = 'queued', lease_token = '', lease_until = 0, changed = $2
			WHERE `+held+` AND state = 'leased' AND lease_token = $1`, token, t.now)
		return err
	})
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
