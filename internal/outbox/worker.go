package outbox

import (
	"context"
	"errors"
	"time"

	"jianxun/internal/mail"
	"jianxun/internal/news"
)

// worker sends one mail after the other over a connection of its own.
type worker struct {
	*shift
	line Transport
	sent int            // mails on this line
	to   map[string]int // of them, by domain
	data []byte         // the memory of the mail before
}

func (w *worker) work() {
	defer w.hangUp()
	for {
		d, ok := w.hand.next()
		if !ok {
			return
		}
		back, err := w.one(d)
		w.hand.done(d, back)
		if err == nil {
			continue
		}
		if !IsRelayDown(err) {
			w.hand.stop(err)
			return
		}
		if !w.rest(err) {
			return
		}
	}
}

// one delivers one row and has it recorded how that ended; back tells that the row
// was not tried and is for another. An error of the class RelayDown is about the
// relay, any other about the store.
func (w *worker) one(d news.Delivery) (back bool, err error) {
	m, still, err := w.opt.Composer.Compose(w.ctx, d.IssueID, d.Subscriber, w.data[:0])
	switch {
	case news.CodeOf(err) == news.NotFound && err != nil:
		d.State, d.Reply = news.Suppressed, err.Error()
		w.records.settle(d, 0)
		return false, nil
	case isRendering(err): // this mail's fault alone; no byte has been sent
		d.Reply = err.Error()
		w.later(&d, w.opt.Retry.First)
		w.records.settle(d, 0)
		return false, nil
	case err != nil:
		return false, err
	}
	w.data = m.Data
	if err := w.connect(d.Subscriber.Email); err != nil {
		return true, err
	}
	var unrecorded error
	err = w.line.Send(w.stop, m, func() error {
		if unrecorded = still(w.ctx); unrecorded == nil {
			unrecorded = w.records.begin(d)
		}
		return unrecorded
	})
	if unrecorded != nil {
		return false, w.takeBack(d, unrecorded)
	}
	if w.stop.Err() != nil && IsRelayDown(err) { // no dot has been sent
		w.putBack(d)
		return false, nil
	}
	return w.ended(d, err)
}

// putBack queues a row again whose dot was not sent. The ledger may have recorded
// that it would be, and would call the row uncertain later; but here it is known that
// no mail has left.
func (w *worker) putBack(d news.Delivery) {
	w.hangUp()
	d.State = news.Queued
	w.records.settle(d, 0)
}

// takeBack puts a row back whose dot the ledger did not confirm, and tells what is
// wrong with the ledger, if anything is.
func (w *worker) takeBack(d news.Delivery, why error) error {
	w.putBack(d)
	switch news.CodeOf(why) {
	case news.Conflict: // it is another's, the person has just left, or the mail is stale
		return nil
	case news.Refused: // sending is paused
		w.hand.stop(nil)
		return nil
	}
	return why
}

// isRendering tells a mail that cannot be made from a store that does not answer.
func isRendering(err error) bool {
	return err != nil && news.CodeOf(err) != news.Unavailable && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}

// ended has it recorded how the conversation went.
func (w *worker) ended(d news.Delivery, err error) (back bool, relay error) {
	to := d.Subscriber.Email
	w.sent++
	domain, _ := w.limits.perConnection(to)
	w.to[domain]++
	if err == nil {
		d.State, d.Reply = news.Delivered, ""
		w.records.settle(d, 1)
		w.limits.taken(to)
		w.lost(false)
		return false, nil
	}
	var e *mail.Error
	if !errors.As(err, &e) {
		return true, err
	}
	if e.Class == mail.RelayDown {
		return w.unheard(d, e)
	}
	w.lost(false)
	if e.Advice != "" {
		now := w.opt.Now()
		w.limits.advise(to, e.Advice, e.After, now)
		_, later := w.limits.portion(w.hand.leave(now), now)
		for _, d := range later {
			w.records.settle(d, 0)
		}
	}
	if e.Advice == mail.NewConnection {
		w.hangUp()
	}
	d.Reply = e.Reply()
	switch e.Class {
	case mail.Uncertain:
		d.State = news.Uncertain
	case mail.Permanent:
		d.State = news.Failed
	default:
		w.later(&d, max(e.After, w.opt.Retry.Delay(d.Attempts)))
	}
	w.records.settle(d, 1)
	return false, nil
}

// unheard handles a conversation that ended before the mail was taken or refused.
// A line that served before may just have been closed by the server. One that is
// lost while a recipient is in question, or on which we are refused there, may be so
// because of that recipient: it is put off, so that it does not keep all others
// waiting, unless the same befalls all of them.
func (w *worker) unheard(d news.Delivery, e *mail.Error) (back bool, relay error) {
	used := w.sent > 1
	w.hangUp()
	if used && e.Stage == "MAIL" && (e.Code == 0 || e.Code == 421 || e.Advice == mail.NewConnection) {
		return true, nil
	}
	if e.Stage == "connect" || e.Stage == "MAIL" {
		return true, e
	}
	if w.lost(true) > tolerated {
		return true, e
	}
	d.Reply = e.Error()
	w.later(&d, w.opt.Retry.First)
	w.records.settle(d, 0)
	return false, nil
}

// tolerated is how many connections may be lost in a row, with no mail taken between,
// until that is the relay's fault and not the recipients'.
const tolerated = 3

func (s *shift) lost(yes bool) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.losses++; !yes {
		s.losses = 0
	}
	return s.losses
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
