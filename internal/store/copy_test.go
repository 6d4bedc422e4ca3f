package store

import (
	"context"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"jianxun/internal/news"
)

func TestACopyIsTheSame(t *testing.T) {
	same := func(t *testing.T, from fixture, to engine) {
		from.furnish(t)
		want := from.dump(t)
		for _, tb := range copied() {
			if len(want[tb.name]) == 0 {
				t.Errorf("the table %s is empty: nothing is tested with it", tb.name)
			}
		}
		address := to.fresh(t)
		there := from.copyTo(t, address, false)
		target := fixture{handle(t, address, from.clock), from.clock, address}
		wantSame(t, target.dump(t), want)
		wantSame(t, from.dump(t), want)
		for _, query := range []string{"检察机关", "改过", "𠮷野家"} {
			if got, want := target.search(t, query), from.search(t, query); !slices.Equal(got, want) || len(got) == 0 {
				t.Errorf("%s finds %q, want %q", query, got, want)
			}
		}
		if held, err := target.Held(t.Context()); err != nil || held.IsZero() {
			t.Errorf("the copy of a store that is held is not held: %v, %v", held, err)
		}

		last := engines[0]
		if to.name == last.name {
			last = engines[1]
		}
		address = last.fresh(t)
		back := target.copyTo(t, address, false)
		wantSame(t, fixture{handle(t, address, from.clock), from.clock, address}.dump(t), want)
		if !reflect.DeepEqual(there, back) {
			t.Errorf("the checksums are\n%v, and of the other engine\n%v", there, back)
		}
	}
	conformPairs(t, same)
	for _, e := range engines {
		conformPair(t, e, e, same)
	}
}

func TestACopyGoesOnWhereItWasInterrupted(t *testing.T) {
	const n = 3*unitRows + 100
	conformPairs(t, func(t *testing.T, from fixture, to engine) {
		from.saveAll(t, pages(20))
		from.many(t, n)
		address := to.fresh(t)
		seed := uint64(time.Now().UnixNano())
		t.Logf("seed %d", seed)
		r := rand.New(rand.NewPCG(seed, 0))
		runs, written := 0, int64(0)
		for ; ; runs++ {
			ctx, cancel := context.WithCancel(t.Context())
			left, here, begun := 1+r.IntN(50), int64(0), int64(-1)
			if runs == 6 {
				left = math.MaxInt // now to the end
			}
			_, err := Copy(ctx, from.address, address, false, from.clock.now, func(p CopyProgress) {
				if p.Step == Copying && p.Table == "fires" {
					if begun < 0 {
						begun = p.Done
					}
					here = p.Done - begun
				}
				if left--; left == 0 || runs < 2 && here > 0 { // the first runs end within the table, if not before
					cancel()
				}
			})
			cancel()
			written += here
			if err == nil {
				break
			}
			if wantCode(t, err, news.Unavailable); runs > 6 {
				t.FailNow()
			}
			_, err = Open(t.Context(), address, from.clock.now)
			if wantCode(t, err, news.Conflict); err != nil && !strings.Contains(err.Error(), "store copy") {
				t.Errorf("it is not said how to finish: %v", err)
			}
		}
		if runs == 0 {
			t.Error("nothing was interrupted")
		}
		if written != n {
			t.Errorf("%d rows were written in %d runs, want each of %d once", written, runs+1, n)
		}
		wantSame(t, fixture{handle(t, address, from.clock), from.clock, address}.dump(t), from.dump(t))
	})
}

func TestACopyRefusesAStoreThatHoldsSomethingUnlessForced(t *testing.T) {
	conformPairs(t, func(t *testing.T, from fixture, to engine) {
		from.saveAll(t, pages(3))
		secret(t, from.Store, "subscriber-token")
		for what, fill := range map[string]func(s fixture){
			"secrets":  func(s fixture) { secret(t, s.Store, "token") },
			"articles": func(s fixture) { s.saveAll(t, []news.Article{told(99, "旧文独有。")}) },
			"fires":    func(s fixture) { s.claimFire(t, monday, "old") },
		} {
			target := open(t, to)
			fill(target)
			before := target.dump(t)
			_, err := Copy(t.Context(), from.address, target.address, false, from.clock.now, unwatched)
			if wantCode(t, err, news.Conflict); err != nil && !strings.Contains(err.Error(), what) && what != "articles" {
				t.Errorf("it is not said that %s holds something: %v", what, err)
			}
			wantSame(t, handleOf(t, target).dump(t), before)

			from.copyTo(t, target.address, true)
			again := handleOf(t, target)
			wantSame(t, again.dump(t), from.dump(t))
			if found := again.search(t, "独有"); len(found) > 0 {
				t.Errorf("what was there before is still found: %q", found)
			}
		}
	})
}

// handleOf opens the store once more, as another process would.
func handleOf(t testing.TB, s fixture) fixture {
	t.Helper()
	return fixture{handle(t, s.address, s.clock), s.clock, s.address}
}

// interrupted begins to fill the target and stops.
func (s fixture) interrupted(t testing.TB, to string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := Copy(ctx, s.address, to, false, s.clock.now, func(p CopyProgress) {
		if p.Table == "fetches" {
			cancel()
		}
	})
	wantCode(t, err, news.Unavailable)
}

func TestAHalfFilledStoreIsFinishedFromWhereItWasBegun(t *testing.T) {
	conform(t, func(t *testing.T, from fixture) {
		from.saveAll(t, pages(3))
		other := open(t, engines[0])
		other.saveAll(t, pages(5))
		for _, e := range engines {
			to := e.fresh(t)
			from.interrupted(t, to)
			_, err := Copy(t.Context(), other.address, to, false, from.clock.now, unwatched)
			if wantCode(t, err, news.Conflict); err != nil && !strings.Contains(err.Error(), lasting(from.address)) {
				t.Errorf("it is not said from where it is filled: %v", err)
			}
			_, err = Copy(t.Context(), to, e.fresh(t), false, from.clock.now, unwatched) // half a source
			wantCode(t, err, news.Conflict)
			other.copyTo(t, to, true)
			wantSame(t, fixture{handle(t, to, from.clock), from.clock, to}.dump(t), other.dump(t))
		}
	})
}

func TestACopyTellsThatTheSourceHasChanged(t *testing.T) {
	conformPairs(t, func(t *testing.T, from fixture, to engine) {
		from.saveAll(t, pages(3))
		address := to.fresh(t)
		n := 10
		change := func(p CopyProgress) {
			if n++; p.Step == Copying && p.Table == "fetches" {
				from.saveAll(t, []news.Article{page(n)})
			}
		}
		_, err := Copy(t.Context(), from.address, address, false, from.clock.now, change)
		if wantCode(t, err, news.Conflict); err != nil && !strings.Contains(err.Error(), "has been changed since") {
			t.Errorf("error %v", err)
		}
		_, err = Open(t.Context(), address, from.clock.now)
		wantCode(t, err, news.Conflict)
		from.copyTo(t, address, true)
		wantSame(t, fixture{handle(t, address, from.clock), from.clock, address}.dump(t), from.dump(t))
	})
}

func TestACopyThatDiffersIsNotLeftAsAStore(t *testing.T) {
	conformPairs(t, func(t *testing.T, from fixture, to engine) {
		from.saveAll(t, pages(3))
		target := open(t, to)
		done := false
		_, err := Copy(t.Context(), from.address, target.address, false, from.clock.now, func(p CopyProgress) {
			if p.Step == Comparing || p.Table != "hub_subscriptions" || done {
				return
			}
			done = true
			target.exec(t, `UPDATE articles SET title = title || ' ' WHERE id = $1`, news.ArticleID(page(1).URL))
		})
		if wantCode(t, err, news.Internal); err != nil && !strings.Contains(err.Error(), "table articles") {
			t.Errorf("error %v", err)
		}
		_, err = Open(t.Context(), target.address, from.clock.now)
		wantCode(t, err, news.Conflict)
	})
}

func TestNobodyServesAStoreThatIsCopied(t *testing.T) {
	conformPairs(t, func(t *testing.T, from fixture, to engine) {
		from.saveAll(t, pages(3))
		target := open(t, to)
		for _, served := range []fixture{from, target} {
			stop := serving(t, served)
			_, err := Copy(t.Context(), from.address, target.address, false, from.clock.now, unwatched)
			wantCode(t, err, news.Conflict)
			stop()
		}
		asked := false
		_, err := Copy(t.Context(), from.address, target.address, false, from.clock.now, func(CopyProgress) {
			if asked {
				return
			}
			asked = true
			for _, s := range []fixture{from, target} {
				_, err := s.Serve(t.Context())
				wantCode(t, err, news.Conflict)
			}
		})
		wantCode(t, err, "")
		serving(t, from)()
		serving(t, handleOf(t, target))()
	})
}
