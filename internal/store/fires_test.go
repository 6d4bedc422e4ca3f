package store

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const job = "digest:weekly@1"

func (s fixture) claimFire(t testing.TB, due time.Time, token string) bool {
	t.Helper()
	claimed, err := s.ClaimFire(t.Context(), job, due, token, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return claimed
}

func (s fixture) anchor(t testing.TB, job string, due time.Time) time.Time {
	t.Helper()
	last, err := s.Anchor(t.Context(), job, due)
	if err != nil {
		t.Fatal(err)
	}
	return last
}

func TestAJobBeginsWhereItWasFirstSeen(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		for _, c := range []struct {
			job       string
			due, want time.Time
		}{
			{job, monday, monday},
			{job, monday.Add(time.Hour), monday},
			{"another", monday.Add(time.Hour), monday.Add(time.Hour)},
			{job, monday.Add(-time.Hour), monday},
		} {
			if got := s.anchor(t, c.job, c.due); !got.Equal(c.want) {
				t.Errorf("%s at %v begins at %v, want %v", c.job, c.due, got, c.want)
			}
		}
	})
}

func TestADueTimeIsDoneOnce(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		due := monday.Add(time.Hour)
		s.anchor(t, job, monday)
		if !s.claimFire(t, due, "a") {
			t.Fatal("nobody has it, and it cannot be claimed")
		}
		if s.claimFire(t, due, "b") {
			t.Error("it was claimed twice")
		}
		if got := s.anchor(t, job, due); !got.Equal(monday) {
			t.Errorf("a claim counts as done: %v", got)
		}
		wantCode(t, s.FinishFire(t.Context(), job, due), "")
		s.clock.pass(time.Hour)
		if s.claimFire(t, due, "b") {
			t.Error("what is done was claimed again")
		}
		if got := s.anchor(t, job, monday); !got.Equal(due) {
			t.Errorf("the last done is %v, want %v", got, due)
		}
		var rows int
		if err := s.read.QueryRowContext(t.Context(), `SELECT count(*) FROM fires`).Scan(&rows); err != nil || rows != 1 {
			t.Errorf("%d rows are remembered, %v; want 1", rows, err)
		}
	})
}

func TestADueTimeOfADeadHolderIsTakenOver(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.claimFire(t, monday, "dead")
		s.clock.pass(time.Minute - time.Millisecond)
		if s.claimFire(t, monday, "heir") {
			t.Error("it was taken before the lease ran out")
		}
		s.clock.pass(time.Millisecond)
		if !s.claimFire(t, monday, "heir") {
			t.Error("it was not taken over")
		}
		// The first holder was only slow: it has nothing to give back any more.
		wantCode(t, s.ReleaseFire(t.Context(), job, monday, "dead", s.clock.now()), "")
		if s.claimFire(t, monday, "third") {
			t.Error("the slow holder gave away what the heir holds")
		}
	})
}

func TestAReleasedDueTimeIsClaimedAgainFromThenOn(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.claimFire(t, monday, "a")
		wantCode(t, s.ReleaseFire(t.Context(), job, monday, "a", monday.Add(time.Second)), "")
		if s.claimFire(t, monday, "b") {
			t.Error("it was claimed before the retry is due")
		}
		s.clock.pass(time.Second)
		if !s.claimFire(t, monday, "b") {
			t.Error("it cannot be claimed")
		}
		wantCode(t, s.FinishFire(t.Context(), job, monday), "")
		wantCode(t, s.ReleaseFire(t.Context(), job, monday, "b", monday), "")
		if s.claimFire(t, monday, "c") {
			t.Error("what is done was given back")
		}
	})
}

func TestOneOfManyClaimersGetsTheDueTime(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		handles := []*Store{s.Store, handle(t, s.address, s.clock)}
		for n := range 10 {
			due := monday.Add(time.Duration(n) * time.Hour)
			var claims atomic.Int32
			var wg sync.WaitGroup
			for _, token := range []string{"a", "b", "c", "d", "e", "f"} {
				wg.Go(func() {
					claimed, err := handles[int(token[0])%2].ClaimFire(t.Context(), job, due, token, time.Minute)
					if err != nil {
						t.Error(err)
					}
					if claimed {
						claims.Add(1)
					}
				})
			}
			if wg.Wait(); claims.Load() != 1 {
				t.Errorf("%d claimed the due time, want 1", claims.Load())
			}
		}
	})
}

func TestAClaimIsExtendedWhileItsHolderLives(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.claimFire(t, monday, "a")
		for range 3 {
			s.clock.pass(50 * time.Second)
			if held, err := s.ExtendFire(t.Context(), job, monday, "a", time.Minute); err != nil || !held {
				t.Fatalf("held %v, %v", held, err)
			}
		}
		if s.claimFire(t, monday, "heir") {
			t.Error("it was taken from a holder that lives")
		}
		s.clock.pass(time.Minute)
		if !s.claimFire(t, monday, "heir") {
			t.Error("it was not taken over")
		}
		if held, err := s.ExtendFire(t.Context(), job, monday, "a", time.Minute); err != nil || held {
			t.Errorf("who lost it holds it still: %v, %v", held, err)
		}
	})
}

// A process may sleep between looking what is due and claiming it, for longer
// than others need to do that and the next.
func TestADueTimeBeforeTheLastIsNotClaimed(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		for _, due := range []time.Time{monday, monday.Add(time.Hour)} {
			if !s.claimFire(t, due, "a") {
				t.Fatal("it cannot be claimed")
			}
			wantCode(t, s.FinishFire(t.Context(), job, due), "")
		}
		if s.claimFire(t, monday, "late") {
			t.Error("a due time was fired again after a later one")
		}
	})
}
