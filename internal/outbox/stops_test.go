package outbox

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"jianxun/internal/mail"
)

// Rows that were in hand when a relay went down are not in hand any more.
func TestABoundedDomainIsServedAfterAStop(t *testing.T) {
	var people []string
	for i := range 40 {
		people = append(people, fmt.Sprintf("p%02d@163.com", i))
	}
	people = append(people, "a1@example.org", "a2@example.org") // are tried first
	l, w := newLedger(people...), newWire()
	now := time.Unix(1_000_000, 0)
	r := newRelay(l, w, composer{})
	r.opt.Now = func() time.Time { return now }
	r.limits = newLimiter([]Domain{{Names: []string{"163.com"}, Connections: 1}})
	w.down = true
	for range 3 {
		if _, err := r.Deliver(t.Context(), 0); !IsRelayDown(err) {
			t.Fatal(err)
		}
	}
	w.down = false
	for range 100 { // 100 times all of them become due
		now = now.Add(time.Hour)
		for id := range l.rows {
			l.wake(id)
		}
		if _, err := r.Deliver(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		for len(l.settled) > 0 {
			<-l.settled
		}
	}
	if len(w.copies) != len(people) {
		t.Errorf("%d of %d got theirs", len(w.copies), len(people))
	}
}

func TestRefusalsOfOneMomentAreOne(t *testing.T) {
	now := time.Unix(1000, 0)
	l := newLimiter(nil)
	for range 6 {
		l.advise("a@qq.com", mail.Slower, 0, now)
	}
	if wait := l.take("b@qq.com", now); wait > firstRest {
		t.Errorf("six mails in flight refused at one moment: the domain rests %v", wait)
	}
}

// dmc says at MAIL that a line has had enough mails, as NetEase's servers do.
type dmc struct {
	Transport
	n int
}

func (d *dmc) Send(ctx context.Context, m mail.Message, before func() error) error {
	if d.n++; d.n > 3 {
		return &mail.Error{Class: mail.RelayDown, Stage: "MAIL", Code: 451, Advice: mail.NewConnection, Err: errors.New("451 MI:DMC")}
	}
	return d.Transport.Send(ctx, m, before)
}

func TestALineThatHadEnoughMailsIsReplaced(t *testing.T) {
	l, w := newLedger(crowd(40)...), newWire()
	r := newRelay(l, w, composer{})
	r.opt.Dial = func(ctx context.Context) (Transport, error) {
		x, err := w.dial(ctx)
		return &dmc{Transport: x}, err
	}
	if _, err := r.Deliver(t.Context(), 0); err != nil {
		t.Errorf("%v after %d of 40 mails", err, len(w.copies))
	}
}

// What a domain does not bear for long makes room in the hand for others.
func TestARestingDomainLeavesTheHand(t *testing.T) {
	now := time.Unix(1000, 0)
	l := newLimiter(nil)
	h := newHand(l, func() time.Time { return now })
	h.add(append(rows(5, "qq.com"), rows(2, "example.org")...))
	l.advise("a@qq.com", mail.Slower, 0, now)
	if left := h.leave(now); len(left) != 5 {
		t.Errorf("%d rows left", len(left))
	}
	for range 2 {
		if d, ok := h.next(); !ok || domainOf(d.Subscriber.Email) != "example.org" {
			t.Errorf("%v, %v", d.Subscriber.Email, ok)
		}
	}
}
