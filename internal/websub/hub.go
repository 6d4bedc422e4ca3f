// Package websub tells the world at once that a feed has changed, by the W3C
// Recommendation WebSub (https://www.w3.org/TR/websub/): as a publisher it
// tells hubs elsewhere, and it holds a hub of its own.
//
// The hub promises that what it answered 202 to is in the store and survives a
// kill; that nobody is subscribed or unsubscribed without having confirmed it;
// that every change reaches every subscriber as the newest document, signed if
// a secret was given, or is given up after a bounded number of attempts; and
// that no subscription outlives its lease. A push may come twice when the
// process dies in the middle of it, never with less than the newest content.
//
// It fails softly: a callback that hangs, redirects or leads to a private
// network harms nobody else, requests never take the workers of pushes, and a
// store that does not answer only delays. Secrets, documents and the queries of
// callbacks are never logged. The publisher keeps nothing over a restart.
package websub

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"jianxun/internal/dial"
	"jianxun/internal/news"
)

// Store is the part of the store that the hub is kept in.
type Store interface {
	AddHubRequest(ctx context.Context, r news.HubRequest, bounds news.HubBounds) error
	ClaimHubRequest(ctx context.Context, lease time.Duration) (r news.HubRequest, found bool, err error)
	SettleHubRequest(ctx context.Context, r news.HubRequest, verdict news.HubVerdict) error
	MarkHubTopics(ctx context.Context, topics []string) error
	ClaimHubPush(ctx context.Context, lease time.Duration) (p news.HubPush, found bool, err error)
	SettleHubPush(ctx context.Context, p news.HubPush, verdict news.HubVerdict) error
}

// HubOptions are what a Hub needs.
type HubOptions struct {
	Store Store
	URL   string                  // the hub's own address
	Topic func(topic string) bool // tells whether it is a feed of ours
	// Content is the newest document of a topic; NotFound means there is none any more.
	Content func(ctx context.Context, topic string) (body []byte, contentType string, err error)
	Client  *http.Client // from dial.NewClient: where it may go is its rule
	Agent   string       // User-Agent
	Limits  Limits       // none set: DefaultLimits
	Now     func() time.Time
	After   func(time.Duration) <-chan time.Time // nil: time.After
	Log     *slog.Logger
}

// Limits bound what strangers can make the hub keep and do.
type Limits struct {
	news.HubBounds
	MinLease, Lease, MaxLease time.Duration // Lease is for who asks for none
	Workers                   int           // for requests, and as many for pushes
	Verifications             int           // times a subscriber that cannot be reached is asked
	Tries                     int           // attempts of one push
	Timeout                   time.Duration // of one exchange with a callback
}

// DefaultLimits are fit for a public hub of a few feeds.
func DefaultLimits() Limits {
	return Limits{
		HubBounds: news.HubBounds{Subscriptions: 10000, PerHost: 100, Pending: 1000},
		MinLease:  5 * time.Minute, Lease: 10 * 24 * time.Hour, MaxLease: 30 * 24 * time.Hour,
		Workers: 4, Verifications: 4, Tries: 8, Timeout: 10 * time.Second,
	}
}

// idle is how often the store is looked at when nobody calls: it finds what
// other processes stored and what has become due.
const idle = 5 * time.Second

// claimSpare is how much longer than an exchange a claim lasts.
const claimSpare = 15 * time.Second

// Hub is a WebSub hub for feeds of ours. It is the http.Handler of its URL.
// Several may run over one store.
type Hub struct {
	opt   HubOptions
	wire  wire
	retry dial.Backoff
	wake  chan struct{}
}

// NewHub makes a Hub. It answers at once and does its work while Run runs.
func NewHub(opt HubOptions) *Hub {
	if opt.Limits == (Limits{}) {
		opt.Limits = DefaultLimits()
	}
	if opt.After == nil {
		opt.After = time.After
	}
	return &Hub{
		opt:   opt,
		wire:  newWire(opt.Client, opt.Agent, opt.Limits.Timeout),
		retry: dial.Backoff{First: time.Minute, Max: 6 * time.Hour},
		wake:  make(chan struct{}, 1),
	}
}

// Publish has the newest content of the topics pushed to their subscribers. It
// returns when that is stored. A subscriber that already has the very document
// is left alone, so publishing what has not changed costs next to nothing.
func (h *Hub) Publish(ctx context.Context, topics []string) error {
	if err := h.opt.Store.MarkHubTopics(ctx, topics); err != nil {
		return err
	}
	signal(h.wake)
	return nil
}

// lane is one kind of work with workers of its own. claim gives nil when
// nothing is due.
type lane struct {
	slots chan struct{}
	claim func(context.Context) (job func(), err error)
}

// Run asks and pushes until ctx ends. What is in hand then is broken off and
// due again at once.
func (h *Hub) Run(ctx context.Context) {
	var jobs sync.WaitGroup
	defer jobs.Wait()
	lanes := []lane{
		{make(chan struct{}, h.opt.Limits.Workers), h.nextRequest},
		{make(chan struct{}, h.opt.Limits.Workers), h.nextPush},
	}
	failing := false
	for {
		var err error
		for _, l := range lanes {
			if err = h.fill(ctx, l, &jobs); err != nil {
				break
			}
		}
		if ctx.Err() != nil {
			return
		}
		switch {
		case err != nil && !failing:
			h.opt.Log.Error("the hub cannot work; nothing is lost", "error", err)
		case err == nil && failing:
			h.opt.Log.Info("the hub works again")
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-h.wake:
		case <-h.opt.After(idle):
		}
	}
}

// fill starts what is due as far as there are workers. Each one that ends
// wakes the loop: its slot is free, and so is the host it was busy with.
func (h *Hub) fill(ctx context.Context, l lane, jobs *sync.WaitGroup) error {
	for ctx.Err() == nil {
		select {
		case l.slots <- struct{}{}:
		default:
			return nil
		}
		job, err := l.claim(ctx)
		if job == nil {
			<-l.slots
			return err
		}
		jobs.Go(func() {
			job()
			<-l.slots
			signal(h.wake)
		})
	}
	return nil
}

// claimFor is how long work stays with a process that gives no sign of life.
func (h *Hub) claimFor() time.Duration { return h.opt.Limits.Timeout + claimSpare }

// signal wakes whoever waits, or makes the next wait short.
func signal(wake chan struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}
