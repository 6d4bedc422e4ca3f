package app

import (
	"context"
	"crypto/x509"
	"strings"
	"sync"
	"time"

	"jianxun/config"
	"jianxun/internal/inbox"
	"jianxun/internal/mail"
	"jianxun/internal/news"
	"jianxun/internal/outbox"
	"jianxun/internal/store"
)

// bounces is what a generation does with mail that comes back.
type bounces struct {
	verp    mail.VERP
	softRun int
	readers []reader
}

// reader is one way on which mail comes back. Several replicas may read one
// Maildir or mailbox: a report that two have read is recorded once.
type reader struct {
	name    string
	keepAll bool // nobody else has what it takes
	run     func(context.Context, inbox.Take) error
}

func (a *App) bouncesOf(cfg *config.Config) (bounces, error) {
	c := cfg.Mail.Bounces
	b := bounces{verp: mail.VERP{Address: c.Address, Key: a.verpKey}, softRun: c.SoftRun}
	if c.Maildir != "" {
		dir := inbox.Maildir{Dir: c.Maildir, Every: c.Every}
		b.readers = append(b.readers, reader{name: "maildir " + c.Maildir, run: func(ctx context.Context, take inbox.Take) error { return dir.Run(ctx, take, a.log) }})
	}
	if c.Listen.Address != "" {
		_, domain, _ := strings.Cut(c.Address, "@")
		l := inbox.Listener{Address: c.Listen.Address, LMTP: c.Listen.LMTP, Hostname: domain, Accept: b.accepts}
		b.readers = append(b.readers, reader{name: "listener " + c.Listen.Address, keepAll: true, run: func(ctx context.Context, take inbox.Take) error { return l.Run(ctx, take, a.log) }})
	}
	if c.IMAP.Address != "" {
		m := inbox.IMAP{Address: c.IMAP.Address, User: c.IMAP.User, Password: c.IMAP.Password, Mailbox: c.IMAP.Mailbox, TLS: c.IMAP.TLS, Every: c.Every, Seen: mailboxes{a.store}}
		if c.IMAP.CA != nil {
			m.Roots = x509.NewCertPool()
			if !m.Roots.AppendCertsFromPEM(c.IMAP.CA) {
				return b, config.Faults{{File: cfg.File, Err: news.Errorf(news.Invalid, "the file under mail.bounces.imap_ca_file holds no certificate")}}
			}
		}
		b.readers = append(b.readers, reader{name: "mailbox of " + c.IMAP.User + " at " + c.IMAP.Address, run: func(ctx context.Context, take inbox.Take) error { return m.Run(ctx, take, a.log) }})
	}
	return b, nil
}

// returnPath is who is told when the mail of an issue to a person cannot be
// delivered, nil when that is the sender.
func (b bounces) returnPath() func(issue int64, s news.Subscriber) string {
	if b.verp.Address == "" {
		return nil
	}
	return func(issue int64, s news.Subscriber) string { return b.verp.Sender(issue, s.ID) }
}

// accepts tells whether an address is one that mail comes back to.
func (b bounces) accepts(rcpt string) bool {
	local, domain, _ := strings.Cut(rcpt, "@")
	ourLocal, ourDomain, _ := strings.Cut(b.verp.Address, "@")
	local, _, _ = strings.Cut(local, "+")
	return strings.EqualFold(local, ourLocal) && strings.EqualFold(domain, ourDomain)
}

// takeBounces reads what comes back until ctx ends. A way that fails is tried
// again, later and later.
func (a *App) takeBounces(ctx context.Context, b bounces) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, r := range b.readers {
		wg.Go(func() {
			again := outbox.Backoff{First: time.Second, Max: time.Minute}
			for failures := 0; ; failures++ {
				err := r.run(ctx, func(ctx context.Context, m inbox.Mail) (bool, error) { return a.takeBounce(ctx, b, r, m) })
				if ctx.Err() != nil {
					return
				}
				wait := again.Delay(failures)
				a.log.Error("mail that comes back cannot be taken now", "from", r.name, "again_in", wait.Round(100*time.Millisecond), "error", err)
				select {
				case <-ctx.Done():
				case <-time.After(wait):
				}
			}
		})
	}
}

// takeBounce records one mail that came back, and says what became of it.
func (a *App) takeBounce(ctx context.Context, b bounces, r reader, m inbox.Mail) (done bool, err error) {
	parsed, err := mail.ParseBounce(m.Raw, m.To)
	if err != nil { // it is no mail at all, and so no report
		parsed = mail.Bounce{Kind: mail.NoBounce}
	}
	out, err := outbox.HandleBounce(ctx, parsed, m.Raw, outbox.BounceOptions{Book: a.store, VERP: b.verp, SoftRun: b.softRun, KeepAll: r.keepAll})
	switch {
	case err != nil || !out.Done:
		return false, err
	case !out.Bounce.Matched():
		a.metrics.bounces.WithLabelValues("unmatched").Inc()
		a.log.Warn("a mail came back that is about none that is known; see: jianxun bounces list --unmatched", "where", m.Where, "kind", out.Bounce.Kind, "recipient", out.Bounce.Recipient)
	case out.Effect.New:
		a.metrics.bounces.WithLabelValues(string(out.Bounce.Kind)).Inc()
		a.log.Info("a mail came back", "where", m.Where, "kind", out.Bounce.Kind, "issue", out.Bounce.IssueID, "subscriber", out.Bounce.Subscriber, "status", out.Bounce.Status)
	}
	if out.Dropped > 0 {
		a.log.Warn("too many mails that are about none that is known: the oldest have been dropped", "dropped", out.Dropped)
	}
	if out.Effect.State != "" {
		a.log.Warn("a subscriber gets no more mail", "subscriber", out.Bounce.Subscriber, "state", out.Effect.State, "reason", out.Bounce.Reason())
	}
	return true, nil
}

// mailboxes remembers in the store how far they have been read.
type mailboxes struct{ store *store.Store }

func (m mailboxes) Last(ctx context.Context, mailbox string) (uidvalidity, uid uint32, err error) {
	return m.store.MailboxRead(ctx, mailbox)
}

func (m mailboxes) Remember(ctx context.Context, mailbox string, uidvalidity, uid uint32) error {
	return m.store.KeepMailboxRead(ctx, mailbox, uidvalidity, uid)
}
