package outbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"jianxun/internal/mail"
	"jianxun/internal/news"
)

// BounceBook is the part of the store that reports are recorded in.
type BounceBook interface {
	RecordBounce(ctx context.Context, b news.Bounce, softRun int) (news.BounceEffect, error)
	KeepBounce(ctx context.Context, b news.Bounce, limit int) (dropped int, err error)
}

// BounceOptions say what is done with mail that comes back.
type BounceOptions struct {
	Book    BounceBook
	VERP    mail.VERP
	SoftRun int  // issues in a row that come back softly until an address is taken for dead
	KeepAll bool // also what is no report: nobody else has it
}

// Bounds of what is kept of mail that anybody may send.
const (
	unmatchedKept = 10_000
	rawKept       = 64 << 10 // octets
	wordsKept     = 500      // characters
)

// BounceOutcome is what became of a mail that came back.
type BounceOutcome struct {
	Done    bool // false: it is not ours, and was not recorded
	Bounce  news.Bounce
	Effect  news.BounceEffect
	Dropped int // older mails that were dropped to make room
}

// HandleBounce records a mail that came back. Which delivery it is about is known
// by its return path alone: anybody may write any Message-ID into a report, and
// only we can sign a return path. What bears none that is ours, or one of a
// delivery that the store does not have, is kept for somebody to look at. What is
// no report, such as an automatic reply, never counts as one.
func HandleBounce(ctx context.Context, b mail.Bounce, raw []byte, opt BounceOptions) (out BounceOutcome, err error) {
	sum := sha256.Sum256(raw)
	out.Bounce = news.Bounce{Report: hex.EncodeToString(sum[:]), Kind: news.BounceKind(b.Kind), Recipient: words(b.Recipient), MessageID: words(b.MessageID),
		Status: words(b.Status), Diagnostic: words(b.Diagnostic)}
	if b.Kind == mail.NoBounce && !opt.KeepAll {
		return out, nil
	}
	if b.Kind != mail.NoBounce {
		for _, to := range b.To {
			issue, subscriber, ok := opt.VERP.Parse(to)
			if !ok {
				continue
			}
			out.Bounce.IssueID, out.Bounce.Subscriber = issue, subscriber
			out.Effect, err = opt.Book.RecordBounce(ctx, out.Bounce, opt.SoftRun)
			if out.Done = err == nil; out.Done || news.CodeOf(err) != news.NotFound {
				return out, err
			}
		}
	}
	out.Bounce.IssueID, out.Bounce.Subscriber, out.Bounce.Raw = 0, "", raw[:min(len(raw), rawKept)]
	out.Dropped, err = opt.Book.KeepBounce(ctx, out.Bounce, unmatchedKept)
	out.Done = err == nil
	return out, err
}

// words are what others wrote, in one line of bounded length.
func words(s string) string {
	runes := []rune(news.OneLine(s))
	return string(runes[:min(len(runes), wordsKept)])
}

// HardReply tells whether a relay's reply to a recipient says what a hard bounce
// says: that the address itself takes no mail, now or later (RFC 3463). Only the
// enhanced code is believed: without one a 550 may mean anything. That a domain
// does not exist (5.1.2) is often a fault of name servers, and not of the address.
func HardReply(reply string) bool {
	code, rest, _ := strings.Cut(strings.TrimSpace(reply), " ")
	status, _, _ := strings.Cut(rest, " ")
	if len(code) != 3 || code[0] != '5' {
		return false
	}
	switch status {
	case "5.1.1", "5.1.3", "5.1.6", "5.1.10", "5.2.1": // no mailbox, bad syntax, moved, null MX, disabled
		return true
	}
	return false
}
