package store

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"

	"jianxun/internal/news"
)

// Whom and what a report is about is known of those that are matched alone.
const (
	bounceFields = `b.id, b.report, b.received, b.kind, b.issue_id, b.subscriber_id, b.recipient, b.message_id, b.status, b.diagnostic,
		coalesce(s.email, ''), coalesce(i.digest, ''), coalesce(i.title, ''), coalesce(i.year, 0), coalesce(i.number, 0)`
	bounceTables = ` FROM bounces b LEFT JOIN subscribers s ON s.id = b.subscriber_id LEFT JOIN issues i ON i.id = b.issue_id`
)

// Bounces lists reports, the newest first, at most limit: all of them, or only
// those that are not matched. The mails themselves are not read.
func (s *Store) Bounces(ctx context.Context, unmatched bool, limit int) ([]news.Bounce, error) {
	which := ""
	if unmatched {
		which = ` WHERE b.issue_id = 0`
	}
	rows, err := s.read.QueryContext(ctx, `SELECT `+bounceFields+`, ''`+bounceTables+which+` ORDER BY b.id DESC LIMIT $1`, limit)
	return collect(rows, err, scanBounce)
}

// Bounce finds one report, with its mail when that was kept.
func (s *Store) Bounce(ctx context.Context, id int64) (news.Bounce, error) {
	b, err := scanBounce(s.read.QueryRowContext(ctx, `SELECT `+bounceFields+`, b.raw`+bounceTables+` WHERE b.id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		err = news.Errorf(news.NotFound, "there is no report %d; see: jianxun bounces list", id)
	}
	return b, err
}

func scanBounce(row scanner) (b news.Bounce, err error) {
	var received int64
	var raw string
	if err = row.Scan(&b.ID, &b.Report, &received, &b.Kind, &b.IssueID, &b.Subscriber, &b.Recipient, &b.MessageID, &b.Status, &b.Diagnostic,
		&b.Email, &b.Issue.Digest, &b.Issue.Title, &b.Issue.Year, &b.Issue.Number, &raw); err != nil {
		return b, err
	}
	b.Received, b.Issue.ID = at(received), b.IssueID
	b.Raw, err = base64.StdEncoding.DecodeString(raw)
	return b, err
}

// MailboxRead tells how far a mailbox on a server has been read, 0 and 0 when it
// has not been.
func (s *Store) MailboxRead(ctx context.Context, name string) (uidvalidity, uid uint32, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT uidvalidity, uid FROM mailboxes WHERE name = $1`, name).Scan(&uidvalidity, &uid)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return uidvalidity, uid, err
}

// KeepMailboxRead remembers it.
func (s *Store) KeepMailboxRead(ctx context.Context, name string, uidvalidity, uid uint32) error {
	return s.inTx(ctx, noLock, func(ctx context.Context, t tx) error {
		_, err := t.ExecContext(ctx, `INSERT INTO mailboxes (name, uidvalidity, uid) VALUES ($1, $2, $3)
			ON CONFLICT (name) DO UPDATE SET uidvalidity = excluded.uidvalidity, uid = excluded.uid`, name, int64(uidvalidity), int64(uid))
		return err
	})
}
