package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	netmail "net/mail"
	"net/url"
	"os"
	"strings"
	"time"

	"jianxun/config"
	"jianxun/internal/mail"
	"jianxun/internal/news"
	"jianxun/internal/outbox"
	"jianxun/internal/store"
)

// What the admins are told of. Two digests may come to grief in one hour, so
// letters about issues are of a kind for each digest.
const (
	kindConfig = "config"
	kindRelay  = "relay"
	kindLogin  = "login"
	kindStore  = "store"
	kindIssue  = "issue:"
	kindEnded  = "ended:"
)

const (
	relayFor   = 15 * time.Minute   // how long the relay may be away without a letter
	storeFor   = time.Minute        // and the store
	failsTwice = 2                  // a due issue that cannot be published is worth a letter
	endedFor   = 10 * time.Second   // clocks of replicas differ
	endedSince = 7 * 24 * time.Hour // older ends are no news
	faultsTold = 20
)

// outage is since when something cannot be used.
type outage struct {
	since time.Time
	err   error
	kind  string // of the letter about it, once there is one
}

func (a *App) newAlarms() *alarms {
	return &alarms{
		store: a.store, token: a.token, now: a.opt.Now, log: a.log,
		admins: func() []string { return a.Config().Mail.Admins }, desk: a.desk, ping: a.store.Ping, wake: make(chan struct{}, 1),
		post: func(ctx context.Context, to netmail.Address, subject, text string) error {
			_, err := a.post(ctx, to, subject, text, nil)
			return err
		},
		waiting: map[string]*letter{}, failing: map[string]int{},
	}
}

func (a *App) desk() desk {
	cfg := a.Config()
	host, _ := os.Hostname() // without one the site is told alone
	return desk{p: Printer(cfg.Language), zone: cfg.Zone, from: strings.TrimSpace(cfg.URL + " " + host), secrets: secretsOf(cfg)}
}

// secretsOf are the passwords of a configuration, as they may stand in errors.
func secretsOf(cfg *config.Config) []string {
	secrets := []string{cfg.Mail.Password}
	if u, err := url.Parse(cfg.Store); err == nil {
		if p, ok := u.User.Password(); ok {
			secrets = append(secrets, p, strings.TrimPrefix(url.UserPassword("", p).String(), ":"))
		}
	}
	return secrets
}

// configRefused tells of a configuration that is not taken.
func (l *alarms) configRefused(err error) {
	l.raise(kindConfig, func(d desk) (string, string) {
		var b strings.Builder
		b.WriteString(d.p.T("The configuration is not taken; what was in force stays. Mend it, and see: %s", "jianxun check") + "\n")
		faults := faultsOf(err)
		for _, f := range faults[:min(len(faults), faultsTold)] {
			fmt.Fprintf(&b, "\n%s: %s\n%s\n", f.Where(), d.p.Err(f.Err), f.Excerpt)
		}
		if faults == nil {
			b.WriteString("\n" + d.p.Err(err) + "\n")
		}
		if more := len(faults) - faultsTold; more > 0 {
			b.WriteString("\n" + d.p.T("and %d more faults", more) + "\n")
		}
		return d.p.T("jianxun: the configuration is not taken"), b.String()
	})
}

// configTaken ends what configRefused told of.
func (l *alarms) configTaken() { l.recall(kindConfig) }

// published tells whether the issue of a digest that is due could be made and its
// sending begun. One failure may be chance; it is tried again.
func (l *alarms) published(d news.Digest, due time.Time, err error) {
	l.mu.Lock()
	if l.failing[d.Slug]++; err == nil {
		delete(l.failing, d.Slug)
	}
	times := l.failing[d.Slug]
	l.mu.Unlock()
	switch {
	case err == nil:
		l.recall(kindIssue + d.Slug)
	case times == failsTwice:
		l.raise(kindIssue+d.Slug, func(at desk) (string, string) {
			return at.p.T("jianxun: the issue of %s cannot be sent", d.Title),
				at.p.T("The issue of %s that was due at %s cannot be made or sent: %v", d.Title, due.In(at.zone).Format(time.DateTime), err) + "\n" +
					at.p.T("It is tried again by itself. See the log, and: %s", "jianxun issue show "+d.Slug)
		})
	}
}

// relayDown is told at each turn in which the relay could not be used.
func (l *alarms) relayDown(since time.Time, err error) {
	if !outbox.IsRelayDown(err) {
		return // it is the store, which is asked itself
	}
	kind := kindRelay
	if refusesUs(err) {
		kind = kindLogin
	}
	l.mu.Lock()
	l.relay.since, l.relay.err = since, err
	worth := l.relay.kind == "" && (kind == kindLogin || l.now().Sub(since) >= relayFor)
	if worth {
		l.relay.kind = kind
	}
	l.mu.Unlock()
	if !worth {
		return
	}
	l.raise(kind, func(d desk) (string, string) {
		subject := d.p.T("jianxun: the relay cannot be used")
		if kind == kindLogin {
			subject = d.p.T("jianxun: the relay refuses the login, or shows a certificate that is not trusted")
		}
		return subject, d.p.T("The relay has not been usable since %s: %v", since.In(d.zone).Format(time.DateTime), err) + "\n" +
			d.p.T("No mail is lost: what is queued is sent when it works again. See mail in the configuration, and: %s", "jianxun mail test ADDRESS")
	})
}

// relayUp is told when the relay takes mail. Letters that wait are tried at once.
func (l *alarms) relayUp() {
	l.mu.Lock()
	over := l.relay
	l.relay = outage{}
	delete(l.waiting, over.kind) // what follows tells the same, and more
	if !over.since.IsZero() {
		for _, m := range l.waiting {
			m.next = time.Time{}
		}
	}
	l.mu.Unlock()
	if over.kind == "" {
		return
	}
	l.raise(over.kind, func(d desk) (string, string) {
		return d.p.T("jianxun: the relay works again"),
			d.p.T("The relay could not be used from %s to %s: %v", over.since.In(d.zone).Format(time.DateTime), l.now().In(d.zone).Format(time.DateTime), over.err) + "\n" +
				d.p.T("No mail is lost: what is queued is being sent.")
	})
}

// refusesUs tells whether waiting does not help: the relay does not accept the
// login (RFC 4954 section 6), or we do not accept its certificate.
func refusesUs(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	e, ok := errors.AsType[*mail.Error](err)
	return ok && (e.Code == 530 || e.Code == 534 || e.Code == 535 || e.Code == 538)
}

// storeAnswers asks the store, and tells of it when it was away.
func (l *alarms) storeAnswers(ctx context.Context) bool {
	asking, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	err := l.ping(asking)
	if ctx.Err() != nil {
		return false
	}
	l.mu.Lock()
	over := l.away
	switch {
	case err == nil:
		l.away = outage{}
	case over.since.IsZero():
		l.away = outage{since: l.now(), err: err}
	}
	l.mu.Unlock()
	if now := l.now(); err == nil && !over.since.IsZero() && now.Sub(over.since) >= storeFor {
		l.raise(kindStore, func(d desk) (string, string) {
			return d.p.T("jianxun: the store did not answer"),
				d.p.T("The store did not answer from %s to %s: %v", over.since.In(d.zone).Format(time.DateTime), now.In(d.zone).Format(time.DateTime), over.err) + "\n" +
					d.p.T("Feeds were served as they were, and no mail was sent. It goes on by itself.")
		})
	}
	return err == nil
}

// endedJob is the job whose last fire is the end of the last issue that was looked at.
const endedJob = alarmJobs + "ended"

// lookForEnded tells of issues that came to their end and did not reach everybody,
// wherever they were sent from. Each end is looked at by one replica.
func (l *alarms) lookForEnded(ctx context.Context) error {
	now := l.now()
	last, err := l.store.Anchor(ctx, endedJob, now)
	if err != nil {
		return err
	}
	if oldest := now.Add(-endedSince); last.Before(oldest) {
		last = oldest
	}
	ended, err := l.store.EndedIssues(ctx, last, now.Add(-endedFor))
	if err != nil {
		return err
	}
	for len(ended) > 0 {
		n := 1
		for n < len(ended) && ended[n].At.Equal(ended[0].At) {
			n++
		}
		mine, err := l.store.ClaimFire(ctx, endedJob, ended[0].At, l.token, turnLease)
		if err != nil {
			return err
		}
		if mine {
			for _, e := range ended[:n] {
				l.ended(e)
			}
			if err := l.store.FinishFire(ctx, endedJob, ended[0].At); err != nil {
				return err
			}
		}
		ended = ended[n:]
	}
	return nil
}

func (l *alarms) ended(e store.EndedIssue) {
	failed, uncertain := e.Tally[news.Failed], e.Tally[news.Uncertain]
	if failed+uncertain == 0 {
		return
	}
	l.raise(kindEnded+e.Digest, func(d desk) (string, string) {
		ref := e.Digest + "/" + e.Ref()
		text := d.p.T("%s of %s has been sent: %d delivered, %d failed, %d uncertain.", e.Label(), e.Title, e.Tally[news.Delivered], failed, uncertain) + "\n" +
			d.p.T("To whom, and what their servers said: %s", "jianxun issue show "+ref)
		if uncertain > 0 {
			text += "\n" + d.p.T("What is uncertain is not sent again by itself; settle it with: %s", "jianxun issue settle "+ref)
		}
		return d.p.T("jianxun: %s of %s did not reach everybody", e.Label(), e.Title), text
	})
}
