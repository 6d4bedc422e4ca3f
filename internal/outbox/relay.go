// Package outbox brings one issue to every subscriber once.
//
// The ledger is the store's: a row an issue and subscriber. A worker leases
// rows, writes header and body of a mail to the relay, has the ledger record
// `committing`, and only then sends the final dot. A death before that record
// is safely sent again; a death after it leaves the row uncertain, which is
// never sent again by itself. So each subscriber gets at most one copy, none is
// lost, and what nobody can know is listed.
//
// It fails softly: a relay that cannot be used costs the subscribers no
// attempt, one refused recipient never harms another, and a store that does
// not take the record of `committing` keeps the dot from being sent.
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
	ClaimDeliveries(ctx context.Context, only int64, token string, lease time.Duration, n int) ([]news.Delivery, error)
	ExtendLeases(ctx context.Context, token string, lease time.Duration) error
	BeginCommit(ctx context.Context, d news.Delivery, token string) error
	SettleDelivery(ctx context.Context, d news.Delivery, token string, attempts int) error
	ReleaseLeases(ctx context.Context, token string) error
}

// Composer makes the mail of one person.
type Composer interface {
	Compose(ctx context.Context, issue int64, s news.Subscriber) (mail.Message, error)
}

// Transport is one connection to whoever takes the mail.
type Transport interface {
	Send(ctx context.Context, m mail.Message, beforeDot func() error) error
	Broken() bool
	Close()
}

// Options are what a Relay needs.
type Options struct {
	Ledger      Ledger
	Composer    Composer
	Dial        func(ctx context.Context) (Transport, error)
	Connections int
	Retry       Backoff
	Token       string // tells this process's leases from others'
	Now         func() time.Time
	Log         *slog.Logger
	Settled     func(news.Delivery) // told of every row that came to rest; may be nil
}

// lease is how long rows stay with a process that gives no sign of life. It is
// renewed three times as often.
const lease = 30 * time.Second

// settleWithin bounds how long a known result is kept trying to be recorded.
const settleWithin = time.Hour

// Relay delivers what the ledger holds. Several may run over one ledger.
type Relay struct {
	opt  Options
	pool pool
}

// New makes a Relay.
func New(opt Options) *Relay {
	if opt.Settled == nil {
		opt.Settled = func(news.Delivery) {}
	}
	opt.Connections = max(1, opt.Connections)
	return &Relay{opt: opt, pool: pool{dial: opt.Dial}}
}

// Deliver claims what is due, of one issue or of all when only is 0, and
// delivers it. It gives the number of rows that it had in hand. An error of
// class RelayDown means that the relay cannot be used now: what was not sent is
// back in the queue. When ctx ends it finishes the mails in hand and returns.
func (r *Relay) Deliver(ctx context.Context, only int64) (int, error) {
	defer r.pool.close()
	// Records must be written and mails in hand finished even while stopping.
	firm := context.WithoutCancel(ctx)
	stopLeases := r.keepLeases(firm)
	defer stopLeases()
	total := 0
	for ctx.Err() == nil {
		claimed, err := r.opt.Ledger.ClaimDeliveries(ctx, only, r.opt.Token, lease, r.opt.Connections*16)
		if err != nil || len(claimed) == 0 {
			return total, err
		}
		total += len(claimed)
		if err := r.batch(ctx, claimed); err != nil {
			return total, errors.Join(err, r.opt.Ledger.ReleaseLeases(firm, r.opt.Token))
		}
	}
	return total, r.opt.Ledger.ReleaseLeases(firm, r.opt.Token)
}

// batch spreads rows over the connections and waits for all. The first trouble
// with the relay stops it.
func (r *Relay) batch(ctx context.Context, rows []news.Delivery) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work := make(chan news.Delivery)
	var wg sync.WaitGroup
	for range min(r.opt.Connections, len(rows)) {
		wg.Go(func() {
			for d := range work {
				if err := r.one(ctx, d); err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, d := range rows {
		select {
		case work <- d:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(work)
	wg.Wait()
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// one delivers one row and records how that ended. Its error is about the
// relay or the store, never about the recipient.
func (r *Relay) one(ctx context.Context, d news.Delivery) error {
	if ctx.Err() != nil {
		return nil // left leased; released by Deliver
	}
	firm := context.WithoutCancel(ctx)
	m, err := r.opt.Composer.Compose(firm, d.IssueID, d.Subscriber)
	switch {
	case news.CodeOf(err) == news.NotFound && err != nil:
		d.State, d.Reply = news.Suppressed, err.Error()
		return r.settle(firm, d, 0)
	case isRendering(err): // this mail's fault alone; no byte has been sent
		d.Reply = err.Error()
		r.later(&d, r.opt.Retry.First)
		return r.settle(firm, d, 0)
	case err != nil:
		return err
	}
	c, err := r.pool.get(firm)
	if err != nil {
		return err
	}
	var unrecorded error
	err = c.Send(firm, m, func() error {
		unrecorded = r.opt.Ledger.BeginCommit(firm, d, r.opt.Token)
		return unrecorded
	})
	r.pool.put(c)
	if unrecorded != nil {
		return errors.Join(unrecorded, r.takeBack(firm, d, unrecorded))
	}
	return r.record(firm, d, err)
}

// takeBack puts a row back whose dot was not sent because the ledger did not
// confirm that it may be. The ledger may have recorded it all the same, and would
// call the row uncertain later; but here it is known that no mail has left.
func (r *Relay) takeBack(ctx context.Context, d news.Delivery, why error) error {
	if news.CodeOf(why) == news.Conflict {
		return nil // it is another's
	}
	d.State = news.Queued
	return r.settle(ctx, d, 0)
}

// isRendering tells a mail that cannot be made from a store that does not answer.
func isRendering(err error) bool {
	return err != nil && news.CodeOf(err) != news.Unavailable && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}

// later defers a delivery, or gives it up when it has been tried for too long.
func (r *Relay) later(d *news.Delivery, wait time.Duration) {
	now := r.opt.Now()
	if d.FirstTried.IsZero() {
		d.FirstTried = now
	}
	d.State, d.Next = news.Deferred, now.Add(wait)
	if d.Next.Sub(d.FirstTried) > r.opt.Retry.GiveUp {
		d.State = news.Failed
	}
}

func (r *Relay) record(ctx context.Context, d news.Delivery, err error) error {
	if err == nil {
		d.State, d.Reply = news.Delivered, ""
		return r.settle(ctx, d, 1)
	}
	var e *mail.Error
	if !errors.As(err, &e) || e.Class == mail.RelayDown {
		return err
	}
	d.Reply = e.Reply()
	switch e.Class {
	case mail.Uncertain:
		d.State = news.Uncertain
	case mail.Permanent:
		d.State = news.Failed
	default:
		r.later(&d, r.opt.Retry.Delay(d.Attempts))
	}
	return r.settle(ctx, d, 1)
}

// settle records a result. A store that fails now must not turn a mail that is
// known to be delivered into an uncertain one, so it is tried again for long.
func (r *Relay) settle(ctx context.Context, d news.Delivery, attempts int) error {
	deadline := r.opt.Now().Add(settleWithin)
	again := false
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := r.opt.Ledger.SettleDelivery(ctx, d, r.opt.Token, attempts)
		// That the row is no longer ours may mean that it was recorded before, and
		// only the answer was lost.
		if err == nil || again && news.CodeOf(err) == news.Conflict {
			r.rested(d)
			return nil
		}
		if news.CodeOf(err) == news.Conflict || r.opt.Now().After(deadline) {
			return err
		}
		again = true
		r.opt.Log.Error("the result of a delivery cannot be recorded yet", "to", d.Subscriber.Email, "state", d.State, "error", err)
		time.Sleep(wait)
	}
}

// rested tells of a row that is not about to be sent again at once.
func (r *Relay) rested(d news.Delivery) {
	if d.State != news.Queued {
		r.opt.Settled(d)
	}
}

// keepLeases renews this process's leases until the function it gives is called.
func (r *Relay) keepLeases(ctx context.Context) func() {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(lease / 3)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if err := r.opt.Ledger.ExtendLeases(ctx, r.opt.Token, lease); err != nil && ctx.Err() == nil {
					r.opt.Log.Error("leases cannot be renewed", "error", err)
				}
			}
		}
	}()
	return func() { cancel(); <-done }
}
