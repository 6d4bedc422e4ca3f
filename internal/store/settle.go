package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"jianxun/internal/news"
)

// A mail is uncertain when nobody knows whether the relay took it. The ledger
// never guesses: somebody who knows tells it here.

// UncertainMail is an uncertain row of the ledger. What may have been the mail's
// delivery happened no earlier than Since and no later than Changed.
type UncertainMail struct {
	Email          string
	Since, Changed time.Time
}

// Uncertain lists the uncertain mails of an issue, by address. No row was
// attempted before it was due, nor before the window of its issue was closed.
func (s *Store) Uncertain(ctx context.Context, issue int64) ([]UncertainMail, error) {
	rows, err := s.read.within(longest).QueryContext(ctx, `SELECT s.email, CASE WHEN d.next_attempt > 0 THEN d.next_attempt ELSE i.window_to END, d.changed
		FROM deliveries d JOIN subscribers s ON s.id = d.subscriber_id JOIN issues i ON i.id = d.issue_id
		WHERE d.issue_id = $1 AND d.state = 'uncertain' ORDER BY s.email`, issue)
	return collect(rows, err, func(row scanner) (m UncertainMail, err error) {
		var since, changed int64
		err = row.Scan(&m.Email, &since, &changed)
		m.Since, m.Changed = at(since), at(changed)
		return m, err
	})
}

// Settling is what is to become of uncertain mails, by address.
type Settling struct {
	Sent   []string // they were delivered
	Resend []string // they were not, or failed: each is queued again as if it had never been tried
}

const (
	settleSent = `UPDATE deliveries SET state = 'sent', lease_token = '', lease_until = 0, reply = '', changed = $2
		WHERE issue_id = $1 AND state = 'uncertain' AND subscriber_id IN `
	settleQueued = `UPDATE deliveries SET state = 'queued', lease_token = '', lease_until = 0, reply = '', changed = $2,
		attempts = 0, first_tried = 0, next_attempt = $2
		WHERE issue_id = $1 AND state IN ('uncertain', 'failed') AND subscriber_id IN `
)

// SettleUncertain records what became of uncertain mails of an issue, and sends
// again what failed, all of it or, should one be neither, nothing. Who sent them has no say any more:
// the tokens are cleared. An issue with mails to send again is sending again.
func (s *Store) SettleUncertain(ctx context.Context, issue int64, v Settling) error {
	return s.inTxWithin(ctx, s.dialect.patience*longest, noLock, func(ctx context.Context, t tx) error {
		sent, err := t.settleUncertain(ctx, settleSent, issue, v.Sent)
		if err != nil {
			return err
		}
		queued, err := t.settleUncertain(ctx, settleQueued, issue, v.Resend)
		if err != nil {
			return err
		}
		if len(sent) > 0 {
			return news.Errorf(news.Conflict, "nothing has been changed: no mail of this issue is uncertain for %s", someOf(sent))
		}
		if len(queued) > 0 {
			return news.Errorf(news.Conflict, "nothing has been changed: no mail of this issue is uncertain or failed for %s", someOf(queued))
		}
		if len(v.Resend) == 0 {
			return nil
		}
		t.told[deliveriesTopic] = true
		_, err = t.ExecContext(ctx, `UPDATE issues SET state = 'sending', changed = $2 WHERE id = $1 AND state = 'sent'`, issue, t.now)
		return err
	})
}

// settleUncertain runs the statement over rows of these people, and gives those
// who have no uncertain row.
func (t tx) settleUncertain(ctx context.Context, statement string, issue int64, emails []string) (others []string, err error) {
	for batch := range slices.Chunk(emails, rosterBatch) {
		byID := map[string]string{}
		var ids []string
		for _, email := range batch {
			id := news.SubscriberID(email)
			byID[id], ids = email, append(ids, id)
		}
		args, these := list([]any{issue, t.now}, ids)
		rows, err := t.QueryContext(ctx, statement+`(`+these+`) RETURNING subscriber_id`, args...)
		settled, err := collect(rows, err, func(row scanner) (id string, err error) {
			err = row.Scan(&id)
			return id, err
		})
		if err != nil {
			return nil, err
		}
		for _, id := range settled {
			delete(byID, id)
		}
		for _, email := range batch {
			if _, left := byID[news.SubscriberID(email)]; left {
				others = append(others, email)
			}
		}
	}
	return others, nil
}

// othersNamed bounds how many addresses an error names.
const othersNamed = 20

func someOf(emails []string) string {
	text := strings.Join(emails[:min(len(emails), othersNamed)], ", ")
	if more := len(emails) - othersNamed; more > 0 {
		text += fmt.Sprintf(" (+%d)", more)
	}
	return text
}
