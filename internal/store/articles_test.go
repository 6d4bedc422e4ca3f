package store

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"testing"
	"time"

	"jianxun/internal/news"
)

func TestSavingTellsNewChangedAndSame(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		changed := page(2)
		changed.Title = "更正后的标题"
		for _, step := range []struct {
			batch []news.Article
			want  []news.SaveResult
			head  int64
		}{
			{[]news.Article{page(1), page(2)}, []news.SaveResult{news.SavedNew, news.SavedNew}, 2},
			{[]news.Article{page(1), changed, page(3)}, []news.SaveResult{news.SavedSame, news.SavedChanged, news.SavedNew}, 4},
			{[]news.Article{page(1), changed, page(3)}, []news.SaveResult{news.SavedSame, news.SavedSame, news.SavedSame}, 4},
			{[]news.Article{page(4), page(4)}, []news.SaveResult{news.SavedNew, news.SavedSame}, 5},
			{nil, []news.SaveResult{}, 5},
		} {
			if got := s.saveAll(t, step.batch); !slices.Equal(got, step.want) {
				t.Errorf("saved %v, want %v", got, step.want)
			}
			if head, err := s.Head(t.Context()); err != nil || head != step.head {
				t.Errorf("head %d, %v; want %d", head, err, step.head)
			}
		}
	})
}

func TestAnArticleReadsAsItWasSaved(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		a := page(1)
		a.Content = news.Content{Column: "未成年人检察", Title: "标题 <&>", Author: "张三", Origin: "检察日报", Summary: "摘要", Body: "<p>正文</p>\n",
			Text: "正文", Images: []news.Image{{URL: "https://www.example.org/p.jpg", Alt: "图", Type: "image/jpeg", Length: 7}}, Keywords: []string{"公益诉讼"}}
		got := s.save(t, a)
		if !reflect.DeepEqual(got.Content, a.Content) {
			t.Errorf("content %+v, want %+v", got.Content, a.Content)
		}
		if got.ID != news.ArticleID(a.URL) || got.Identity != a.URL || got.Source != "pages" || got.State != news.Live || got.Revision != 1 || got.DateOnly {
			t.Errorf("article %+v", got)
		}
		for name, at := range map[string]time.Time{"published": got.Published, "placed": got.Placed, "updated": got.Updated} {
			if !at.Equal(a.Published) {
				t.Errorf("%s is %v, want %v", name, at, a.Published)
			}
		}
		if !got.FirstSeen.Equal(monday) || !got.Changed.Equal(monday) {
			t.Errorf("first seen %v, changed %v; want %v", got.FirstSeen, got.Changed, monday)
		}
	})
}

func TestIdentityAndDatesNeverMove(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		was := s.save(t, page(1))
		s.clock.pass(time.Hour)
		edited := page(1)
		edited.Title, edited.Source, edited.Published, edited.DateOnly = "又一个标题", "upstream", monday.Add(-24*time.Hour), true
		is := s.save(t, edited)
		if is.Title != "又一个标题" || is.Revision != 2 || is.Seq <= was.Seq {
			t.Errorf("the edit is not there: %+v", is)
		}
		if is.ID != was.ID || is.Source != was.Source || is.DateOnly != was.DateOnly ||
			!is.Published.Equal(was.Published) || !is.Placed.Equal(was.Placed) || !is.FirstSeen.Equal(was.FirstSeen) {
			t.Errorf("what must stay has moved:\n%+v\n%+v", was, is)
		}
	})
}

func TestUpdatedMovesOnlyWithTheContent(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		was := s.save(t, page(1))
		s.clock.pass(time.Hour)
		if same := s.save(t, page(1)); !reflect.DeepEqual(same, was) {
			t.Errorf("saving the same again changed %+v to %+v", was, same)
		}
		edited := page(1)
		edited.Body = "<p>更正</p>\n"
		if is := s.save(t, edited); !is.Updated.Equal(s.clock.now()) || !is.Changed.Equal(s.clock.now()) {
			t.Errorf("updated %v and changed %v, want %v", is.Updated, is.Changed, s.clock.now())
		}
	})
}

// Readers that see a time go back, or stand still, keep the version they have.
func TestUpdatedAlwaysGrows(t *testing.T) {
	for name, now := range map[string]time.Time{
		"clock set back":         monday.Add(-48 * time.Hour),
		"clock stands still":     monday,
		"revised before its day": monday.Add(time.Minute),
	} {
		t.Run(name, func(t *testing.T) {
			conform(t, func(t *testing.T, s fixture) {
				was := s.save(t, dated(1, today.AddDate(0, 0, 3)))
				s.clock.set(now)
				for _, title := range []string{"一", "二", "三"} {
					edited := dated(1, today.AddDate(0, 0, 3))
					edited.Title = title
					is := s.save(t, edited)
					if !is.Updated.After(was.Updated) {
						t.Errorf("updated went from %v to %v", was.Updated, is.Updated)
					}
					was = is
				}
			})
		})
	}
}

func TestRevisionsAreKept(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		a := page(1)
		want := []string{"初稿", "二稿", "初稿"}
		for _, title := range want {
			a.Title = title
			s.save(t, a)
			s.save(t, a)
		}
		rows, err := s.read.QueryContext(t.Context(), `SELECT content FROM article_revisions WHERE article_id = $1 ORDER BY revision`, news.ArticleID(a.URL))
		got, err := collect(rows, err, func(row scanner) (string, error) {
			var text string
			var c news.Content
			err := row.Scan(&text)
			if err == nil {
				err = json.Unmarshal([]byte(text), &c)
			}
			return c.Title, err
		})
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("revisions %v, %v; want %v", got, err, want)
		}
	})
}

func TestPagesOfOneDayFollowEachOtherAsTheyCame(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		// The page with a time of day stands where the second of the day would.
		timed := page(9)
		timed.Published = today.Add(time.Second)
		s.saveAll(t, []news.Article{timed, dated(3, today), dated(1, today), dated(2, today)})
		s.clock.pass(time.Hour)
		s.saveAll(t, []news.Article{dated(4, today), dated(1, today)})

		var order []string
		before := s.newest(t, news.Filter{}, 10)
		for _, a := range slices.Backward(before) {
			if a.DateOnly {
				order = append(order, a.Title)
			}
		}
		if want := titles([]news.Article{page(3), page(1), page(2), page(4)}); !slices.Equal(order, want) {
			t.Errorf("the day reads %v, want %v", order, want)
		}
		distinctTimes(t, before)
		s.saveAll(t, []news.Article{dated(2, today), dated(3, today), timed, dated(4, today)})
		if after := s.newest(t, news.Filter{}, 10); !reflect.DeepEqual(after, before) {
			t.Error("saving the same again has moved articles")
		}
	})
}

func TestArticlesOfOneMomentStayApart(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		batch := pages(20)
		for i := range batch {
			batch[i].Published = monday.Add(-time.Hour)
		}
		s.saveAll(t, batch)
		list := s.newest(t, news.Filter{}, 50)
		if len(list) != len(batch) {
			t.Fatalf("%d articles, want %d", len(list), len(batch))
		}
		distinctTimes(t, list)
		for _, a := range list {
			if !a.Published.Equal(monday.Add(-time.Hour)) {
				t.Errorf("published is %v", a.Published)
			}
		}
	})
}

// distinctTimes expects that no two articles share placed or updated.
func distinctTimes(t *testing.T, list []news.Article) {
	t.Helper()
	placed, updated := map[time.Time]bool{}, map[time.Time]bool{}
	for _, a := range list {
		if placed[a.Placed] || updated[a.Updated] {
			t.Errorf("%s shares placed %v or updated %v with another", a.Title, a.Placed, a.Updated)
		}
		placed[a.Placed], updated[a.Updated] = true, true
	}
}

func TestABatchIsSavedWholeOrNotAtAll(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.save(t, page(1))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.SaveArticles(ctx, pages(10)); err == nil {
			t.Error("a cancelled batch was saved")
		}
		if n, err := s.CountArticles(t.Context()); err != nil || n != 1 {
			t.Errorf("%d articles, %v; want 1", n, err)
		}
	})
}

func TestAnArticleIsFoundByTheBeginningOfItsID(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		// Both ids begin with 4c3b74ec-.
		twin, other := page(45748), page(5668)
		a := s.save(t, page(1))
		s.saveAll(t, []news.Article{twin, other})
		for _, c := range []struct {
			id, want string
			code     news.ErrorCode
		}{
			{a.ID, a.ID, ""},
			{a.ID[:8], a.ID, ""},
			{a.ID[:20], a.ID, ""},
			{a.ID[:7], "", news.NotFound},
			{"", "", news.NotFound},
			{"%%%%%%%%", "", news.NotFound},
			{a.ID + "0", "", news.NotFound},
			{"4c3b74ec", "", news.Invalid},
			{"4c3b74ec-", "", news.Invalid},
			{"4c3b74ec-0", news.ArticleID(twin.URL), ""},
			{"4c3b74ec-7", news.ArticleID(other.URL), ""},
		} {
			got, err := s.Article(t.Context(), c.id)
			if wantCode(t, err, c.code); got.ID != c.want {
				t.Errorf("%q finds %q, want %q", c.id, got.ID, c.want)
			}
		}
	})
}
