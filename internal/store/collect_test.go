package store

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"jianxun/internal/news"
)

// everything is a feed of all articles with three in its subscription document.
func everything() news.Feed { return news.Feed{Slug: "all", Items: 3} }

// collected brings the feed's collection up to date and gives the titles of its
// subscription document and of its archive, the first archived first.
func (s fixture) collected(t testing.TB, f news.Feed) (current, archived []string) {
	t.Helper()
	var c news.Collection
	for c.Behind = true; c.Behind; {
		list, err := s.Collect(t.Context(), []news.Feed{f}, s.clock.now())
		if err != nil {
			t.Fatal(err)
		}
		c = list[0]
	}
	now, c, err := s.Current(t.Context(), f, c, s.clock.now())
	if err != nil {
		t.Fatal(err)
	}
	old, err := s.Archived(t.Context(), c.ID, 1, c.Archived)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(old)
	return titles(now), titles(old)
}

func (s fixture) wantCollected(t testing.TB, f news.Feed, current, archived []string) {
	t.Helper()
	c, a := s.collected(t, f)
	if !slices.Equal(c, current) || !slices.Equal(a, archived) {
		t.Errorf("current %q, archived %q; want %q and %q", c, a, current, archived)
	}
}

func title(n int) string { return page(n).Title }

func named(numbers ...int) []string {
	all := []string{}
	for _, n := range numbers {
		all = append(all, title(n))
	}
	return all
}

func TestTheOldestLeaveForTheArchive(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.wantCollected(t, everything(), named(), named())
		s.saveAll(t, []news.Article{page(5), page(4), page(3)})
		s.wantCollected(t, everything(), named(3, 4, 5), named())
		s.saveAll(t, []news.Article{page(2), page(1)})
		s.wantCollected(t, everything(), named(1, 2, 3), named(5, 4))
		s.save(t, page(9)) // comes late and is old: its place is in the archive, at the end
		s.wantCollected(t, everything(), named(1, 2, 3), named(5, 4, 9))
		shorter := everything()
		shorter.Items = 1
		s.wantCollected(t, shorter, named(1), named(5, 4, 9, 3, 2))
		s.wantCollected(t, everything(), named(1), named(5, 4, 9, 3, 2)) // what has left does not come back
	})
}

func TestAnArchivedArticleKeepsTheRevisionItWasArchivedIn(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.saveAll(t, []news.Article{page(3), page(2), page(1), page(0)})
		s.wantCollected(t, everything(), named(0, 1, 2), named(3))
		revised := page(3)
		revised.Title = "更正后的题"
		s.clock.pass(time.Hour)
		s.save(t, revised)
		s.wantCollected(t, everything(), named(0, 1, 2), named(3))
		s.withdraw(t, news.ArticleID(revised.URL))
		s.wantCollected(t, everything(), named(0, 1, 2), named())
		s.restore(t, news.ArticleID(revised.URL))
		s.wantCollected(t, everything(), named(0, 1, 2), []string{"更正后的题"})
	})
}

func TestAWithdrawnArticleLeavesItsCollectionAndComesBack(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.saveAll(t, []news.Article{page(4), page(3), page(2), page(1)})
		s.wantCollected(t, everything(), named(1, 2, 3), named(4))
		s.withdraw(t, news.ArticleID(page(2).URL))
		s.wantCollected(t, everything(), named(1, 3), named(4)) // 4 has left and does not come back
		s.save(t, page(0))
		s.wantCollected(t, everything(), named(0, 1, 3), named(4))
		s.restore(t, news.ArticleID(page(2).URL))
		s.wantCollected(t, everything(), named(0, 1, 2), named(4, 3))
	})
}

func TestCollectionsFollowTheirFilters(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		f := news.Feed{Slug: "notices", Items: 3, Filter: news.Filter{Columns: []string{"通知公告"}, Keywords: []string{"公告"}}}
		notice := func(n int) news.Article {
			a := page(n)
			a.Column, a.Text = "通知公告", "一则公告。"
			return a
		}
		s.saveAll(t, []news.Article{page(1), notice(2), page(3)})
		s.wantCollected(t, f, named(2), named())
		s.save(t, notice(3)) // an edit brings it in
		s.wantCollected(t, f, named(2, 3), named())
		s.save(t, page(2)) // and another out
		s.wantCollected(t, f, named(3), named())
		renamed := f
		renamed.Slug, renamed.Was = "tongzhi", []string{"notices"}
		if renamed.Name() != f.Name() {
			t.Error("a renamed feed has another collection")
		}
		wider := f
		wider.Keywords = nil
		s.wantCollected(t, wider, named(3), named()) // a collection of its own
	})
}

func TestAFutureArticleIsCollectedOnItsDay(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		coming := page(0)
		coming.Published = s.clock.now().Add(time.Hour)
		s.saveAll(t, []news.Article{coming, page(1)})
		s.wantCollected(t, everything(), named(1), named())
		s.clock.pass(2 * time.Hour)
		s.wantCollected(t, everything(), named(0, 1), named())
	})
}

func TestALargeStoreIsCollectedInSteps(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		const many = 2*collectAtOnce + 10
		s.saveAll(t, pages(many))
		f := everything()
		list, err := s.Collect(t.Context(), []news.Feed{f}, s.clock.now())
		if err != nil || !list[0].Behind {
			t.Fatalf("%+v, %v: want it behind", list, err)
		}
		current, _, err := s.Current(t.Context(), f, list[0], s.clock.now())
		if got := titles(current); err != nil || !slices.Equal(got, named(0, 1, 2)) {
			t.Errorf("meanwhile %q, %v: want the newest", got, err)
		}
		_, archived := s.collected(t, f)
		if len(archived) != many-3 || archived[0] != title(many-1) || archived[many-4] != title(3) {
			t.Errorf("%d archived, from %s to %s", len(archived), archived[0], archived[len(archived)-1])
		}
	})
}

// Much may come due at once, or once more when the clock is set back.
func TestManyDueArticlesAreCollectedToTheEnd(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		const many = collectAtOnce + 300
		coming := pages(many)
		for i := range coming {
			coming[i].Published = coming[i].Published.Add(48 * time.Hour)
		}
		s.saveAll(t, coming)
		s.wantCollected(t, everything(), named(), named())
		s.clock.pass(72 * time.Hour)
		if current, archived := s.collected(t, everything()); len(current) != 3 || len(archived) != many-3 {
			t.Errorf("%d current, %d archived of %d", len(current), len(archived), many)
		}
		s.saveAll(t, pages(2 * many)[many:]) // all at the same time, before the clock is set back
		s.clock.pass(-time.Minute)
		s.save(t, page(3*many))
		if current, archived := s.collected(t, everything()); len(current) != 3 || len(archived) != 2*many-2 {
			t.Errorf("after the clock was set back %d current, %d archived", len(current), len(archived))
		}
		s.clock.pass(time.Hour)
		if current, archived := s.collected(t, everything()); len(current) != 3 || len(archived) != 2*many-2 {
			t.Errorf("an hour later %d current, %d archived", len(current), len(archived))
		}
	})
}

func TestCollectingAgainWritesNothing(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.saveAll(t, pages(10))
		s.collected(t, everything())
		other := handle(t, s.address, s.clock)
		held, err := other.write.BeginTx(t.Context(), nil) // keeps every writer out
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = held.Rollback() }()
		if _, err := held.ExecContext(t.Context(), `UPDATE counters SET value = value`); err != nil {
			t.Fatal(err)
		}
		s.clock.pass(time.Hour)
		if list, err := s.Collect(t.Context(), []news.Feed{everything()}, s.clock.now()); err != nil || list[0].Archived != 7 || list[0].Behind {
			t.Errorf("%+v, %v", list, err)
		}
	})
}

// TestRequirement19EveryArticleIsCollectedOnce is the law of a collection under
// any history: each live article of the filter stands once, in the subscription
// document or in the archive, and what the archive holds never moves.
func TestRequirement19EveryArticleIsCollectedOnce(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		const seed = 3
		random := rand.New(rand.NewPCG(seed, seed))
		live := map[string]bool{}
		state := map[int]bool{}
		places := map[string]int64{}
		for step := range 120 {
			s.clock.pass(time.Minute)
			n := random.IntN(40)
			id := news.ArticleID(page(n).URL)
			_, known := state[n]
			switch {
			case known && state[n] && step%3 == 0:
				s.withdraw(t, id)
				state[n] = false
			case known && !state[n]:
				s.restore(t, id)
				state[n] = true
			case known:
				a := page(n)
				a.Text = fmt.Sprintf("第%d步改过。", step)
				s.save(t, a)
			default:
				s.save(t, page(n))
				state[n] = true
			}
			clear(live)
			for n, is := range state {
				if is {
					live[title(n)] = true
				}
			}
			current, archived := s.collected(t, everything())
			all := append(slices.Clone(current), archived...)
			slices.Sort(all)
			if len(slices.Compact(all)) != len(current)+len(archived) || len(all) != len(live) {
				t.Fatalf("seed %d, step %d: %q and %q for %d live articles", seed, step, current, archived, len(live))
			}
			for _, name := range archived {
				var position int64
				if err := s.read.QueryRowContext(t.Context(), `SELECT c.position FROM collection_archive c JOIN articles a ON a.placed = c.placed WHERE a.title = $1`, name).Scan(&position); err != nil {
					t.Fatal(err)
				}
				if was, ok := places[name]; ok && was != position {
					t.Fatalf("seed %d, step %d: %s moved from %d to %d", seed, step, name, was, position)
				}
				places[name] = position
			}
		}
	})
}
