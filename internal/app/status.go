package app

import (
	"context"
	netmail "net/mail"
	"path/filepath"
	"time"

	"jianxun/config"
	"jianxun/internal/mail"
	"jianxun/internal/news"
	"jianxun/internal/schedule"
)

// Run is a digest and when it is due next.
type Run struct {
	Digest string      `json:"digest"`
	Title  string      `json:"title"`
	Zone   string      `json:"zone"`
	Next   []time.Time `json:"next"`
}

// NextRuns computes the next n due times of every digest.
func NextRuns(cfg *config.Config, n int) []Run { return nextRuns(cfg, time.Now(), n) }

func nextRuns(cfg *config.Config, now time.Time, n int) []Run {
	var runs []Run
	for _, d := range cfg.Digests {
		next, err := schedule.Next(d.Schedule, d.Zone, now, n)
		if err == nil { // the configuration was checked by the same rules
			runs = append(runs, Run{Digest: d.Slug, Title: d.Title, Zone: d.Zone.String(), Next: next})
		}
	}
	return runs
}

// Status is what a starting daemon tells.
type Status struct {
	Site, Ops, Data, Store string
	Relay                  string // host:port; empty: captured
	Capture                string // the folder
	ConfigFile             string // empty: built in
	Runs                   []Run
	Articles               int
	Held                   error // why nothing is sent; nil: it is
}

// Status tells where everything is. Call it after Start.
func (a *App) Status(ctx context.Context) (Status, error) {
	g := a.gen.Load()
	s := Status{Site: g.cfg.URL, Ops: a.OpsAddr(), Data: g.cfg.Data, Store: a.store.Name(), Capture: g.capture.Dir, ConfigFile: a.opt.ConfigFile,
		Runs: nextRuns(g.cfg, a.opt.Now(), 1)}
	if g.relay != nil {
		s.Relay = g.relay.Address()
	}
	s.Held = a.held(ctx)
	var err error
	s.Articles, err = a.store.CountArticles(ctx)
	return s, err
}

// Closed lists the subscribers of the file who will get nothing whatever it
// says, when there is a store to ask.
func Closed(ctx context.Context, opt Options) ([]string, error) {
	a, err := New(ctx, opt)
	if err != nil {
		return nil, err
	}
	defer func() { _ = a.Stop(ctx) }() // nothing was written
	known, err := a.store.Subscribers(ctx)
	if err != nil {
		return nil, err
	}
	state := map[string]news.SubscriberState{}
	for _, k := range known {
		state[k.ID] = k.State
	}
	var closed []string
	for _, s := range a.Config().Subscribers {
		if st := state[news.SubscriberID(s.Email)]; st == news.Unsubscribed || st == news.Bounced {
			closed = append(closed, s.Email)
		}
	}
	return closed, nil
}

// MailTest sends one mail to address through the configured relay, or captures
// it. The conversation is given, without secrets, whether it succeeds or not.
func (a *App) MailTest(ctx context.Context, address string) (conversation []string, where string, err error) {
	if err := news.CheckEmail(address); err != nil {
		return nil, "", err
	}
	g := a.gen.Load()
	p := Printer(g.cfg.Language)
	form := mail.Form{From: g.composer.From, Subject: p.T("Test of jianxun"), ListID: "test." + g.composer.Domain(), ListName: g.cfg.Title,
		Text: p.T("This mail shows that jianxun can send through the relay that is configured.") + "\n"}
	m, err := form.Message(mail.Person{To: netmail.Address{Address: address}, Leave: g.cfg.URL, MessageID: "test." + newToken() + "@" + g.composer.Domain(), Date: a.opt.Now()})
	if err != nil {
		return nil, "", err
	}
	sent := func() error { return nil }
	if g.relay == nil {
		return nil, filepath.Clean(g.capture.Dir), g.capture.Send(ctx, m, sent)
	}
	relay := *g.relay
	relay.Trace = func(line string) { conversation = append(conversation, line) }
	c, err := mail.Dial(ctx, relay)
	if err == nil {
		err = c.Send(ctx, m, sent)
		c.Close()
	}
	if err != nil {
		err = news.Errorf(news.Unavailable, "the relay %s did not take the mail: %w; see mail in the configuration", relay.Address(), err)
	}
	return conversation, relay.Address(), err
}
