package app

import (
	"context"
	"fmt"
	netmail "net/mail"
	"net/url"
	"os"
	"strings"
	"time"

	"jianxun/config"
	"jianxun/internal/news"
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
