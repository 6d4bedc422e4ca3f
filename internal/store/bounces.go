package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"

	"jianxun/internal/news"
)

// RecordBounce records a report about a delivery, once, and in the same
// transaction what follows from it for the person: who called a mail abuse is
// unsubscribed; whose address takes nothing, or could not be reached by softRun
// issues in a row, is bounced. Who unsubscribed stays so. What was sent before
// the person was last lifted bounces nobody. The delivery stays as it is.
// Without such a delivery it is NotFound, and nothing is recorded.
func (s *Store) RecordBounce(ctx context.Context, b news.Bounce, softRun int) (effect news.BounceEffect, err error) {
	err = s.inTx(ctx, noLock, func(ctx context.Context, t tx) error {
		effect = news.BounceEffect{}
		if effect.New, err = t.addBounce(ctx, b); err != nil || !effect.New {
			return err
		}
		effect.State, err = t.afterBounce(ctx, b, softRun)
		return err
	})
	return effect, err
}

// RecordRefusal records a delivery whose recipient the relay refused for good:
// its answer says the same as a bounce would.
func (s *Store) RecordRefusal(ctx context.Context, d news.Delivery) (news.BounceEffect, error) {
	_, words, _ := strings.Cut(d.Reply, " ")
	status, _, _ := strings.Cut(words, " ")
	sum := sha256.Sum256([]byte("refusal\x1f" + d.Subscriber.ID + "\x1f" + strconv.FormatInt(d.IssueID, 10)))
	return s.RecordBounce(ctx, news.Bounce{Report: hex.EncodeToString(sum[:]), Kind: news.HardBounce, IssueID: d.IssueID,
		Subscriber: d.Subscriber.ID, Recipient: d.Subscriber.Email, Status: status, Diagnostic: d.Reply}, 1)
}

// KeepBounce keeps a report that is about no delivery that is known, for
// somebody to look at, and drops the oldest of them beyond the limit. It gives
// how many it dropped.
func (s *Store) KeepBounce(ctx context.Context, b news.Bounce, limit int) (dropped int, err error) {
	err = s.inTx(ctx, noLock, func(ctx context.Context, t tx) error {
		b.IssueID, b.Subscriber = 0, ""
		if _, err := t.addBounce(ctx, b); err != nil {
			return err
		}
		res, err := t.ExecContext(ctx, `DELETE FROM bounces WHERE issue_id = 0 AND id <=
			(SELECT id FROM bounces WHERE issue_id = 0 ORDER BY id DESC LIMIT 1 OFFSET $1)`, limit)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		dropped = int(n)
		return err
	})
	return dropped, err
}

// addBounce tells whether the report is new. Those who record wait for each
// other at the counter, so that all see the whole run of a person's bounces.
func (t tx) addBounce(ctx context.Context, b news.Bounce) (bool, error) {
	if err := t.QueryRowContext(ctx, `UPDATE counters SET value = value + 1 WHERE name = 'bounce_seq' RETURNING value`).Scan(&b.ID); err != nil {
		return false, err
	}
	res, err := t.ExecContext(ctx, `INSERT INTO bounces (id, report, received, kind, issue_id, subscriber_id, recipient, message_id, status, diagnostic, raw)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING`,
		b.ID, b.Report, t.now, b.Kind, b.IssueID, b.Subscriber, b.Recipient, b.MessageID, b.Status, b.Diagnostic, base64.StdEncoding.EncodeToString(b.Raw))
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// afterBounce does what a new report calls for, and gives what the person
// became by it.
func (t tx) afterBounce(ctx context.Context, b news.Bounce, softRun int) (news.SubscriberState, error) {
	var sent, lifted int64
	err := t.QueryRowContext(ctx, `SELECT changed, (SELECT coalesce(max(at), 0) FROM suppressions WHERE subscriber_id = $2 AND what = 'lifted')
		FROM deliveries WHERE issue_id = $1 AND subscriber_id = $2`, b.IssueID, b.Subscriber).Scan(&sent, &lifted)
	if errors.Is(err, sql.ErrNoRows) {
		err = news.Errorf(news.NotFound, "there is no such delivery")
	}
	if err != nil {
		return "", err
	}
	state, what, from := news.Bounced, news.WasBounced, []news.SubscriberState{news.Active, news.Pending}
	switch {
	case b.Kind == news.Complaint:
		state, what, from = news.Unsubscribed, news.WasComplaint, append(from, news.Bounced)
	case sent < lifted:
		return "", nil
	case b.Kind == news.SoftBounce:
		if run, err := t.softRun(ctx, b, lifted, softRun); err != nil || run < softRun {
			return "", err
		}
	}
	turned, err := t.turn(ctx, b.Subscriber, state, what, b.Reason(), from...)
	if !turned {
		state = ""
	}
	return state, err
}

// softRun counts the issues in a row around that of the bounce that came back
// softly, of those that were sent to the person since a time; no further than
// enough in either direction.
func (t tx) softRun(ctx context.Context, b news.Bounce, since int64, enough int) (int, error) {
	run := 1
	for _, direction := range []struct{ than, order string }{{"<", "DESC"}, {">", "ASC"}} {
		// What is uncertain and did not come back is no sign of either.
		rows, err := t.QueryContext(ctx, `SELECT CASE WHEN b.id IS NULL THEN 0 ELSE 1 END
			FROM issues i JOIN deliveries d ON d.issue_id = i.id AND d.subscriber_id = $1
			LEFT JOIN bounces b ON b.subscriber_id = d.subscriber_id AND b.issue_id = d.issue_id AND b.issue_id > 0 AND b.kind = 'soft'
			WHERE i.id `+direction.than+` $2 AND d.changed >= $3 AND (d.state = 'sent' OR b.id IS NOT NULL)
			ORDER BY i.id `+direction.order+` LIMIT $4`, b.Subscriber, b.IssueID, since, enough)
		soft, err := collect(rows, err, func(row scanner) (n int, err error) {
			err = row.Scan(&n)
			return n, err
		})
		if err != nil {
			return 0, err
		}
		for i := 0; i < len(soft) && soft[i] == 1; i++ {
			run++
		}
	}
	return run, nil
}
