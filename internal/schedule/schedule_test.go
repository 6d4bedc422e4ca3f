package schedule

import (
	"context"
	"sync/atomic"
	"testing"
	"time"
)

func TestParseRefusesWhatCannotBeMeant(t *testing.T) {
	for spec, ok := range map[string]bool{
		"0 8 * * MON": true, "*/5 * * * *": true, "@daily": true, "@every 10m": true, "0 0 29 2 *": true, "@every 1s": true,
		"": false, "0 8 * *": false, "0 8 * * MON *": false, "61 8 * * *": false, "x": false, "@sometimes": false, "@every": false, "@every x": false,
		"0 0 30 2 *": false, "0 0 31 4,6 *": false,
		"TZ=": false, "TZ=Asia/Shanghai": false, "CRON_TZ=Asia/Tokyo 0 8 * * *": false, "TZ=UTC 0 8 * * *": false, "CRON_TZ=": false,
	} {
		if _, err := Parse(spec, shanghai); (err == nil) != ok {
			t.Errorf("%q: %v", spec, err)
		}
		if err := New(nil, "a", nil, nil).Add(Job{Spec: spec, Zone: shanghai}); (err == nil) != ok {
			t.Errorf("added %q: %v", spec, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, spec := range []string{"0 8 * * MON", "@every 1h", "TZ=", "TZ= x", "*/0 * * * *", "0-99999999999 * * * *", "? ? ? ? ?", "@every -1h"} {
		f.Add(spec)
	}
	f.Fuzz(func(t *testing.T, spec string) {
		for _, zone := range []string{"Asia/Shanghai", "Europe/Berlin", "Australia/Lord_Howe"} {
			after := time.Date(2026, 9, 28, 9, 0, 0, 0, shanghai)
			next, err := Next(spec, zoneOf(t, zone), after, 2)
			if err == nil && (!next[0].After(after) || !next[1].After(next[0])) {
				t.Errorf("in %s %q is due at %v", zone, spec, next)
			}
		}
	})
}

func TestNextIsInTheZoneOfTheJob(t *testing.T) {
	friday := time.Date(2026, 9, 25, 23, 0, 0, 0, time.UTC) // Saturday in Shanghai
	got, err := Next("0 8 * * SAT,MON", shanghai, friday, 3)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []time.Time{
		time.Date(2026, 9, 26, 8, 0, 0, 0, shanghai), time.Date(2026, 9, 28, 8, 0, 0, 0, shanghai), time.Date(2026, 10, 3, 8, 0, 0, 0, shanghai),
	} {
		if !got[i].Equal(want) {
			t.Errorf("time %d is %v, want %v", i, got[i], want)
		}
	}
	if _, err := Next("TZ=", shanghai, friday, 1); err == nil {
		t.Error("a bad line has a next time")
	}
}

func TestOfMissedTimesTheLatestIsDue(t *testing.T) {
	monday := time.Date(2026, 9, 28, 8, 0, 0, 0, shanghai)
	never := time.Time{}
	for _, c := range []struct {
		spec      string
		last, now time.Time
		want      time.Time
	}{
		{"0 8 * * MON", monday, monday, never},
		{"0 8 * * MON", monday, monday.AddDate(0, 0, 7).Add(-time.Nanosecond), never},
		{"0 8 * * MON", monday, monday.AddDate(0, 0, 7), monday.AddDate(0, 0, 7)},
		{"0 8 * * MON", monday, monday.AddDate(0, 0, 30), monday.AddDate(0, 0, 28)},
		{"0 8 * * MON", monday.Add(-time.Hour), monday.Add(time.Hour), monday},
		{"@every 10m", monday, monday.Add(9 * time.Minute), never},
		{"@every 10m", monday, monday.Add(10 * time.Minute), monday.Add(10 * time.Minute)},
		{"@every 10m", monday, monday.Add(25 * time.Hour), monday.Add(25 * time.Hour)},
		{"@every 10m", monday, monday.Add(39 * time.Minute), monday.Add(30 * time.Minute)},
		{"0 8 * * MON", monday, monday.Add(-time.Hour), never}, // the clock was set back
		{"@every 10m", monday, monday.Add(-time.Hour), never},
	} {
		when, err := Parse(c.spec, shanghai)
		if err != nil {
			t.Fatal(err)
		}
		if got := latestDue(when, c.last, c.now); !got.Equal(c.want) {
			t.Errorf("%s from %v to %v: due %v, want %v", c.spec, c.last, c.now, got, c.want)
		}
	}
}

func TestAJobFiresAtItsTimes(t *testing.T) {
	inBubble(t, func(w world) {
		fires, begin := make(chan fire), time.Now()
		w.start("a", job("30 * * * *", fires, 0))
		for n := range 3 {
			want := begin.Add(time.Duration(n)*time.Hour + 30*time.Minute)
			if f := <-fires; !f.due.Equal(want) || !f.at.Equal(want) {
				t.Errorf("fired at %v for %v, want %v", f.at, f.due, want)
			}
		}
	})
}

func TestAJobFiresOnceForAllSchedulers(t *testing.T) {
	inBubble(t, func(w world) {
		fires, begin := make(chan fire), time.Now()
		for _, token := range []string{"a", "b", "c"} {
			w.start(token, job("0 * * * *", fires, 0))
		}
		for n := range 5 {
			if f := <-fires; !f.due.Equal(begin.Add(time.Duration(n+1) * time.Hour)) {
				t.Errorf("fired for %v", f.due)
			}
			quiet(t, fires, 59*time.Minute)
		}
	})
}

func TestAFailingJobIsRetriedForTheSameTime(t *testing.T) {
	inBubble(t, func(w world) {
		fires, begin := make(chan fire), time.Now()
		w.start("a", job("@daily", fires, 9))
		first := <-fires
		if want := begin.Add(16 * time.Hour); !first.due.Equal(want) { // midnight in Shanghai
			t.Errorf("fired for %v, want %v", first.due, want)
		}
		last, wait := first.at, time.Duration(0)
		for range 9 {
			f := <-fires
			if !f.due.Equal(first.due) {
				t.Errorf("retried for %v, want %v", f.due, first.due)
			}
			if pause := f.at.Sub(last); pause < wait || pause < firstRetry || pause > lastRetry {
				t.Errorf("retried after %v, before after %v", pause, wait)
			}
			last, wait = f.at, f.at.Sub(last)
		}
		if wait != lastRetry {
			t.Errorf("the last pause was %v, want %v", wait, lastRetry)
		}
		if f := <-fires; !f.due.Equal(first.due.AddDate(0, 0, 1)) {
			t.Errorf("after success it fired for %v", f.due)
		}
	})
}

func TestALedgerThatFailsIsAskedAgain(t *testing.T) {
	inBubble(t, func(w world) {
		fires, begin := make(chan fire), time.Now()
		w.fail(errBroken)
		w.start("a", job("0 * * * *", fires, 0))
		quiet(t, fires, 30*time.Minute)
		w.fail(nil)
		if f := <-fires; !f.due.Equal(begin.Add(time.Hour)) {
			t.Errorf("fired for %v", f.due)
		}
	})
}

func TestAfterARestartTheLatestMissedTimeIsCaughtUp(t *testing.T) {
	inBubble(t, func(w world) {
		fires, begin := make(chan fire), time.Now()
		stop := w.start("a", job("0 * * * *", fires, 0))
		<-fires
		stop()
		quiet(t, fires, 5*time.Hour+time.Minute)
		w.start("b", job("0 * * * *", fires, 0))
		f := <-fires
		if !f.due.Equal(begin.Add(6*time.Hour)) || !f.at.Equal(begin.Add(6*time.Hour+time.Minute)) {
			t.Errorf("fired at %v for %v", f.at, f.due)
		}
		if f := <-fires; !f.due.Equal(begin.Add(7 * time.Hour)) {
			t.Errorf("fired for %v", f.due)
		}
	})
}

func TestAChangedLineDoesNotFireForThePast(t *testing.T) {
	inBubble(t, func(w world) {
		fires, begin := make(chan fire), time.Now()
		stop := w.start("a", job("0 * * * *", fires, 0))
		<-fires
		stop()
		quiet(t, fires, 150*time.Minute)
		w.start("a", job("30 * * * *", fires, 0)) // it would have been due three times
		if f := <-fires; !f.due.Equal(begin.Add(4*time.Hour + 30*time.Minute)) {
			t.Errorf("fired for %v", f.due)
		}
	})
}

func TestADueTimeOfADeadProcessIsTakenOver(t *testing.T) {
	inBubble(t, func(w world) {
		fires, begin := make(chan fire), time.Now()
		due := begin.Add(time.Hour)
		s := job("0 * * * *", fires, 0)
		w.start("heir", s)
		quiet(t, fires, 30*time.Minute)
		for key := range w.done { // another claims it and is heard of no more
			if _, err := w.ClaimFire(t.Context(), key, due, "dead", time.Until(due)+claimLease); err != nil {
				t.Fatal(err)
			}
		}
		f := <-fires
		if late := f.at.Sub(due); !f.due.Equal(due) || late < claimLease || late > claimLease+tick {
			t.Errorf("fired %v late for %v", late, f.due)
		}
	})
}

func TestAtOnceMeansNowForAJobNeverSeen(t *testing.T) {
	for _, spec := range []string{"@every 10m", "* * * * *", "0 8 * * MON"} {
		t.Run(spec, func(t *testing.T) {
			inBubble(t, func(w world) {
				fires, begin := make(chan fire), time.Now()
				j := job(spec, fires, 0)
				j.AtOnce = true
				stop := w.start("a", j)
				f := <-fires
				if !f.at.Equal(begin) || f.due.After(begin) {
					t.Errorf("fired at %v for %v, want %v", f.at, f.due, begin)
				}
				next, err := Next(spec, shanghai, f.due, 1)
				if err != nil {
					t.Fatal(err)
				}
				stop()
				w.start("b", j) // a restart does not make it new
				if f := <-fires; !f.at.Equal(next[0]) {
					t.Errorf("fired again at %v, want %v", f.at, next[0])
				}
			})
		})
	}
}

func TestAtOnceReachesBackToTheLastTimeThereWas(t *testing.T) {
	for spec, want := range map[string]time.Time{
		"0 0 29 2 *":  time.Date(2024, 2, 29, 0, 0, 0, 0, shanghai),
		"0 8 * * MON": time.Date(2026, 9, 21, 8, 0, 0, 0, shanghai),
		"@every 24h":  time.Date(2026, 9, 28, 7, 0, 0, 0, shanghai),
	} {
		when, err := Parse(spec, shanghai)
		if err != nil {
			t.Fatal(err)
		}
		now := time.Date(2026, 9, 28, 7, 0, 0, 0, shanghai)
		if got := latestDue(when, missed(when, now), now); !got.Equal(want) {
			t.Errorf("%s is due for %v, want %v", spec, got, want)
		}
	}
}

func TestAtOnceIsOnceForAllSchedulersAndRetried(t *testing.T) {
	inBubble(t, func(w world) {
		fires, begin := make(chan fire), time.Now()
		j := job("@every 1h", fires, 1)
		j.AtOnce = true
		w.start("a", j)
		w.start("b", j)
		first, second := <-fires, <-fires
		if !first.at.Equal(begin) || !second.due.Equal(first.due) || second.at.Sub(begin) > firstRetry {
			t.Errorf("fired at %v for %v, then at %v for %v", first.at, first.due, second.at, second.due)
		}
		quiet(t, fires, 59*time.Minute)
	})
}

func TestRunWaitsForWhatIsRunning(t *testing.T) {
	inBubble(t, func(w world) {
		begun, finish := make(chan context.Context), make(chan struct{})
		j := Job{Name: "long", Spec: "@every 1m", Zone: shanghai, AtOnce: true, Run: func(ctx context.Context, _ time.Time) error {
			begun <- ctx
			<-finish
			return ctx.Err()
		}}
		stop := w.start("a", j)
		ctx := <-begun
		stopped := make(chan struct{})
		go func() { stop(); close(stopped) }()
		<-ctx.Done()
		select {
		case <-stopped:
			t.Error("Run returned while a function was running")
		case <-time.After(time.Hour):
		}
		close(finish)
		<-stopped
		// Given back, not held until its lease runs out.
		for key, h := range w.held {
			if h.until.After(time.Now()) {
				t.Errorf("%s is held until %v", key, h.until)
			}
		}
	})
}

// A function may take longer than a claim: nobody else begins it meanwhile, and
// the process that has lost its claim all the same stops.
func TestALongFunctionKeepsItsClaim(t *testing.T) {
	inBubble(t, func(w world) {
		var running, runs atomic.Int32
		slow := Job{Name: "job", Spec: "0 0 * * *", Zone: shanghai, Run: func(ctx context.Context, _ time.Time) error {
			if running.Add(1) > 1 {
				t.Error("two run it at once")
			}
			defer running.Add(-1)
			runs.Add(1)
			select {
			case <-ctx.Done():
				t.Error("it was ended")
			case <-time.After(20 * claimLease):
			}
			return nil
		}}
		w.start("a", slow)
		w.start("b", slow)
		time.Sleep(25 * time.Hour) // of the bubble's clock
		if runs.Load() != 1 {
			t.Errorf("it ran %d times, want once", runs.Load())
		}
	})
}

func TestWhoLosesItsClaimStops(t *testing.T) {
	inBubble(t, func(w world) {
		begun, ended := make(chan time.Time, 1), make(chan time.Duration)
		w.start("a", Job{Name: "job", Spec: "0 0 * * *", Zone: shanghai, Run: func(ctx context.Context, due time.Time) error {
			begun <- due
			from := time.Now()
			<-ctx.Done()
			ended <- time.Since(from)
			return ctx.Err()
		}})
		due := <-begun
		w.give(due, "heir")
		if took := <-ended; took > claimLease {
			t.Errorf("it ran on for %v", took)
		}
	})
}

// A long outage of the ledger is no fault of the function: it is called as soon
// as the ledger is back.
func TestAfterALongOutageOfTheLedgerNothingWaits(t *testing.T) {
	inBubble(t, func(w world) {
		fires, begin := make(chan fire), time.Now()
		w.start("a", job("0 * * * *", fires, 0))
		<-fires
		w.fail(errBroken)
		quiet(t, fires, 10*time.Hour)
		w.fail(nil)
		if f := <-fires; f.at.Sub(begin) > 11*time.Hour+tick {
			t.Errorf("fired %v after the beginning", f.at.Sub(begin))
		}
	})
}
