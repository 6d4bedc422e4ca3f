package outbox

import (
	"context"
	"errors"
	"time"

	"jianxun/internal/mail"
)

// idle is how often the ledger is looked at when nobody calls: sooner when leases
// end sooner, so that what a dead process left is soon found.
const idle = 5 * time.Second

// Run delivers until ctx ends: at once when wake is sent to, and now and then,
// which finds what other processes queued and what has become due. While the
// relay cannot be used it waits longer and longer, up to a minute.
func (r *Relay) Run(ctx context.Context, wake <-chan struct{}) {
	down := Backoff{First: time.Second, Max: time.Minute}
	failures := 0
	var since time.Time // when the relay was found to be down
	for {
		n, err := r.Deliver(ctx, 0)
		wait := min(idle, r.opt.Lease)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			wait = max(down.Delay(failures), asked(err))
			failures++
			what := "the store does not take the record of a mail, so none is sent; nothing is lost"
			if IsRelayDown(err) {
				what = "the relay cannot be used; nothing is lost"
				if since.IsZero() {
					since = r.opt.Now()
				}
				r.opt.Down(since, err)
			}
			r.opt.Log.Warn(what, "again_in", wait.Round(100*time.Millisecond), "error", err)
			drain(wake)
		default:
			if n > 0 && failures > 0 {
				r.opt.Log.Info("the relay takes mail again")
				r.opt.Up()
				since = time.Time{}
			}
			if n > 0 {
				failures = 0
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-time.After(wait):
		}
	}
}

// asked is how long the relay asked to be left alone.
func asked(err error) time.Duration {
	if e, ok := errors.AsType[*mail.Error](err); ok {
		return e.After
	}
	return 0
}

// drain drops a waiting wake-up: it must not shorten the wait for a relay that
// is down.
func drain(wake <-chan struct{}) {
	select {
	case <-wake:
	default:
	}
}

// IsRelayDown tells whether err means that the relay cannot be used now.
func IsRelayDown(err error) bool {
	var e *mail.Error
	return errors.As(err, &e) && e.Class == mail.RelayDown
}
