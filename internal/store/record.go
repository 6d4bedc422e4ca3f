package store

import (
	"context"
	"slices"

	"jianxun/internal/news"
)

// Record records steps of several deliveries in one transaction: those that begin
// to commit and those that have ended for now. It gives an error for each step,
// nil for what is recorded: Conflict when the lease has run out, the row is settled
// or the person may no longer be written to, Refused when sending is held or
// paused. The final dot of a mail may be sent only when its Committing is recorded.
// When nothing of an issue is open any more the issue becomes sent.
func (s *Store) Record(ctx context.Context, h news.Holder, steps []news.Step) (said []error, err error) {
	err = s.inTx(ctx, noLock, func(ctx context.Context, t tx) error {
		r := recording{t, h, steps, make([]error, len(steps))}
		said = r.said
		return r.run(ctx)
	})
	if err != nil {
		return nil, err
	}
	for _, id := range settledIssues(steps) {
		_ = s.finishIssue(ctx, id) // the next claim does it too
	}
	return said, nil
}

// settledIssues are those of which a step may have been the last: none begins.
func settledIssues(steps []news.Step) (ids []int64) {
	var begun []int64
	for _, step := range steps {
		if step.State == news.Committing {
			begun = append(begun, step.IssueID)
		}
	}
	for _, step := range steps {
		if !slices.Contains(begun, step.IssueID) && !slices.Contains(ids, step.IssueID) {
			ids = append(ids, step.IssueID)
		}
	}
	return ids
}

type recording struct {
	tx
	holder news.Holder
	steps  []news.Step
	said   []error
}

func (r recording) run(ctx context.Context) error {
	begun, sent, tried := map[int64][]int{}, map[int64][]int{}, 0
	for i, step := range r.steps {
		tried += step.Tried
		switch {
		case step.State == news.Committing:
			begun[step.IssueID] = append(begun[step.IssueID], i)
		case step.State == news.Delivered && step.Tried == 1:
			sent[step.IssueID] = append(sent[step.IssueID], i)
		default:
			if err := r.settle(ctx, i); err != nil {
				return err
			}
		}
	}
	for issue, these := range sent {
		if err := r.sent(ctx, issue, these); err != nil {
			return err
		}
	}
	if len(begun) > 0 {
		if err := r.begin(ctx, begun); err != nil {
			return err
		}
	}
	return r.count(ctx, r.holder, tried)
}

// runOut says that a row is not the holder's any more.
func runOut() error {
	return news.Errorf(news.Conflict, "the lease of this delivery has run out")
}

func (r recording) begin(ctx context.Context, byIssue map[int64][]int) error {
	p, err := r.stopped(ctx)
	if err != nil {
		return err
	}
	for issue, these := range byIssue {
		if p.all || slices.Contains(p.issues, issue) {
			for _, i := range these {
				r.said[i] = news.Errorf(news.Refused, "sending is paused")
			}
			continue
		}
		if err := r.each(ctx, issue, these, `UPDATE deliveries SET state = 'committing', changed = $3
			WHERE issue_id = $1 AND state = 'leased' AND lease_token = $2 AND lease_until > $3
			AND EXISTS (SELECT 1 FROM subscribers s WHERE s.id = deliveries.subscriber_id AND s.listed = 1 AND s.state = 'active'
				AND (s.until = 0 OR s.until > $3))
			AND `+notDeclined("deliveries")); err != nil {
			return err
		}
	}
	return nil
}

// unsettled are the rows whose end their holder ($2) may still tell. An uncertain
// one keeps its token, and nobody else's.
const unsettled = `lease_token = $2 AND state IN ('leased', 'committing', 'uncertain')`

// sent settles the many that went well in one statement.
func (r recording) sent(ctx context.Context, issue int64, these []int) error {
	return r.each(ctx, issue, these, `UPDATE deliveries SET state = 'sent', attempts = attempts + 1,
		first_tried = CASE first_tried WHEN 0 THEN $3 ELSE first_tried END, next_attempt = 0, reply = '',
		lease_token = '', lease_until = 0, changed = $3 WHERE issue_id = $1 AND `+unsettled)
}

// each runs an update over the rows of some steps of an issue; what it does not
// find has run out. The statement has the issue, the token and the time.
func (r recording) each(ctx context.Context, issue int64, these []int, update string) error {
	people := make([]string, len(these))
	for i, step := range these {
		people[i] = r.steps[step].Subscriber.ID
	}
	args, places := list([]any{issue, r.holder.Token, r.now}, people)
	rows, err := r.QueryContext(ctx, update+` AND subscriber_id IN (`+places+`) RETURNING subscriber_id`, args...)
	done, err := collect(rows, err, func(row scanner) (id string, err error) {
		err = row.Scan(&id)
		return id, err
	})
	for i, step := range these {
		if !slices.Contains(done, people[i]) {
			r.said[step] = runOut()
		}
	}
	return err
}

// settle records how one delivery ended that did not simply go well.
func (r recording) settle(ctx context.Context, i int) error {
	d := r.steps[i]
	tried := ms(d.FirstTried)
	if tried == 0 && d.Tried > 0 {
		tried = r.now
	}
	res, err := r.ExecContext(ctx, `UPDATE deliveries SET state = $4, attempts = attempts + $5, first_tried = $6, next_attempt = $7, reply = $8,
		lease_token = '', lease_until = 0, changed = $9 WHERE issue_id = $1 AND subscriber_id = $3 AND `+unsettled,
		d.IssueID, r.holder.Token, d.Subscriber.ID, d.State, d.Tried, tried, ms(d.Next), d.Reply, r.now)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		r.said[i] = runOut()
		return err
	}
	if d.State != news.Queued && d.State != news.Deferred {
		return nil
	}
	// A row that was thought uncertain and is not: its issue is not sent yet.
	_, err = r.ExecContext(ctx, `UPDATE issues SET state = 'sending', changed = $2 WHERE id = $1 AND state = 'sent'`, d.IssueID, r.now)
	return err
}
