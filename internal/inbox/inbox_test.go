package inbox

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
)

// rounds lets a test go from round to round: a source waits after each until it
// is told to go on.
type rounds struct {
	over  chan time.Duration
	again chan struct{}
}

func newRounds() *rounds { return &rounds{make(chan time.Duration), make(chan struct{})} }

func (r *rounds) pause(ctx context.Context, d time.Duration) bool {
	select {
	case r.over <- d:
	case <-ctx.Done():
		return false
	}
	select {
	case <-r.again:
		return true
	case <-ctx.Done():
		return false
	}
}

// next lets a round run, and gives the wait after it.
func (r *rounds) next() time.Duration {
	r.again <- struct{}{}
	return <-r.over
}

// lines is a log that can be read.
type lines struct {
	mu    sync.Mutex
	buf   bytes.Buffer
	grown chan struct{} // closed at the next line, if somebody waits
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.grown != nil {
		close(l.grown)
		l.grown = nil
	}
	return l.buf.Write(p)
}

// wait returns when words have been written.
func (l *lines) wait(words string) {
	for {
		l.mu.Lock()
		if strings.Contains(l.buf.String(), words) {
			l.mu.Unlock()
			return
		}
		if l.grown == nil {
			l.grown = make(chan struct{})
		}
		grown := l.grown
		l.mu.Unlock()
		<-grown
	}
}

func (l *lines) count(words string) int { return strings.Count(l.String(), words) }

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// book records what is ours, which says so, unless it fails.
type book struct {
	mu    sync.Mutex
	mails []Mail
	fails error
}

func (b *book) take(_ context.Context, m Mail) (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fails != nil {
		return false, b.fails
	}
	b.mails = append(b.mails, m)
	return bytes.Contains(m.Raw, []byte("OURS")), nil
}

func (b *book) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fails = err
}

// took gives what was told since the last time.
func (b *book) took() []Mail {
	b.mu.Lock()
	defer b.mu.Unlock()
	mails := b.mails
	b.mails = nil
	return mails
}

var errStore = errors.New("the store is away")

// start runs a source until the test is over, or stop is called.
func start(t *testing.T, run func(context.Context, Take, *slog.Logger) error, take Take) (log *lines, stop func()) {
	t.Helper()
	log = &lines{}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, take, slog.New(slog.NewTextHandler(log, nil)))
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("it ended with %v", err)
		}
	})
	t.Cleanup(stop)
	return log, stop
}

func TestFaultsAreToldOnceAndTriedAgainLaterAndLater(t *testing.T) {
	steps := []error{
		failing("connect", errStore), failing("connect", errors.New("another port")), failing("log in", errStore), failing("log in", errStore), nil, nil,
		failing("connect", errStore),
	}
	r, done := newRounds(), 0
	log, _ := start(t, func(ctx context.Context, _ Take, log *slog.Logger) error {
		repeat(ctx, &watch{log: log, where: "here"}, r.pause, time.Hour, func(context.Context) (bool, error) {
			done++
			if done > len(steps) {
				return done == len(steps)+1, nil
			}
			return false, steps[done-1]
		})
		return nil
	}, nil)
	waits := []time.Duration{<-r.over}
	for range 8 {
		waits = append(waits, r.next())
	}
	want := []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, time.Hour, time.Hour, time.Second, 0, time.Hour}
	for i := range want {
		if waits[i] != want[i] {
			t.Fatalf("waits %v, want %v", waits, want)
		}
	}
	if failed, well := log.count("cannot be taken"), log.count("taken again"); failed != 3 || well != 2 {
		t.Errorf("%d faults and %d ends of them:\n%s", failed, well, log)
	}
}
