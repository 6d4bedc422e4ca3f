package outbox

import (
	"context"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"jianxun/internal/mail"
	"jianxun/internal/news"
)

// book notes down what it is told. It knows the deliveries of issue 7.
type book struct {
	recorded, kept []news.Bounce
	err            error
}

func (b *book) RecordBounce(_ context.Context, r news.Bounce, softRun int) (news.BounceEffect, error) {
	if b.err != nil {
		return news.BounceEffect{}, b.err
	}
	if r.IssueID != 7 || softRun != 3 {
		return news.BounceEffect{}, news.Errorf(news.NotFound, "there is no such delivery")
	}
	b.recorded = append(b.recorded, r)
	return news.BounceEffect{New: true, State: news.Bounced}, nil
}

func (b *book) KeepBounce(_ context.Context, r news.Bounce, limit int) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	b.kept = append(b.kept, r)
	return max(0, len(b.kept)-limit), nil
}

func TestRequirement29ReportsAreMatchedByTheirReturnPathAlone(t *testing.T) {
	verp := mail.VERP{Address: "bounces@example.org", Key: []byte("0123456789abcdef0123456789abcdef")}
	person := news.SubscriberID("zhang@example.org")
	ours := verp.Sender(7, person)
	forged := mail.VERP{Address: verp.Address, Key: []byte("another key, of 32 octets, or so")}.Sender(7, person)
	for _, c := range []struct {
		name     string
		kind     mail.BounceKind
		to       []string
		keepAll  bool
		done     bool
		recorded bool
		kept     bool
	}{
		{name: "a hard bounce", kind: mail.HardBounce, to: []string{ours}, done: true, recorded: true},
		{name: "a soft bounce", kind: mail.SoftBounce, to: []string{ours}, done: true, recorded: true},
		{name: "a complaint", kind: mail.Complaint, to: []string{ours}, done: true, recorded: true},
		{name: "found among other addresses", kind: mail.HardBounce, to: []string{"postmaster@example.org", forged, ours}, done: true, recorded: true},
		{name: "a forged return path", kind: mail.HardBounce, to: []string{forged}, done: true, kept: true},
		{name: "a return path that was cut", kind: mail.HardBounce, to: []string{ours[1:]}, done: true, kept: true},
		{name: "the bare address", kind: mail.Complaint, to: []string{verp.Address}, done: true, kept: true},
		{name: "no address at all", kind: mail.SoftBounce, done: true, kept: true},
		{name: "a delivery that is not known", kind: mail.HardBounce, to: []string{verp.Sender(8, person)}, done: true, kept: true},
		{name: "an automatic reply", kind: mail.NoBounce, to: []string{ours}},
		{name: "an automatic reply that nobody else has", kind: mail.NoBounce, to: []string{ours}, keepAll: true, done: true, kept: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b book
			raw := []byte("Subject: x\r\n\r\nbody\r\n")
			out, err := HandleBounce(t.Context(), mail.Bounce{Kind: c.kind, To: c.to, MessageID: "weekly.2026-1.0@example.org"}, raw,
				BounceOptions{Book: &b, VERP: verp, SoftRun: 3, KeepAll: c.keepAll})
			if err != nil || out.Done != c.done || len(b.recorded) == 1 != c.recorded || len(b.kept) == 1 != c.kept {
				t.Fatalf("%+v, %v; recorded %+v, kept %+v", out, err, b.recorded, b.kept)
			}
			for _, r := range b.recorded {
				if r.IssueID != 7 || r.Subscriber != person || r.Kind != news.BounceKind(c.kind) || len(r.Raw) != 0 || !out.Bounce.Matched() || out.Effect.State != news.Bounced {
					t.Errorf("recorded is %+v", r)
				}
			}
			for _, r := range b.kept {
				if r.Matched() || r.Subscriber != "" || string(r.Raw) != string(raw) || r.Report == "" {
					t.Errorf("kept is %+v", r)
				}
			}
		})
	}
}

func TestWithoutAReturnPathOfOurOwnNothingIsMatched(t *testing.T) {
	var b book
	if out, err := HandleBounce(t.Context(), mail.Bounce{Kind: mail.HardBounce, To: []string{""}}, nil, BounceOptions{Book: &b, SoftRun: 3}); err != nil || !out.Done || len(b.kept) != 1 {
		t.Errorf("%+v, %v", out, err)
	}
}

func TestAReportIsKnownByItsOctets(t *testing.T) {
	var b book
	for _, raw := range []string{"a", "a", "b"} {
		if _, err := HandleBounce(t.Context(), mail.Bounce{Kind: mail.HardBounce}, []byte(raw), BounceOptions{Book: &b}); err != nil {
			t.Fatal(err)
		}
	}
	if b.kept[0].Report != b.kept[1].Report || b.kept[0].Report == b.kept[2].Report {
		t.Errorf("%+v", b.kept)
	}
}

func TestWhatIsKeptOfAReportIsBounded(t *testing.T) {
	var b book
	long := strings.Repeat("查无此人\r\n\x1b[31m", 10_000)
	_, err := HandleBounce(t.Context(), mail.Bounce{Kind: mail.HardBounce, Recipient: long, MessageID: long, Status: long, Diagnostic: long}, make([]byte, 1<<20), BounceOptions{Book: &b})
	if err != nil {
		t.Fatal(err)
	}
	r := b.kept[0]
	for _, s := range []string{r.Recipient, r.MessageID, r.Status, r.Diagnostic} {
		if utf8.RuneCountInString(s) != wordsKept || strings.ContainsAny(s, "\r\n\x1b") {
			t.Errorf("kept is %q", s)
		}
	}
	if len(r.Raw) != rawKept {
		t.Errorf("%d octets of the mail are kept", len(r.Raw))
	}
}

func TestAStoreThatIsAwayLeavesTheMailWhereItIs(t *testing.T) {
	verp := mail.VERP{Address: "bounces@example.org", Key: make([]byte, 32)}
	for _, to := range []string{verp.Sender(7, news.SubscriberID("a@example.org")), "nobody@example.org"} {
		b := book{err: news.Errorf(news.Unavailable, "the store %s does not answer: %w", "x", errors.New("gone"))}
		out, err := HandleBounce(t.Context(), mail.Bounce{Kind: mail.HardBounce, To: []string{to}}, []byte("x"), BounceOptions{Book: &b, VERP: verp, SoftRun: 3})
		if news.CodeOf(err) != news.Unavailable || out.Done {
			t.Errorf("%s: %+v, %v", to, out, err)
		}
	}
}

func TestHardReplies(t *testing.T) {
	for reply, want := range map[string]bool{
		"550 5.1.1 no such user here": true, "550 5.1.1": true, "553 5.1.3 bad address": true, "551 5.1.6 moved": true, "556 5.1.10 null MX": true,
		"550 5.2.1 mailbox disabled": true, " 550 5.1.1 x": true,
		"550 5.1.2 no such domain": false, "550 no such user": false, "550 5.7.1 refused": false, "552 5.2.2 mailbox full": false,
		"450 5.1.1 odd": false, "450 4.1.1 later": false, "550 5.1.11 x": false, "550 frequency limit 5.1.1": false, "": false, "5.1.1 x": false,
	} {
		if got := HardReply(reply); got != want {
			t.Errorf("%q: %v", reply, got)
		}
	}
}
