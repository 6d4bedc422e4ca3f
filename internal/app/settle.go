package app

import (
	"context"
	"io"
	"math"
	"os"
	"time"

	"jianxun/internal/news"
	"jianxun/internal/outbox"
	"jianxun/internal/store"
)

// Settled is what became of the uncertain mails of an issue, by address.
type Settled struct {
	Issue     string   `json:"issue"`
	Sent      []string `json:"sent"`      // they were delivered
	Queued    []string `json:"queued"`    // they are sent again
	Uncertain []string `json:"uncertain"` // nobody knows still
}

// CheckSettling refuses what could be meant in two ways.
func CheckSettling(sent, resend, all, failed bool, addresses []string, log string) error {
	chosen := len(addresses) > 0
	switch {
	case failed && (sent || !resend || all || chosen || log != ""):
		return news.Errorf(news.Invalid, "--failed goes with --resend alone: what failed is known not to have been delivered")
	case failed:
		return nil
	case log != "" && (sent || all || chosen):
		return news.Errorf(news.Invalid, "with --log the log decides which mails were sent: leave out --sent, --all and addresses")
	case log == "" && sent == resend:
		return news.Errorf(news.Invalid, "write one of --sent and --resend, or --log FILE")
	case log == "" && all == chosen:
		return news.Errorf(news.Invalid, "write the addresses that are meant, or --all")
	}
	return nil
}

// OpenLog opens a log to settle by; - is standard input.
func OpenLog(path string, stdin io.Reader) (io.ReadCloser, error) {
	if path == "-" {
		return io.NopCloser(stdin), nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, news.Errorf(news.NotFound, "the log cannot be read: %w", err)
	}
	return f, nil
}

// SettleIssue records what became of uncertain mails of an issue: they were
// sent, or, with resend, are to be sent again. No addresses means all that are
// uncertain; with resend also failed ones may be named. One that is neither keeps all
// from being changed.
func (a *App) SettleIssue(ctx context.Context, ref string, resend bool, addresses []string) (Settled, error) {
	is, mails, err := a.uncertain(ctx, ref)
	if err != nil {
		return Settled{}, err
	}
	out := settledOf(is)
	chosen := addresses
	if len(chosen) == 0 {
		for _, m := range mails {
			chosen = append(chosen, m.Email)
		}
	}
	chosen = eachOnce(chosen)
	if resend {
		out.Queued = append(out.Queued, chosen...)
	} else {
		out.Sent = append(out.Sent, chosen...)
	}
	for _, m := range without(mails, chosen) {
		out.Uncertain = append(out.Uncertain, m.Email)
	}
	return out, a.settle(ctx, is, out)
}

// ResendFailed sends again what the relay refused for good: for its content, say,
// which the relay takes now.
func (a *App) ResendFailed(ctx context.Context, ref string) (Settled, error) {
	is, err := a.find(ctx, ref)
	if err != nil {
		return Settled{}, err
	}
	rows, err := a.store.Deliveries(ctx, is.ID, news.Failed, math.MaxInt32)
	if err != nil {
		return Settled{}, err
	}
	out := settledOf(is)
	for _, d := range rows {
		out.Queued = append(out.Queued, d.Subscriber.Email)
	}
	return out, a.settle(ctx, is, out)
}

// SettleByLog settles the uncertain mails of an issue that the log of a Postfix
// shows to have been taken. With resend the others are sent again, if the log
// covers the time in which they may have been taken.
func (a *App) SettleByLog(ctx context.Context, ref string, log io.Reader, resend bool) (Settled, error) {
	is, mails, err := a.uncertain(ctx, ref)
	if err != nil || len(mails) == 0 {
		return settledOf(is), err
	}
	composer, zone := a.gen.Load().composer, a.Config().Zone
	ids := make([]string, len(mails))
	for i, m := range mails {
		ids[i] = composer.MessageID(is, news.Subscriber{Email: m.Email})
	}
	told, err := outbox.ReadPostfixLog(ctx, log, ids, zone, a.opt.Now())
	if err != nil {
		return Settled{}, err
	}
	out := settledOf(is)
	for i, m := range mails {
		switch {
		case told.Taken[ids[i]]:
			out.Sent = append(out.Sent, m.Email)
		case !resend || told.Held[ids[i]]:
			out.Uncertain = append(out.Uncertain, m.Email)
		case !told.Covers(m.Since, m.Changed):
			return Settled{}, notCovered(told, m, zone)
		default:
			out.Queued = append(out.Queued, m.Email)
		}
	}
	return out, a.settle(ctx, is, out)
}

func notCovered(l outbox.RelayLog, m store.UncertainMail, zone *time.Location) error {
	if l.First.IsZero() {
		return news.Errorf(news.Invalid, "nothing has been changed: the log has no line with a time, so it does not show what was not taken")
	}
	if l.Disordered {
		return news.Errorf(news.Invalid, "nothing has been changed: the log goes back in time; put its files together with the oldest first")
	}
	show := func(t time.Time) string { return t.In(zone).Format(time.DateTime) }
	return news.Errorf(news.Conflict, "nothing has been changed: the mail to %s may have been taken from %s to %s, and the log is from %s to %s; to send again what it does not show it must begin a minute earlier and end a minute later",
		m.Email, show(m.Since), show(m.Changed), show(l.First), show(l.Last))
}

// uncertain finds an issue and its uncertain mails.
func (a *App) uncertain(ctx context.Context, ref string) (news.Issue, []store.UncertainMail, error) {
	is, err := a.find(ctx, ref)
	if err != nil {
		return is, nil, err
	}
	mails, err := a.store.Uncertain(ctx, is.ID)
	return is, mails, err
}

func settledOf(is news.Issue) Settled {
	return Settled{Issue: is.Digest + "/" + is.Ref(), Sent: []string{}, Queued: []string{}, Uncertain: []string{}}
}

func (a *App) settle(ctx context.Context, is news.Issue, s Settled) error {
	if len(s.Sent)+len(s.Queued) == 0 {
		return nil
	}
	return a.store.SettleUncertain(ctx, is.ID, store.Settling{Sent: s.Sent, Resend: s.Queued})
}

// eachOnce leaves out addresses that came before.
func eachOnce(addresses []string) []string {
	seen := map[string]bool{}
	var once []string
	for _, email := range addresses {
		if id := news.SubscriberID(email); !seen[id] {
			seen[id] = true
			once = append(once, email)
		}
	}
	return once
}

// without gives the mails that are not to one of the addresses.
func without(mails []store.UncertainMail, addresses []string) []store.UncertainMail {
	chosen := map[string]bool{}
	for _, email := range addresses {
		chosen[news.SubscriberID(email)] = true
	}
	var others []store.UncertainMail
	for _, m := range mails {
		if !chosen[news.SubscriberID(m.Email)] {
			others = append(others, m)
		}
	}
	return others
}
