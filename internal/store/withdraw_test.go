package store

import (
	"slices"
	"testing"
	"time"

	"jianxun/internal/news"
)

func TestWithdrawingAndRestoring(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		before := s.save(t, page(1))
		s.save(t, page(2))
		s.clock.pass(time.Hour)
		s.withdraw(t, before.ID)
		gone := s.get(t, before.ID)
		if gone.State != news.Withdrawn || !gone.Withdrawn.Equal(s.clock.now()) || gone.Seq <= before.Seq || !gone.Updated.Equal(before.Updated) {
			t.Errorf("withdrawn: %+v", gone)
		}
		if got := titles(s.newest(t, news.Filter{}, 9)); !slices.Equal(got, named(2)) {
			t.Errorf("the newest are %q", got)
		}
		s.clock.pass(time.Hour)
		s.restore(t, before.ID)
		back := s.get(t, before.ID)
		if back.State != news.Live || !back.Withdrawn.IsZero() || back.Revision != before.Revision || !back.Placed.Equal(before.Placed) || !back.Published.Equal(before.Published) {
			t.Errorf("restored: %+v", back)
		}
		if !back.Updated.After(gone.Withdrawn) {
			t.Errorf("updated %v is not after the withdrawal %v: a reader that was told would not take it back", back.Updated, gone.Withdrawn)
		}
		if got := titles(s.newest(t, news.Filter{}, 9)); !slices.Equal(got, named(1, 2)) {
			t.Errorf("the newest are %q", got)
		}
	})
}

func TestAWithdrawalIsRefusedWhereItMakesNoSense(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		a := s.save(t, page(1))
		wantCode(t, s.Withdraw(t.Context(), "no-such-id"), news.NotFound)
		wantCode(t, s.Restore(t.Context(), a.ID), news.Conflict)
		s.withdraw(t, a.ID)
		wantCode(t, s.Withdraw(t.Context(), a.ID), news.Conflict)
		s.save(t, page(1)) // read again: it stays withdrawn
		if got := s.get(t, a.ID).State; got != news.Withdrawn {
			t.Errorf("it is %s after it was read again", got)
		}
	})
}

// told are the titles of what the feed's collection tells of as withdrawn.
func (s fixture) told(t testing.TB, f news.Feed, limit int) []string {
	t.Helper()
	c, err := s.Collect(t.Context(), []news.Feed{f}, s.clock.now())
	if err != nil {
		t.Fatal(err)
	}
	list, err := s.Withdrawals(t.Context(), c[0].ID, limit)
	if err != nil {
		t.Fatal(err)
	}
	return titles(list)
}

func TestACollectionTellsOfTheWithdrawalsOfWhatItHasShown(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		other := news.Feed{Slug: "notices", Items: 9, Filter: news.Filter{Columns: []string{"通知公告"}}}
		moved := func(n int) news.Article {
			a := page(n)
			a.Column = "通知公告"
			return a
		}
		want := func(f news.Feed, limit int, want []string) {
			t.Helper()
			if got := s.told(t, f, limit); !slices.Equal(got, want) {
				t.Errorf("%s tells of %q, want %q", f.Slug, got, want)
			}
		}
		s.saveAll(t, pages(6)) // 3, 4 and 5 are archived
		want(everything(), 9, named())
		want(other, 9, named())
		for _, n := range []int{2, 0, 5} {
			s.clock.pass(time.Minute)
			s.withdraw(t, news.ArticleID(page(n).URL))
		}
		want(everything(), 9, named(5, 0, 2))
		want(everything(), 2, named(5, 0))
		want(other, 9, named())
		s.restore(t, news.ArticleID(page(0).URL))
		want(everything(), 9, named(5, 2))

		s.save(t, moved(1)) // the other one shows it from now on
		want(other, 9, named())
		s.save(t, page(1)) // and no longer
		s.told(t, other, 9)
		s.withdraw(t, news.ArticleID(page(1).URL))
		want(other, 9, named(1)) // but it has
		s.save(t, moved(2))      // edited while it is withdrawn: who was shown it does not change
		want(everything(), 9, named(1, 5, 2))
		want(other, 9, named(1))
	})
}

func TestTimesOfWithdrawalsGrowWhateverTheClockSays(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		a := s.save(t, page(1))
		s.clock.pass(time.Hour)
		changed := page(1)
		changed.Text = "改过。"
		edited := s.save(t, changed)
		s.clock.pass(-2 * time.Hour)
		s.withdraw(t, a.ID)
		gone := s.get(t, a.ID)
		s.clock.pass(-2 * time.Hour)
		s.restore(t, a.ID)
		if back := s.get(t, a.ID); !gone.Withdrawn.After(edited.Updated) || !back.Updated.After(gone.Withdrawn) {
			t.Errorf("edited %v, withdrawn %v, restored %v", edited.Updated, gone.Withdrawn, back.Updated)
		}
	})
}
