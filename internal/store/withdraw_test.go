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

func TestWithdrawalsAreListedByFilterTheNewestFirst(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.saveAll(t, pages(4))
		for _, n := range []int{2, 0, 3} {
			s.clock.pass(time.Minute)
			s.withdraw(t, news.ArticleID(page(n).URL))
		}
		for _, c := range []struct {
			filter news.Filter
			limit  int
			want   []string
		}{
			{news.Filter{}, 9, named(3, 0, 2)},
			{news.Filter{}, 2, named(3, 0)},
			{news.Filter{Keywords: []string{"第0篇"}}, 9, named(0)},
			{news.Filter{Columns: []string{"别的"}}, 9, named()},
		} {
			list, err := s.Withdrawals(t.Context(), c.filter, s.clock.now(), c.limit)
			if got := titles(list); err != nil || !slices.Equal(got, c.want) {
				t.Errorf("%+v: %q, %v; want %q", c.filter, got, err, c.want)
			}
		}
	})
}
