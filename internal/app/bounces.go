package app

import (
	"context"
	"crypto/x509"
	"log/slog"
	"strings"
	"sync"

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
	run     func(context.Context, inbox.Take, *slog.Logger) error
	keepAll bool // nobody else has what it takes
}

func (a *App) bouncesOf(cfg *config.Config) (bounces, error) {
	c := cfg.Mail.Bounces
	b := bounces{verp: mail.VERP{Address: c.Address, Key: a.verpKey}, softRun: c.SoftRun}
	if c.Maildir != "" {
		b.readers = append(b.readers, reader{run: inbox.Maildir{Dir: c.Maildir, Every: c.Every}.Run})
	}
	if c.Listen.Address != "" {
		_, domain, _ := strings.Cut(c.Address, "@")
		l := inbox.Listener{Address: c.Listen.Address, LMTP: c.Listen.LMTP, Hostname: domain, Accept: b.accepts}
		b.readers = append(b.readers, reader{run: l.Run, keepAll: true})
	}
	if c.IMAP.Address != "" {
		m := inbox.IMAP{Address: c.IMAP.Address, User: c.IMAP.User, Password: c.IMAP.Password, Mailbox: c.IMAP.Mailbox, TLS: c.IMAP.TLS,
			Every: c.Every, Seen: mailboxes{a.store}}
		if c.IMAP.CA != nil {
			m.Roots = x509.NewCertPool()
			if !m.Roots.AppendCertsFromPEM(c.IMAP.CA) {
				return b, config.Faults{{File: cfg.File, Err: news.Errorf(news.Invalid, "the file under mail.bounces.imap_ca_file holds no certificate")}}
			}
		}
		b.readers = append(b.readers, reader{run: m.Run})
	}
	return b, nil
}

// sender is who is told when the mail of an issue to a person cannot be delivered:
// an address that names the delivery, where such are understood.
func (g *generation) sender(issue int64, s news.Subscriber) string {
	if g.bounces.verp.Address == "" {
		return g.cfg.Mail.ReturnPath
	}
	return g.bounces.verp.Sender(issue, s.ID)
}

// accepts tells whether an address is one that mail comes back to.
func (b bounces) accepts(rcpt string) bool {
	local, domain, _ := strings.Cut(rcpt, "@")
	ourLocal, ourDomain, _ := strings.Cut(b.verp.Address, "@")
	local, _, _ = strings.Cut(local, "+")
	return strings.EqualFold(local, ourLocal) && strings.EqualFold(domain, ourDomain)
}

// takeBounces reads what comes back until ctx ends. What fails is tried again by
// each way itself.
func (a *App) takeBounces(ctx context.Context, b bounces) {
	var wg sync.WaitGroup
	for _, r := range b.readers {
		wg.Go(func() {
			err := r.run(ctx, func(ctx context.Context, m inbox.Mail) (bool, error) { return a.takeBounce(ctx, b, r, m) }, a.log)
			if err != nil && ctx.Err() == nil {
				a.log.Error("what comes back is not read any more", "error", err)
			}
		})
	}
	wg.Wait()
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
