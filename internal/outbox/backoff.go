package outbox

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"jianxun/internal/mail"
)

// Backoff says how long to wait after a temporary refusal: First, doubled at
// every attempt up to Max, each with a jitter of up to a quarter. What is not
// delivered GiveUp after its first attempt has failed.
type Backoff struct {
	First, Max, GiveUp time.Duration
}

// Delay is the wait after the attempt with the number given, from 0.
func (b Backoff) Delay(attempt int) time.Duration {
	d := b.First
	for range attempt {
		if d >= b.Max {
			break
		}
		d *= 2
	}
	d = min(d, b.Max)
	return d - time.Duration(rand.Int64N(int64(d)/4+1)) //nolint:gosec // spreads load, guards nothing
}

// idle is how often the ledger is looked at when nobody calls.
const idle = 5 * time.Second

// Run delivers until ctx ends: at once when wake is sent to, and now and then,
// which finds what other processes queued and what has become due. While the
// relay cannot be used it waits longer and longer, up to a minute.
func (r *Relay) Run(ctx context.Context, wake <-chan struct{}) {
	down := Backoff{First: time.Second, Max: time.Minute}
	failures := 0
	for {
		n, err := r.Deliver(ctx, 0)
		wait := idle
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			wait = down.Delay(failures)
			failures++
			r.opt.Log.Warn("the relay cannot be used; nothing is lost", "again_in", wait.Round(100*time.Millisecond), "error", err)
			wake = r.ignore(wake)
		default:
			if n > 0 && failures > 0 {
				r.opt.Log.Info("the relay takes mail again")
			}
			failures = 0
		}
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-time.After(wait):
		}
	}
}

// ignore drops a waiting wake-up: it must not shorten the wait for a relay that
// is down.
func (r *Relay) ignore(wake <-chan struct{}) <-chan struct{} {
	select {
	case <-wake:
	default:
	}
	return wake
}

// IsRelayDown tells whether err means that the relay cannot be used now.
func IsRelayDown(err error) bool {
	var e *mail.Error
	return errors.As(err, &e) && e.Class == mail.RelayDown
}
