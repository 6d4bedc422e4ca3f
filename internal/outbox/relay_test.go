package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"jianxun/internal/mail"
	"jianxun/internal/news"
)

// ledger keeps rows in memory by the rules of the store.
type ledger struct {
	mu      sync.Mutex
	rows    map[string]*row
	full    bool // takes no record of committing
	mute    int  // so many records it takes, and then does not say so
	paused  bool
	records int
	settled chan news.Delivery
}

type row struct {
	news.Delivery
	holder string
}

func newLedger(people ...string) *ledger {
	l := &ledger{rows: map[string]*row{}, settled: make(chan news.Delivery, 1000)}
	for _, p := range people {
		l.rows[p] = &row{Delivery: news.Delivery{IssueID: 1, State: news.Queued, Subscriber: news.Subscriber{ID: p, Email: p}}}
	}
	return l
}

func (l *ledger) ClaimDeliveries(_ context.Context, h news.Holder, _ int64, n int) ([]news.Delivery, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var claimed []news.Delivery
	for _, id := range slices.Sorted(maps.Keys(l.rows)) {
		if r := l.rows[id]; r.State == news.Queued && len(claimed) < n && !l.paused {
			r.State, r.holder = news.Leased, h.Token
			claimed = append(claimed, r.Delivery)
		}
	}
	return claimed, nil
}

func (l *ledger) ExtendLeases(context.Context, news.Holder) error { return nil }

func (l *ledger) Record(_ context.Context, h news.Holder, steps []news.Step) ([]error, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.full {
		return nil, news.Errorf(news.Unavailable, "the disk is full")
	}
	said := make([]error, len(steps))
	for i, step := range steps {
		said[i] = l.step(step, h.Token)
	}
	l.records++
	if l.mute--; l.mute >= 0 {
		return nil, news.Errorf(news.Unavailable, "the store does not answer")
	}
	return said, nil
}

func (l *ledger) step(step news.Step, token string) error {
	r := l.rows[step.Subscriber.ID]
	switch {
	case r.holder != token, step.State == news.Committing && r.State != news.Leased:
		return news.Errorf(news.Conflict, "the lease of this delivery has run out")
	case step.State == news.Committing && l.paused:
		return news.Errorf(news.Refused, "sending is paused")
	case step.State == news.Committing:
		r.State = news.Committing
		return nil
	}
	step.Attempts += step.Tried
	r.Delivery, r.holder = step.Delivery, ""
	l.settled <- step.Delivery
	return nil
}

func (l *ledger) ReleaseLeases(_ context.Context, h news.Holder) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.rows {
		if r.State == news.Leased && r.holder == h.Token {
			r.State, r.holder = news.Queued, ""
		}
	}
	return nil
}

// wake makes a deferred row due.
func (l *ledger) wake(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := l.rows[id]; r.State == news.Deferred {
		r.State = news.Queued
	}
}

func (l *ledger) state(id string) news.Delivery {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rows[id].Delivery
}

// wire is a relay in memory: it answers by address and counts copies.
type wire struct {
	mu      sync.Mutex
	down    bool
	answers map[string]error
	copies  map[string]int
	dials   int
	lines   int // how many it bears at once, 0 for any
	open    int
}

func (w *wire) dial(context.Context) (Transport, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down {
		return nil, &mail.Error{Class: mail.RelayDown, Stage: "connect", Err: errors.New("refused")}
	}
	if w.lines > 0 && w.open >= w.lines {
		return nil, &mail.Error{Class: mail.RelayDown, Stage: "connect", Code: 421, Err: errors.New("too many connections")}
	}
	w.dials++
	w.open++
	return &line{w: w}, nil
}

type line struct {
	w      *wire
	broken bool
}

func (l *line) Send(_ context.Context, m mail.Message, beforeDot func() error) error {
	l.w.mu.Lock()
	answer := l.w.answers[m.To]
	l.w.mu.Unlock()
	var e *mail.Error
	if errors.As(answer, &e) && e.Stage != "dot" {
		l.broken = e.Code == 0
		return answer
	}
	if err := beforeDot(); err != nil {
		l.broken = true
		return &mail.Error{Class: mail.RelayDown, Stage: "text", Err: err}
	}
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	if answer == nil || e.Class == mail.Uncertain {
		l.w.copies[m.To]++
	}
	l.broken = answer != nil
	return answer
}

func (l *line) Broken() bool { return l.broken }
func (l *line) Close() {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	l.w.open--
}

type composer struct{ empty, bad map[string]bool }

func (c composer) Compose(_ context.Context, _ int64, s news.Subscriber, _ []byte) (mail.Message, func(context.Context) error, error) {
	switch {
	case c.empty[s.ID]:
		return mail.Message{}, nil, news.Errorf(news.NotFound, "the issue holds nothing of the columns chosen")
	case c.bad[s.ID]:
		return mail.Message{}, nil, news.Errorf(news.Internal, "the mail cannot be rendered: %w", errors.New("template"))
	}
	return mail.Message{To: s.Email}, func(context.Context) error { return nil }, nil
}

func newRelay(l *ledger, w *wire, c composer) *Relay {
	r := New(Options{Ledger: l, Composer: c, Dial: w.dial, Connections: 2, Token: "me", Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return time.Unix(1000, 0) }, Retry: Backoff{First: time.Minute, Max: time.Hour, GiveUp: time.Hour}})
	r.takeBacks = 2 // the ledger of these tests forgets nothing
	return r
}

func newWire() *wire { return &wire{answers: map[string]error{}, copies: map[string]int{}} }

func TestEveryAnswerLeadsToItsState(t *testing.T) {
	reply := func(class mail.Class, stage string, code int) error {
		return &mail.Error{Class: class, Stage: stage, Code: code, Err: fmt.Errorf("%d words", code)}
	}
	l, w := newLedger("good", "later", "never", "lost", "nothing"), newWire()
	w.answers["later"] = reply(mail.Temporary, "RCPT", 450)
	w.answers["never"] = reply(mail.Permanent, "RCPT", 550)
	w.answers["lost"] = reply(mail.Uncertain, "dot", 0)
	if _, err := newRelay(l, w, composer{empty: map[string]bool{"nothing": true}}).Deliver(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]news.DeliveryState{"good": news.Delivered, "later": news.Deferred, "never": news.Failed, "lost": news.Uncertain, "nothing": news.Suppressed} {
		if d := l.state(id); d.State != want {
			t.Errorf("%s is %s, want %s", id, d.State, want)
		}
	}
	if d := l.state("later"); d.Attempts != 1 || d.Next.Sub(time.Unix(1000, 0)) < 45*time.Second || d.Next.Sub(time.Unix(1000, 0)) > time.Minute {
		t.Errorf("later is tried again after %v, attempts %d", d.Next.Sub(time.Unix(1000, 0)), d.Attempts)
	}
	if d := l.state("never"); d.Reply != "550 words" {
		t.Errorf("the server's words: %q", d.Reply)
	}
	if d := l.state("nothing"); d.Attempts != 0 {
		t.Error("nobody was asked, yet an attempt is counted")
	}
}

func TestRelayDownCostsNoAttempt(t *testing.T) {
	l, w := newLedger("a", "b", "c"), newWire()
	w.down = true
	r := newRelay(l, w, composer{})
	if _, err := r.Deliver(t.Context(), 0); !IsRelayDown(err) {
		t.Fatalf("%v", err)
	}
	for _, id := range []string{"a", "b", "c"} {
		if d := l.state(id); d.State != news.Queued || d.Attempts != 0 {
			t.Errorf("%s: %s after %d attempts", id, d.State, d.Attempts)
		}
	}
	w.down = false
	if n, err := r.Deliver(t.Context(), 0); n != 3 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

func TestNothingIsSentWithoutItsRecord(t *testing.T) {
	l, w := newLedger("a", "b"), newWire()
	l.full = true
	r := newRelay(l, w, composer{})
	if _, err := r.Deliver(t.Context(), 0); err == nil {
		t.Error("a full disk went unnoticed")
	}
	if len(w.copies) != 0 {
		t.Errorf("sent without a record: %v", w.copies)
	}
	l.full = false
	if _, err := r.Deliver(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if w.copies["a"] != 1 || w.copies["b"] != 1 {
		t.Errorf("%v", w.copies)
	}
}

// The ledger is in a database, and a connection may break after a record is taken
// and before anybody hears of it.
func TestALostAnswerOfTheLedgerCostsNobodyAMail(t *testing.T) {
	for mute := range 4 {
		l, w := newLedger("a"), newWire()
		l.mute = mute
		r, told := newRelay(l, w, composer{}), 0
		r.opt.Settled = func(d news.Delivery) { told++ }
		for tries := 0; l.state("a").State != news.Delivered; tries++ {
			if _, err := r.Deliver(t.Context(), 0); err == nil && l.state("a").State != news.Delivered || tries > mute {
				t.Fatalf("%d lost: it is %s, %v", mute, l.state("a").State, err)
			}
		}
		if d := l.state("a"); w.copies["a"] != 1 || d.Attempts != 1 || told != 1 {
			t.Errorf("%d lost: %d copies, %d attempts, told %d times", mute, w.copies["a"], d.Attempts, told)
		}
	}
}

func TestRequirement27RenderErrorSendsNothing(t *testing.T) {
	l, w := newLedger("a", "b"), newWire()
	if _, err := newRelay(l, w, composer{bad: map[string]bool{"a": true}}).Deliver(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if a := l.state("a"); w.copies["a"] != 0 || a.State != news.Deferred || a.Attempts != 0 || a.Reply == "" {
		t.Errorf("%d copies, %+v", w.copies["a"], a)
	}
	if w.copies["b"] != 1 {
		t.Error("another's mail is held up by it")
	}
}

// A mail that can never be made must not keep its issue open for ever.
func TestAMailThatCannotBeMadeIsGivenUpInTheEnd(t *testing.T) {
	l, now := newLedger("a"), time.Unix(1000, 0)
	r := newRelay(l, newWire(), composer{bad: map[string]bool{"a": true}})
	r.opt.Now = func() time.Time { return now }
	turns := 0
	for ; l.state("a").State != news.Failed && turns < 100; turns++ {
		if _, err := r.Deliver(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		now = now.Add(r.opt.Retry.First)
		l.wake("a")
	}
	if d := l.state("a"); d.State != news.Failed || d.Reply == "" || now.Sub(time.Unix(1000, 0)) < r.opt.Retry.GiveUp {
		t.Errorf("after %d turns it is %s, %q", turns, d.State, d.Reply)
	}
}

func TestGivesUpInTheEnd(t *testing.T) {
	l, w := newLedger("a"), newWire()
	w.answers["a"] = &mail.Error{Class: mail.Temporary, Stage: "RCPT", Code: 450, Err: errors.New("later")}
	l.rows["a"].FirstTried = time.Unix(1000, 0).Add(-time.Hour)
	l.rows["a"].Attempts = 7
	if _, err := newRelay(l, w, composer{}).Deliver(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if d := l.state("a"); d.State != news.Failed {
		t.Errorf("an hour after the first attempt it is %s", d.State)
	}
}

func TestManyWorkersSendOneCopyEach(t *testing.T) {
	var people []string
	for i := range 300 {
		people = append(people, fmt.Sprint("p", i))
	}
	l, w := newLedger(people...), newWire()
	var wg sync.WaitGroup
	for i := range 4 {
		r := newRelay(l, w, composer{})
		r.holder.Token = fmt.Sprint("worker", i)
		wg.Go(func() {
			if _, err := r.Deliver(t.Context(), 0); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, p := range people {
		if w.copies[p] != 1 {
			t.Errorf("%s got %d", p, w.copies[p])
		}
	}
}

func TestRunWakesAndStops(t *testing.T) {
	l, w := newLedger(), newWire()
	ctx, cancel := context.WithCancel(t.Context())
	wake, done := make(chan struct{}, 1), make(chan struct{})
	go func() { newRelay(l, w, composer{}).Run(ctx, wake); close(done) }()
	l.mu.Lock()
	l.rows["a"] = newLedger("a").rows["a"]
	l.mu.Unlock()
	wake <- struct{}{}
	if d := <-l.settled; d.State != news.Delivered {
		t.Errorf("%s", d.State)
	}
	cancel()
	<-done
}

func TestBackoffGrowsToItsBound(t *testing.T) {
	b := Backoff{First: time.Minute, Max: 10 * time.Minute}
	for attempt, whole := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 10 * time.Minute, 10 * time.Minute} {
		for range 50 {
			if d := b.Delay(attempt); d > whole || d < whole*3/4-time.Second {
				t.Errorf("attempt %d waits %v, want up to a quarter less than %v", attempt, d, whole)
			}
		}
	}
	if d := b.Delay(1_000_000); d > b.Max {
		t.Errorf("%v", d)
	}
}
