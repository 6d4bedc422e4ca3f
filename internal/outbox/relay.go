// Package outbox brings one issue to every subscriber once.
//
// The ledger is the store's: a row an issue and subscriber. Rows are leased a few
// at a time and handed to workers, a connection each. A worker writes header and
// body of a mail to the relay, has the ledger record `committing`, and only then
// sends the final dot; all workers share one record at a time, which also holds how
// their mails before ended. A death before that record is safely sent again; a
// death after it leaves the row uncertain, which is never sent again by itself. So
// each subscriber gets at most one copy, none is lost, and what nobody can know is
// listed: no more rows than there were connections.
//
// It fails softly: a relay that cannot be used costs the subscribers no attempt,
// one refused recipient never harms another, a domain that bears less gets less
// while others get theirs, and a store that does not take the record of
// `committing` keeps the dot from being sent.
package outbox

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"jianxun/internal/mail"
	"jianxun/internal/news"
)

// Ledger is the part of the store that deliveries are kept in.
type Ledger interface {
	ClaimDeliveries(ctx context.Context, h news.Holder, only int64, n int) ([]news.Delivery, error)
	ExtendLeases(ctx context.Context, h news.Holder) error
	Record(ctx context.Context, h news.Holder, steps []news.Step) ([]error, error)
	ReleaseLeases(ctx context.Context, h news.Holder) error
}

// Composer makes the mail of one person in the memory of dst. still fails with
// Conflict when the mail would be another one by now.
type Composer interface {
	Compose(ctx context.Context, issue int64, s news.Subscriber, dst []byte) (m mail.Message, still func(context.Context) error, err error)
}

// Transport is one connection to whoever takes the mail.
type Transport interface {
	Send(ctx context.Context, m mail.Message, beforeDot func() error) error
	Broken() bool
	Close()
}

// Options are what a Relay needs. Functions may be nil but for Dial and Now.
type Options struct {
	Ledger        Ledger
	Composer      Composer
	Dial          func(ctx context.Context) (Transport, error)
	Connections   int
	PerConnection int      // mails, after which a connection is closed; 0: 100
	Domains       []Domain // that bear less
	Name          string   // of the relay, whose quotas all share who send through it
	Quotas        []news.Quota
	Retry         Backoff
	Token         string        // tells this process's leases from others'
	Lease         time.Duration // how long rows stay with a process that gives no sign of life; 0: 30 s
	Now           func() time.Time
	Log           *slog.Logger
	Settled       func(news.Delivery)                // told of every row that came to rest
	Down          func(since time.Time, cause error) // told each time that the relay cannot be used
	Up            func()                             // told when it can again
}

// lease is the usual one. It is renewed three times as often.
const lease = 30 * time.Second

// inHand is how many rows are leased for each connection.
const inHand = 16

// Relay delivers what the ledger holds. Several may run over one ledger.
type Relay struct {
	opt    Options
	holder news.Holder
	limits *limiter

	takeBacks int // see there
}

// New makes a Relay.
func New(opt Options) *Relay {
	if opt.Settled == nil {
		opt.Settled = func(news.Delivery) {}
	}
	if opt.Down == nil {
		opt.Down = func(time.Time, error) {}
	}
	if opt.Up == nil {
		opt.Up = func() {}
	}
	if opt.PerConnection <= 0 {
		opt.PerConnection = 100
	}
	if opt.Lease <= 0 {
		opt.Lease = lease
	}
	opt.Connections = max(1, opt.Connections)
	return &Relay{opt: opt, limits: newLimiter(opt.Domains), takeBacks: takeBacks,
		holder: news.Holder{Token: opt.Token, Lease: opt.Lease, Relay: opt.Name, Quotas: opt.Quotas}}
}

// Deliver claims what is due, of one issue or of all when only is 0, and
// delivers it. It gives the number of rows that it had in hand. An error of
// class RelayDown means that the relay cannot be used now: what was not sent is
// back in the queue. When ctx ends it waits for the answers to the dots that have
// been sent, leaves what has none, and returns.
func (r *Relay) Deliver(ctx context.Context, only int64) (int, error) {
	// Records must be written and mails in hand finished even while stopping.
	firm := context.WithoutCancel(ctx)
	stopLeases := r.keepLeases(firm)
	defer stopLeases()
	s := r.newShift(firm, ctx)
	stop := context.AfterFunc(ctx, func() { s.hand.stop(nil) })
	defer stop()
	var workers sync.WaitGroup
	for range r.opt.Connections {
		workers.Go(func() { (&worker{shift: s}).work() })
	}
	total, err := s.feed(only)
	s.hand.stop(err)
	workers.Wait()
	s.records.close()
	return total, errors.Join(s.hand.failure(), r.opt.Ledger.ReleaseLeases(firm, r.holder))
}

// shift is one call of Deliver.
type shift struct {
	*Relay
	ctx     context.Context // in which what was begun is ended
	stop    context.Context // ends before: what has no dot yet is left
	hand    *hand
	records *recorder

	mu      sync.Mutex
	resting int // workers that wait before they try the relay again
	losses  int // connections lost in a row, with no mail taken between
}

func (r *Relay) newShift(ctx, stop context.Context) *shift {
	r.limits.emptied()
	hand := newHand(r.limits, r.opt.Now)
	return &shift{Relay: r, ctx: ctx, stop: stop, hand: hand, records: newRecorder(ctx, r, hand.busy)}
}

// feed keeps rows in hand until nothing is due any more or somebody stopped.
func (s *shift) feed(only int64) (total int, err error) {
	room := s.opt.Connections * inHand
	for s.hand.wait(room / 2) {
		rows, err := s.opt.Ledger.ClaimDeliveries(s.ctx, s.holder, only, room)
		if err != nil {
			return total, err
		}
		if len(rows) == 0 {
			if s.hand.idle() {
				return total, nil
			}
			s.hand.waitFor(min(idle, s.opt.Lease)) // others may have come meanwhile
			continue
		}
		rows = s.hand.lacks(rows)
		total += len(rows)
		rows, later := s.limits.portion(rows, s.opt.Now())
		s.hand.add(rows)
		s.putOff(later)
	}
	return total, nil
}

// putOff has rows recorded that wait for their domain, and waits until not too many
// are to be recorded.
func (s *shift) putOff(rows []news.Delivery) {
	for _, d := range rows {
		s.records.settle(d, 0)
	}
	if len(rows) > 0 {
		s.records.catchUp()
	}
}

// keepLeases renews this process's leases until the function it gives is called.
func (r *Relay) keepLeases(ctx context.Context) func() {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(r.opt.Lease / 3)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if err := r.opt.Ledger.ExtendLeases(ctx, r.holder); err != nil && ctx.Err() == nil {
					r.opt.Log.Error("leases cannot be renewed", "error", err)
				}
			}
		}
	}()
	return func() { cancel(); <-done }
}
