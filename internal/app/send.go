package app

import (
	"context"
	"time"

	"jianxun/internal/news"
	"jianxun/internal/outbox"
)

// relayTries is how often a foreground sending tries a relay that is down
// before it leaves the rest for later.
const relayTries = 3

// patience is how long a foreground sending waits for a deferred mail's next
// attempt before it leaves it for later.
const patience = 2 * time.Minute

// SendIssue sends an issue in the foreground, sharing the ledger with whoever
// else delivers, until nothing is left that can be done now. progress is told
// how it goes. What is left stays in the ledger: for a running daemon, or for
// calling this again. A relay that is down is an error of code Unavailable.
func (a *App) SendIssue(ctx context.Context, ref string, progress func(Progress)) (Issue, error) {
	is, err := a.find(ctx, ref)
	if err != nil {
		return Issue{}, err
	}
	if is.State == news.Cancelled {
		return Issue{}, news.Errorf(news.Conflict, "%s of %s has been cancelled", is.Label(), is.Digest)
	}
	if len(is.LiveItems()) == 0 {
		return Issue{}, news.Errorf(news.Conflict, "%s of %s holds no article any more", is.Label(), is.Digest)
	}
	if err := a.held(ctx); err != nil {
		return Issue{}, err
	}
	if err := a.paused(ctx, is); err != nil {
		return Issue{}, err
	}
	if err := a.begin(ctx, is); err != nil {
		return Issue{}, err
	}
	ref = is.Digest + "/" + is.Ref()
	if progress == nil {
		progress = func(Progress) {}
	}
	var p pace
	sendErr := a.deliver(ctx, is, func() {
		if v, err := a.issueView(ctx, is); err == nil { // progress is a courtesy
			progress(p.progress(a.opt.Now(), v.Deliveries))
		}
	})
	v, err := a.Issue(context.WithoutCancel(ctx), ref)
	if sendErr != nil {
		err = sendErr
	}
	return v, err
}

// begin starts the sending of an issue that is not on its way yet, to the
// people on the list as it is now.
func (a *App) begin(ctx context.Context, is news.Issue) error {
	if !is.State.Editable() {
		return nil
	}
	if err := a.applyRoster(ctx, a.Config().Subscribers); err != nil {
		return err
	}
	n, err := a.store.Recipients(ctx, is.Digest)
	if err == nil && n == 0 {
		return news.Errorf(news.Conflict, "nobody is subscribed to %s, so nothing is sent; see: jianxun subscribers list", is.Digest)
	}
	if err == nil {
		_, err = a.dispatch(ctx, is)
	}
	return err
}

// deliver works through an issue's rows. tell is called after each turn and
// every few hundred milliseconds within one.
func (a *App) deliver(ctx context.Context, is news.Issue, tell func()) error {
	relay := a.outbox(a.gen.Load(), newToken(), a.settled)
	stop := a.tick(tell)
	defer stop()
	for failures := 0; ; {
		_, err := relay.Deliver(ctx, is.ID)
		if err != nil {
			if failures++; !outbox.IsRelayDown(err) || failures == relayTries {
				return news.Errorf(news.Unavailable, "the relay cannot be used: %w; nothing is lost, send again when it is back", err)
			}
		}
		wait, more, waitErr := a.nextTurn(ctx, is)
		if waitErr != nil || ctx.Err() != nil || !more {
			return waitErr
		}
		if err != nil {
			wait = max(wait, time.Duration(failures)*time.Second)
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// nextTurn tells how long to wait before the issue has work again; more is
// false when there is none, or only in a time.
func (a *App) nextTurn(ctx context.Context, is news.Issue) (wait time.Duration, more bool, err error) {
	t, err := a.store.Tally(ctx, is.ID)
	if err == nil {
		err = a.held(ctx) // it would wait for ever
	}
	if err == nil {
		err = a.paused(ctx, is)
	}
	if err != nil || t.Open() == 0 {
		return 0, false, err
	}
	if t[news.Queued]+t[news.Leased]+t[news.Committing] > 0 {
		return 500 * time.Millisecond, true, nil // somebody else has them in hand, or the relay is down
	}
	rows, err := a.store.Deliveries(ctx, is.ID, news.Deferred, troubleShown)
	if err != nil || len(rows) == 0 {
		return 0, false, err
	}
	first := rows[0].Next
	for _, r := range rows {
		if r.Next.Before(first) {
			first = r.Next
		}
	}
	wait = max(first.Sub(a.opt.Now()), 100*time.Millisecond)
	return wait, wait <= patience, nil
}

// tellShare is how much longer than telling takes it is waited between: the states
// of a long list take a while to count.
const tellShare = 50

// tick calls tell now and then until the function it gives is called.
func (a *App) tick(tell func()) func() {
	done := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		wait := 300 * time.Millisecond
		t := time.NewTimer(wait)
		defer t.Stop()
		for {
			select {
			case <-done:
				return
			case <-t.C:
				begin := a.opt.Now()
				tell()
				t.Reset(max(wait, tellShare*a.opt.Now().Sub(begin)))
			}
		}
	}()
	return func() { close(done); <-ended }
}
