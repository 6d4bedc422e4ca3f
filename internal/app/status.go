package app

import (
	"context"
	"time"

	"jianxun/config"
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
	Site, Ops, Store string
	Relay            string // host:port; empty: captured
	Capture          string // the folder
	ConfigFile       string // empty: built in
	Runs             []Run
	Articles         int
	Held             error // why nothing is sent; nil: it is
}

// Status tells where everything is. Call it after Start.
func (a *App) Status(ctx context.Context) (Status, error) {
	g := a.gen.Load()
	s := Status{Site: g.cfg.URL, Ops: a.OpsAddr(), Store: a.store.Name(), Capture: g.capture.Dir, ConfigFile: a.opt.ConfigFile,
		Runs: nextRuns(g.cfg, a.opt.Now(), 1)}
	if g.relay != nil {
		s.Relay = g.relay.Address()
	}
	s.Held = a.held(ctx)
	var err error
	s.Articles, err = a.store.CountArticles(ctx)
	return s, err
}

// Exceptions lists the subscribers of the file who get something else than it
// says, when there is a store to ask: closed get nothing, others chose for
// themselves.
func Exceptions(ctx context.Context, opt Options) (closed []string, chose []Subscriber, err error) {
	a, err := New(ctx, opt)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = a.Stop(ctx) }() // nothing was written
	known, err := a.store.Subscribers(ctx)
	if err != nil {
		return nil, nil, err
	}
	closed, chose = exceptions(a.Config().Subscribers, known)
	return closed, chose, nil
}
