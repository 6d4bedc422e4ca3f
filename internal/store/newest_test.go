package store

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"jianxun/internal/news"
)

func TestNewestTakesWhatTheFilterSays(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		for i, a := range []struct{ title, column, source, text string }{
			{"一", "要闻", "省院", "公益诉讼"},
			{"二", "要闻", "市院", "未成年人保护"},
			{"三", "队伍", "省院", "Party building"},
			{"四", "队伍", "市院", "公益诉讼"},
			{"五", "通知", "区院", "招录"},
		} {
			n := page(i)
			n.Title, n.Column, n.Source, n.Text = a.title, a.column, a.source, a.text
			s.save(t, n)
		}
		for _, c := range []struct {
			name   string
			filter news.Filter
			limit  int
			want   []string
		}{
			{"everything", news.Filter{}, 50, []string{"一", "二", "三", "四", "五"}},
			{"limit", news.Filter{}, 2, []string{"一", "二"}},
			{"limit over two columns", news.Filter{Columns: []string{"队伍", "要闻"}}, 3, []string{"一", "二", "三"}},
			{"column", news.Filter{Columns: []string{"队伍"}}, 50, []string{"三", "四"}},
			{"columns", news.Filter{Columns: []string{"通知", "要闻"}}, 50, []string{"一", "二", "五"}},
			{"column named twice", news.Filter{Columns: []string{"通知", "通知"}}, 50, []string{"五"}},
			{"source", news.Filter{Sources: []string{"市院"}}, 50, []string{"二", "四"}},
			{"columns and sources", news.Filter{Columns: []string{"要闻", "队伍"}, Sources: []string{"市院", "区院"}}, 50, []string{"二", "四"}},
			{"keyword in the text", news.Filter{Keywords: []string{"公益诉讼"}}, 50, []string{"一", "四"}},
			{"keyword in the title", news.Filter{Keywords: []string{"五"}}, 50, []string{"五"}},
			{"keyword in other letter case", news.Filter{Keywords: []string{"PARTY"}}, 50, []string{"三"}},
			{"keywords, column, limit", news.Filter{Columns: []string{"要闻", "队伍"}, Keywords: []string{"公益", "保护"}}, 2, []string{"一", "二"}},
			{"nothing", news.Filter{Columns: []string{"没有"}}, 50, []string{}},
		} {
			if got := titles(s.newest(t, c.filter, c.limit)); !slices.Equal(got, c.want) {
				t.Errorf("%s: %v, want %v", c.name, got, c.want)
			}
		}
	})
}

func TestAKeywordIsFoundFarBack(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		batch := pages(602)
		batch[601].Text = "很早的公益诉讼"
		s.saveAll(t, batch)
		if got := titles(s.newest(t, news.Filter{Keywords: []string{"公益诉讼"}}, 50)); !slices.Equal(got, []string{batch[601].Title}) {
			t.Errorf("found %v", got)
		}
	})
}

func TestNewestLeavesOutTheWithdrawn(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.saveAll(t, pages(3))
		s.withdraw(t, news.ArticleID(page(1).URL))
		if got, want := titles(s.newest(t, news.Filter{}, 50)), titles([]news.Article{page(0), page(2)}); !slices.Equal(got, want) {
			t.Errorf("newest %v, want %v", got, want)
		}
		if list, err := s.List(t.Context(), 50); err != nil || len(list) != 3 {
			t.Errorf("those who look after articles see %d, %v; want 3", len(list), err)
		}
	})
}

func TestAFutureArticleWaitsForItsTime(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		later := page(1)
		later.Published = monday.Add(time.Hour)
		s.saveAll(t, []news.Article{page(2), later})
		for _, c := range []struct {
			now  time.Time
			want int
		}{{monday, 1}, {later.Published.Add(-time.Millisecond), 1}, {later.Published, 2}} {
			s.clock.set(c.now)
			if got := s.newest(t, news.Filter{}, 50); len(got) != c.want {
				t.Errorf("at %v there are %v, want %d", c.now, titles(got), c.want)
			}
		}
	})
}

func TestChangesAreToldOnce(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.saveAll(t, pages(5))
		head := changes(t, s, 0, monday, 100, "第0篇稿件", "第1篇稿件", "第2篇稿件", "第3篇稿件", "第4篇稿件")
		changes(t, s, head, monday, 100)
		changes(t, s, 1, monday, 2, "第1篇稿件", "第2篇稿件")
		edited := page(1)
		edited.Title = "更正"
		s.saveAll(t, []news.Article{page(0), edited, page(5)})
		head = changes(t, s, head, monday, 100, "更正", "第5篇稿件")
		changes(t, s, head, monday, 100)
	})
}

// changes expects the changes since head, with no time passing, and gives the head.
func changes(t *testing.T, s fixture, head int64, now time.Time, limit int, want ...string) int64 {
	t.Helper()
	list, err := s.ChangedSince(t.Context(), head, now, now, limit)
	if got := titles(list); err != nil || !slices.Equal(got, append([]string{}, want...)) {
		t.Errorf("changed since %d: %v, %v; want %v", head, got, err, want)
	}
	head, err = s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return head
}

func TestArticlesWhoseDayCameAreChanges(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		tomorrow := today.AddDate(0, 0, 1)
		s.saveAll(t, []news.Article{dated(1, tomorrow), page(2)})
		head, err := s.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			then, now time.Time
			want      int
		}{
			{monday, tomorrow.Add(-time.Millisecond), 0},
			{monday, tomorrow, 1},
			{tomorrow.Add(-time.Millisecond), tomorrow.Add(time.Hour), 1},
			{tomorrow, tomorrow.Add(time.Hour), 0},
		} {
			list, err := s.ChangedSince(t.Context(), head, c.then, c.now, 10)
			if err != nil || len(list) != c.want {
				t.Errorf("from %v to %v: %v, %v; want %d", c.then, c.now, titles(list), err, c.want)
			}
		}
	})
}

// Whoever polls for changes must hear of every article that enters the newest,
// also of a day with many pages, which follow each other by a second.
func TestNothingEntersTheNewestUnheard(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		tomorrow := today.AddDate(0, 0, 1)
		s.clock.set(tomorrow.Add(-3 * time.Second))
		for n := range 5 {
			s.save(t, dated(n, tomorrow))
		}
		head, err := s.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		then, seen := s.clock.now(), map[string]bool{}
		for range 30 {
			s.clock.pass(400 * time.Millisecond)
			changed, err := s.ChangedSince(t.Context(), head, then, s.clock.now(), 100)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range s.newest(t, news.Filter{}, 50) {
				if heard := slices.Contains(titles(changed), a.Title); !seen[a.Title] && !heard {
					t.Errorf("at %v %s is among the newest unheard", s.clock.now(), a.Title)
				}
				seen[a.Title] = true
			}
			then = s.clock.now()
		}
		if len(seen) != 5 {
			t.Errorf("%d of 5 articles of the day came", len(seen))
		}
	})
}

func TestColumnsAreThoseOfLiveArticles(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		if got, err := s.Columns(t.Context()); err != nil || len(got) != 0 {
			t.Errorf("an empty store has columns %v, %v", got, err)
		}
		for i, column := range []string{"c", "a", "c", "", "b", "a"} {
			a := page(i)
			a.Column = column
			s.save(t, a)
		}
		s.withdraw(t, news.ArticleID(page(4).URL))
		s.withdraw(t, news.ArticleID(page(5).URL))
		if got, err := s.Columns(t.Context()); err != nil || fmt.Sprint(got) != "[a c]" {
			t.Errorf("columns %v, %v; want [a c]", got, err)
		}
	})
}
