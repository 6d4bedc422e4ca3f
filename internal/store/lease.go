package store

import (
	"context"

	"jianxun/internal/news"
)

// ClaimDeliveries leases up to n due deliveries of issues being sent to the
// holder, as many as its quotas allow; only restricts it to one issue unless it is
// 0. People who may no longer be written to are suppressed here. None claimed means
// that nothing is due or allowed now. Rows whose holder died are settled first:
// leased ones are free again, committing ones are uncertain. While sending is held
// back, see Held, or paused, all stays as it is and none is claimed.
func (s *Store) ClaimDeliveries(ctx context.Context, h news.Holder, only int64, n int) ([]news.Delivery, error) {
	var claimed []news.Delivery
	l := noLock
	if len(h.Quotas) > 0 {
		l = quotaLock
	}
	err := s.inTx(ctx, l, func(ctx context.Context, t tx) error {
		claimed = nil
		stop, err := t.stopped(ctx)
		if stop.all || err != nil {
			return err
		}
		if err := t.expireLeases(ctx, h); err != nil {
			return err
		}
		if n, err = t.allowed(ctx, h, n); err != nil {
			return err
		}
		for len(claimed) == 0 && n > 0 {
			due, err := t.dueDeliveries(ctx, only, stop.issues, n, h)
			if err != nil {
				return err
			}
			if len(due) == 0 {
				break
			}
			if claimed, err = t.lease(ctx, due, h.Token, t.now+h.Lease.Milliseconds()); err != nil {
				return err
			}
		}
		return t.finishIssues(ctx)
	})
	return claimed, err
}

// lease gives those of due who may be written to, and suppresses the others.
func (t tx) lease(ctx context.Context, due []dueDelivery, token string, until int64) ([]news.Delivery, error) {
	var leased, others []news.Delivery
	for _, d := range due {
		if mayReceive(d.Subscriber, t.now) && !d.declined {
			leased = append(leased, d.Delivery)
		} else {
			others = append(others, d.Delivery)
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

// dueDelivery is a row whose time has come.
type dueDelivery struct {
	news.Delivery
	declined bool // the person wants the digest no more
}

// dueDeliveries are the next n. What is queued is due whatever the clock says, and
// so is what was deferred in the future: the clock may have been set back since.
func (t tx) dueDeliveries(ctx context.Context, only int64, paused []int64, n int, h news.Holder) ([]dueDelivery, error) {
	args, without := list([]any{t.now, only, n, t.now + patient*h.Lease.Milliseconds()}, paused)
	if len(paused) > 0 {
		without = ` AND d.issue_id NOT IN (` + without + `)`
	}
	rows, err := t.QueryContext(ctx, `SELECT d.issue_id, d.attempts, d.first_tried, NOT `+notDeclined("d")+`, `+subscriberFields+`
		FROM deliveries d JOIN subscribers s ON s.id = d.subscriber_id
		WHERE d.state IN ('queued', 'deferred') AND (d.state = 'queued' OR d.next_attempt <= $1 OR d.changed > $4) AND (d.issue_id = $2 OR $2 = 0)`+without+`
		ORDER BY d.next_attempt LIMIT $3`+t.claim("d"), args...)
	return collect(rows, err, func(row scanner) (d dueDelivery, err error) {
		var tried int64
		dest, finish := subscriberDest(&d.Subscriber)
		if err := row.Scan(append([]any{&d.IssueID, &d.Attempts, &tried, &d.declined}, dest...)...); err != nil {
			return d, err
		}
		d.FirstTried = at(tried)
		return d, finish()
	})
}
