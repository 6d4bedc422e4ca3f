package outbox

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"jianxun/internal/mail"
	"jianxun/internal/news"
)

func crowd(n int) (people []string) {
	for i := range n {
		people = append(people, fmt.Sprintf("p%03d@example.org", i))
	}
	return people
}

func hangUp(stage string) error {
	return &mail.Error{Class: mail.RelayDown, Stage: stage, Err: errors.New("EOF")}
}

func TestAPauseStopsWhatIsInHand(t *testing.T) {
	l, w := newLedger(crowd(100)...), newWire()
	l.paused = true
	for _, r := range l.rows { // claimed a moment before the pause
		r.State, r.holder = news.Leased, "me"
	}
	r := newRelay(l, w, composer{})
	s := r.newShift(t.Context(), t.Context())
	s.hand.add(rowsOf(l))
	(&worker{shift: s}).work()
	s.records.close()
	if err := s.hand.failure(); err != nil || len(w.copies) != 0 || w.dials != 1 {
		t.Errorf("%v; %d mails over %d lines", err, len(w.copies), w.dials)
	}
}

func rowsOf(l *ledger) (list []news.Delivery) {
	for _, r := range l.rows {
		list = append(list, r.Delivery)
	}
	return list
}

// Many relays take only so many connections; that is no reason to stop.
func TestARelayThatTakesOneConnection(t *testing.T) {
	l, w := newLedger(crowd(60)...), newWire()
	w.lines = 1
	r := newRelay(l, w, composer{})
	if _, err := r.Deliver(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	for id := range l.rows {
		if w.copies[id] != 1 || l.state(id).Attempts != 1 {
			t.Errorf("%s: %d copies, %d attempts", id, w.copies[id], l.state(id).Attempts)
		}
	}
}

// A server that always hangs up at one recipient harms nobody else.
func TestARecipientAtWhomTheServerHangsUp(t *testing.T) {
	l, w := newLedger(crowd(60)...), newWire()
	w.answers["p000@example.org"] = hangUp("RCPT")
	if _, err := newRelay(l, w, composer{}).Deliver(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if d := l.state("p000@example.org"); d.State != news.Deferred || d.Attempts != 0 || d.Reply == "" {
		t.Errorf("%+v", d)
	}
	if len(w.copies) != 59 {
		t.Errorf("%d others got theirs", len(w.copies))
	}
}

// When it hangs up at everybody it is the relay's fault, and costs the people
// nothing but a while.
func TestARelayThatHangsUpAtEverybody(t *testing.T) {
	l, w := newLedger(crowd(60)...), newWire()
	for id := range l.rows {
		w.answers[id] = hangUp("DATA")
	}
	if _, err := newRelay(l, w, composer{}).Deliver(t.Context(), 0); !IsRelayDown(err) {
		t.Fatal(err)
	}
	touched := 0
	for id := range l.rows {
		d := l.state(id)
		if d.Attempts != 0 || d.State == news.Failed {
			t.Errorf("%s: %+v", id, d)
		}
		if d.State != news.Queued {
			touched++
		}
	}
	if touched > tolerated || w.dials > 10 {
		t.Errorf("%d people were put off, over %d lines", touched, w.dials)
	}
}

// A server may close a line that has served, or say how many mails it may carry.
func TestLinesAreNotUsedForTooLong(t *testing.T) {
	l, w := newLedger(crowd(40)...), newWire()
	r := newRelay(l, w, composer{})
	r.opt.PerConnection, r.opt.Connections = 10, 1
	if _, err := r.Deliver(t.Context(), 0); err != nil || w.dials != 4 {
		t.Errorf("%d lines for 40 mails, %v", w.dials, err)
	}

	l, w = newLedger(crowd(40)...), newWire()
	r = New(Options{Ledger: l, Composer: composer{}, Dial: w.dial, Token: "me", Now: time.Now, Log: r.opt.Log,
		Domains: []Domain{{Names: []string{"example.org"}, PerConnection: 5}}})
	if _, err := r.Deliver(t.Context(), 0); err != nil || w.dials != 8 {
		t.Errorf("%d lines for 40 mails, %v", w.dials, err)
	}
}

// What the ledger takes together is one record.
func TestWorkersShareTheirRecords(t *testing.T) {
	l, w := newLedger(crowd(160)...), newWire()
	r := newRelay(l, w, composer{})
	r.opt.Connections = 16
	if _, err := r.Deliver(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if l.records > 160 { // two steps a mail
		t.Errorf("%d records for 320 steps", l.records)
	}
}
