package schedule

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var shanghai = time.FixedZone("CST", 8*3600)

// fakeLedger keeps due times in memory, by the rules of the Ledger.
type fakeLedger struct {
	mu    sync.Mutex
	now   func() time.Time
	done  map[string]time.Time // newest done, by job
	held  map[string]held      // by job and due time
	fault error                // what every call fails with
}

type held struct {
	token string
	until time.Time
}

func newLedger(now func() time.Time) *fakeLedger {
	return &fakeLedger{now: now, done: map[string]time.Time{}, held: map[string]held{}}
}

func (l *fakeLedger) Anchor(_ context.Context, job string, due time.Time) (time.Time, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.done[job]; !ok {
		l.done[job] = due
	}
	return l.done[job], l.fault
}

func (l *fakeLedger) ClaimFire(_ context.Context, job string, due time.Time, token string, lease time.Duration) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := job + due.UTC().String()
	if !due.After(l.done[job]) || l.held[key].until.After(l.now()) {
		return false, l.fault
	}
	l.held[key] = held{token, l.now().Add(lease)}
	return true, l.fault
}

func (l *fakeLedger) ExtendFire(_ context.Context, job string, due time.Time, token string, lease time.Duration) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := job + due.UTC().String()
	if l.held[key].token != token {
		return false, l.fault
	}
	l.held[key] = held{token, l.now().Add(lease)}
	return true, l.fault
}

func (l *fakeLedger) FinishFire(_ context.Context, job string, due time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done[job] = due
	return l.fault
}

func (l *fakeLedger) ReleaseFire(_ context.Context, job string, due time.Time, token string, retryAt time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := job + due.UTC().String()
	if l.held[key].token == token {
		l.held[key] = held{token, retryAt}
	}
	return l.fault
}

func (l *fakeLedger) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fault = err
}

var errBroken = errors.New("broken")

// world is a ledger and a clock. Run it within a bubble of synctest: there the
// clock jumps to the next moment that anybody waits for.
type world struct {
	*fakeLedger
	t *testing.T
}

func inBubble(t *testing.T, test func(w world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(world{newLedger(time.Now), t}) })
}

// start runs a scheduler of the jobs until the test is over, or until the
// function it gives is called.
func (w world) start(token string, jobs ...Job) (stop func()) {
	w.t.Helper()
	s := New(w.fakeLedger, token, time.Now, slog.New(slog.DiscardHandler))
	for _, j := range jobs {
		if err := s.Add(j); err != nil {
			w.t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { s.Run(ctx) })
	stop = func() { cancel(); wg.Wait() }
	w.t.Cleanup(stop)
	return stop
}

// fire is a call of a job's function.
type fire struct{ due, at time.Time }

// job tells of its calls on the channel, and fails as often as told.
func job(spec string, fires chan<- fire, failures int) Job {
	return Job{Name: "job", Spec: spec, Zone: shanghai, Run: func(_ context.Context, due time.Time) error {
		fires <- fire{due, time.Now()}
		if failures--; failures >= 0 {
			return errBroken
		}
		return nil
	}}
}

// quiet expects no call for a while.
func quiet(t *testing.T, fires <-chan fire, d time.Duration) {
	t.Helper()
	select {
	case f := <-fires:
		t.Errorf("fired at %v for %v", f.at, f.due)
	case <-time.After(d):
	}
}

// give hands the claims of a due time to another, as when their holder was taken
// for dead.
func (l *fakeLedger) give(due time.Time, token string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key := range l.held {
		l.held[key] = held{token, due.Add(24 * time.Hour)}
	}
}
