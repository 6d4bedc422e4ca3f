// Package schedule calls named functions at the times of a cron line, each due
// time once over all processes that share a ledger.
//
// It promises that a due time is claimed before its function runs and recorded
// as done after it; that one whose process died is taken over when its claim
// has run out; and that of the times missed while nothing ran, the latest is
// caught up and the others are not. A function may so be called twice for one
// due time, never for two at once: it must be idempotent for its due time. A
// function that fails is called again for the same due time, later and later.
// Where clocks are changed, what is due once a day is due once on those days
// too; see zoned.
package schedule

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/robfig/cron/v3"
)

// Ledger remembers what has fired.
type Ledger interface {
	Anchor(ctx context.Context, job string, due time.Time) (last time.Time, err error)
	ClaimFire(ctx context.Context, job string, due time.Time, token string, lease time.Duration) (bool, error)
	ExtendFire(ctx context.Context, job string, due time.Time, token string, lease time.Duration) (held bool, err error)
	FinishFire(ctx context.Context, job string, due time.Time) error
	ReleaseFire(ctx context.Context, job string, due time.Time, token string, retryAt time.Time) error
}

// Job is a function and when to call it. AtOnce means that a job never seen
// before is due immediately; otherwise it waits for its first time.
type Job struct {
	Name   string
	Spec   string // cron line of five fields, @daily and the like, or @every 10m
	Zone   *time.Location
	AtOnce bool
	Run    func(ctx context.Context, due time.Time) error
}

const (
	claimLease = time.Minute      // how long a claim outlives its process; renewed three times as often
	tick       = 15 * time.Second // the clock may be set and the machine may sleep
	firstRetry = 30 * time.Second
	lastRetry  = 30 * time.Minute
)

// Scheduler runs jobs.
type Scheduler struct {
	ledger Ledger
	token  string
	now    func() time.Time
	log    *slog.Logger
	jobs   []entry
}

type entry struct {
	Job
	key  string
	when cron.Schedule
}

// New makes a Scheduler. token tells this process's claims from others'.
func New(ledger Ledger, token string, now func() time.Time, log *slog.Logger) *Scheduler {
	return &Scheduler{ledger: ledger, token: token, now: now, log: log}
}

// Parse reads a cron line for a zone. Lines that set a zone of their own are
// refused: the library panics on some of them.
func Parse(spec string, zone *time.Location) (cron.Schedule, error) {
	if strings.Contains(spec, "TZ=") {
		return nil, errors.New("a cron line cannot set its own time zone")
	}
	s, err := cron.ParseStandard(spec)
	if err != nil {
		return nil, err
	}
	if s.Next(time.Unix(0, 0).UTC()).IsZero() { // 30 February
		return nil, errors.New("this day never comes")
	}
	return zoned{s, zone}, nil
}

// Next gives the next n due times after t.
func Next(spec string, zone *time.Location, t time.Time, n int) ([]time.Time, error) {
	s, err := Parse(spec, zone)
	if err != nil {
		return nil, err
	}
	var times []time.Time
	for range n {
		t = s.Next(t)
		times = append(times, t)
	}
	return times, nil
}

// Add adds a job. Its due times are remembered by name and line: a job with
// another line is a new one, which keeps an edited line from firing for a past
// it never had.
func (s *Scheduler) Add(j Job) error {
	when, err := Parse(j.Spec, j.Zone)
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(j.Spec + "\x1f" + j.Zone.String()))
	s.jobs = append(s.jobs, entry{Job: j, key: j.Name + "@" + hex.EncodeToString(sum[:6]), when: when})
	return nil
}

// Run fires jobs until ctx ends, then waits for those that are running.
func (s *Scheduler) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, e := range s.jobs {
		wg.Go(func() { s.loop(ctx, e) })
	}
	wg.Wait()
}

// loop is the life of one job. A function that fails is given more and more
// time; a ledger that fails is asked again soon, as no function is to blame.
func (s *Scheduler) loop(ctx context.Context, e entry) {
	failures, unheard := 0, false
	for ctx.Err() == nil {
		wait, err := s.step(ctx, e)
		var ledger *ledgerError
		switch {
		case errors.As(err, &ledger):
			wait = tick
			if !unheard {
				s.log.Error("the due times cannot be asked or recorded; this is tried again", "job", e.Name, "again_in", wait, "error", err)
			}
			unheard = true
		case err != nil:
			wait = min(firstRetry<<min(failures, 10), lastRetry)
			failures++
			s.log.Error("a scheduled job failed", "job", e.Name, "again_in", wait, "error", err)
		default:
			failures, unheard = 0, false
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// ledgerError is a failure of the ledger.
type ledgerError struct{ error }

func ofLedger(err error) error {
	if err == nil {
		return nil
	}
	return &ledgerError{err}
}

// step fires the job if it is due and tells how long to wait then.
func (s *Scheduler) step(ctx context.Context, e entry) (time.Duration, error) {
	now := s.now()
	anchor := now.Truncate(time.Second)
	if e.AtOnce {
		anchor = missed(e.when, anchor)
	}
	last, err := s.ledger.Anchor(ctx, e.key, anchor)
	if err != nil {
		return 0, ofLedger(err)
	}
	due := latestDue(e.when, last, now)
	if due.IsZero() {
		return min(max(e.when.Next(last).Sub(now), 0), tick), nil
	}
	claimed, err := s.ledger.ClaimFire(ctx, e.key, due, s.token, claimLease)
	if err != nil || !claimed {
		return tick, ofLedger(err)
	}
	firm := context.WithoutCancel(ctx) // when the process is stopping the claim must not wait for its lease
	if err := s.run(ctx, e, due); err != nil {
		return 0, errors.Join(err, s.ledger.ReleaseFire(firm, e.key, due, s.token, s.now()))
	}
	return 0, ofLedger(s.ledger.FinishFire(firm, e.key, due))
}

// run calls the function and renews the claim until it returns. A claim that has
// been taken over ends the function's context: another has begun it anew. A
// ledger that does not answer does not: nobody takes over before the lease ends.
func (s *Scheduler) run(ctx context.Context, e entry, due time.Time) error {
	ctx, cancel := context.WithCancel(ctx)
	var renewing sync.WaitGroup
	renewing.Go(func() {
		tick := time.NewTicker(claimLease / 3)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			held, err := s.ledger.ExtendFire(ctx, e.key, due, s.token, claimLease)
			if err == nil && !held {
				cancel()
			}
		}
	})
	defer renewing.Wait()
	defer cancel()
	return e.Run(ctx, due)
}

// missed is a time before now with a due time since: a job that begins there
// is caught up like any other, with a claim, and with retries should it fail.
func missed(when cron.Schedule, now time.Time) time.Time {
	if every, ok := interval(when); ok {
		return now.Add(-every)
	}
	back := time.Second
	for when.Next(now.Add(-back)).After(now) {
		back *= 2
	}
	return now.Add(-back)
}

// interval is the delay of an @every line.
func interval(when cron.Schedule) (time.Duration, bool) {
	z, _ := when.(zoned)
	every, ok := z.Schedule.(cron.ConstantDelaySchedule)
	return every.Delay, ok
}

// latestDue is the newest due time in (last, now], zero when there is none.
func latestDue(when cron.Schedule, last, now time.Time) time.Time {
	if every, ok := interval(when); ok {
		n := now.Sub(last) / every
		if n <= 0 {
			return time.Time{}
		}
		return last.Add(n * every)
	}
	var due time.Time
	for t := when.Next(last); !t.IsZero() && !t.After(now); t = when.Next(t) {
		due = t
	}
	return due
}
