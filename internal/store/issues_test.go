package store

import (
	"slices"
	"testing"
	"time"

	"jianxun/internal/news"
)

// draft is an issue of the digest over the articles, before it is saved.
func draft(digest string, year int, articles ...news.Article) news.Issue {
	is := news.Issue{Digest: digest, Title: "检察要闻周报", Year: year, WindowTo: monday, LeftOut: 3}
	for i, a := range articles {
		is.Items = append(is.Items, news.Item{ArticleID: news.ArticleID(a.URL), Title: a.Title, Column: a.Column, Lead: "导语", Score: 1 / float64(i+1)})
	}
	return is
}

func (s fixture) draft(t testing.TB, is news.Issue) news.Issue {
	t.Helper()
	saved, err := s.SaveIssue(t.Context(), is)
	if err != nil {
		t.Fatal(err)
	}
	return saved
}

func (s fixture) move(t testing.TB, id int64, steps ...news.IssueState) {
	t.Helper()
	for _, next := range steps {
		if err := s.MoveIssue(t.Context(), id, next); err != nil {
			t.Fatal(err)
		}
	}
}

func (s fixture) issue(t testing.TB, id int64) news.Issue {
	t.Helper()
	is, err := s.IssueByID(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return is
}

func itemTitles(is news.Issue) []string {
	all := []string{}
	for _, it := range is.Items {
		all = append(all, it.Title)
	}
	return all
}

func TestIssuesAreNumberedWithinTheYearAndInAll(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		for _, c := range []struct {
			digest              string
			year, number, total int
		}{
			{"weekly", 2026, 1, 1}, {"weekly", 2026, 2, 2}, {"daily", 2026, 1, 1}, {"weekly", 2027, 1, 3}, {"weekly", 2027, 2, 4}, {"daily", 2027, 1, 2},
		} {
			is := s.draft(t, draft(c.digest, c.year))
			if is.Number != c.number || is.Total != c.total || is.State != news.Draft {
				t.Errorf("%s of %d is no. %d, total %d, %s; want %d, %d", c.digest, c.year, is.Number, is.Total, is.State, c.number, c.total)
			}
			s.move(t, is.ID, news.Approved, news.Sending, news.Sent)
		}
	})
}

func TestAnIssueReadsAsItWasSaved(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		own := news.Article{Source: "pages", Published: today, DateOnly: true, Content: news.Content{Column: "通知", Title: "无网址", Origin: "检察日报"}}
		s.saveAll(t, []news.Article{page(1), own})
		is := draft("weekly", 2026, page(1))
		is.WindowFrom = monday.Add(-7 * 24 * time.Hour)
		is.Items = append(is.Items, news.Item{ArticleID: news.ArticleID(news.IdentityOf(own)), Title: "题", Column: "栏", Lead: "导", Score: 0.25})
		got := s.issue(t, s.draft(t, is).ID)
		if got.Digest != "weekly" || got.Title != is.Title || !got.WindowFrom.Equal(is.WindowFrom) || !got.WindowTo.Equal(monday) || got.LeftOut != 3 || got.Count != 2 {
			t.Errorf("issue %+v", got)
		}
		if a := got.Items[0]; a.URL != page(1).URL || a.Title != page(1).Title || !a.Published.Equal(page(1).Published) || a.DateOnly || a.State != news.Live {
			t.Errorf("first item %+v", a)
		}
		if a := got.Items[1]; a.URL != "" || a.Title != "题" || a.Column != "栏" || a.Lead != "导" || a.Score != 0.25 || a.Origin != "检察日报" || !a.DateOnly {
			t.Errorf("second item %+v", a)
		}
	})
}

func TestAnIssueIsFoundByItsNumber(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		var saved []news.Issue
		for _, year := range []int{2026, 2026, 2027} {
			is := s.draft(t, draft("weekly", year))
			s.move(t, is.ID, news.Approved, news.Sending, news.Sent)
			saved = append(saved, is)
		}
		for _, c := range []struct {
			digest       string
			year, number int
			want         int // of saved, -1 for none
		}{
			{"weekly", 2026, 1, 0}, {"weekly", 2026, 2, 1}, {"weekly", 2027, 1, 2},
			{"weekly", 0, 1, 2}, {"weekly", 0, 2, 1}, {"weekly", 0, 0, 2}, {"weekly", 2026, 0, 1},
			{"weekly", 2027, 2, -1}, {"daily", 0, 0, -1},
		} {
			is, err := s.Issue(t.Context(), c.digest, c.year, c.number)
			if c.want < 0 {
				wantCode(t, err, news.NotFound)
			} else if err != nil || is.ID != saved[c.want].ID {
				t.Errorf("%s %d-%d is issue %d, %v; want %d", c.digest, c.year, c.number, is.ID, err, saved[c.want].ID)
			}
		}
		_, err := s.IssueByID(t.Context(), 99)
		wantCode(t, err, news.NotFound)
		if last, ok, err := s.LastIssue(t.Context(), "weekly"); err != nil || !ok || last.ID != saved[2].ID {
			t.Errorf("last issue %+v, %v, %v", last, ok, err)
		}
		if _, ok, err := s.LastIssue(t.Context(), "daily"); err != nil || ok {
			t.Errorf("a digest without issues has a last one: %v", err)
		}
		if all, err := s.Issues(t.Context(), "", 2); err != nil || len(all) != 2 || all[0].ID != saved[2].ID {
			t.Errorf("newest issues %+v, %v", all, err)
		}
	})
}

func TestASecondDraftIsRefusedWhileOneIsOpen(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		is := s.draft(t, draft("weekly", 2026))
		for _, step := range []news.IssueState{news.InReview, news.Approved} {
			_, err := s.SaveIssue(t.Context(), draft("weekly", 2026))
			wantCode(t, err, news.Conflict)
			s.move(t, is.ID, step)
		}
		_, err := s.SaveIssue(t.Context(), draft("weekly", 2026))
		wantCode(t, err, news.Conflict)
		s.draft(t, draft("daily", 2026)) // another digest is not concerned
		s.move(t, is.ID, news.Cancelled)
		if next := s.draft(t, draft("weekly", 2026)); next.Number != 2 || next.Total != 2 {
			t.Errorf("after a cancelled issue comes no. %d, total %d; want 2, 2", next.Number, next.Total)
		}
	})
}

func TestDraftingAgainKeepsTheNumbers(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.saveAll(t, pages(4))
		first := s.draft(t, draft("weekly", 2026, page(0), page(1)))
		again := draft("weekly", 2026, page(1), page(3))
		again.ID, again.Year, again.Number, again.Total, again.State = first.ID, first.Year, first.Number, first.Total, first.State
		again.WindowTo = monday.Add(time.Hour)
		s.draft(t, again)
		got := s.issue(t, first.ID)
		if got.Number != 1 || got.Total != 1 || got.State != news.Draft || !got.WindowTo.Equal(again.WindowTo) {
			t.Errorf("issue %+v", got)
		}
		if want := []string{"第1篇稿件", "第3篇稿件"}; !slices.Equal(itemTitles(got), want) {
			t.Errorf("items %v, want %v", itemTitles(got), want)
		}
		s.move(t, first.ID, news.Approved)
		again.Items = nil
		_, err := s.SaveIssue(t.Context(), again)
		if wantCode(t, err, news.Conflict); s.issue(t, first.ID).Count != 2 {
			t.Error("an approved issue lost its items")
		}
	})
}

func TestAnArticleComesOnceInADigest(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.saveAll(t, pages(3))
		first := s.draft(t, draft("weekly", 2026, page(0), page(1)))
		s.move(t, first.ID, news.Approved, news.Sending, news.Sent)
		if _, err := s.SaveIssue(t.Context(), draft("weekly", 2026, page(2), page(1))); err == nil {
			t.Error("an article was taken into a second issue")
		}
		if list, err := s.Issues(t.Context(), "weekly", 10); err != nil || len(list) != 1 {
			t.Errorf("the refused issue left something behind: %+v, %v", list, err)
		}
		s.draft(t, draft("weekly", 2026, page(2)))
		s.draft(t, draft("daily", 2026, page(0), page(1), page(2)))
	})
}

func TestCandidatesAreWhatNoOtherIssueHolds(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		noticed := page(4)
		noticed.Column = "通知"
		s.saveAll(t, append(pages(4), noticed))
		sent := s.draft(t, draft("weekly", 2026, page(0)))
		s.move(t, sent.ID, news.Approved, news.Sending, news.Sent)
		open := s.draft(t, draft("weekly", 2026, page(1)))
		s.withdraw(t, news.ArticleID(page(2).URL))
		s.clock.pass(time.Hour)
		s.save(t, page(5)) // after the cut-off
		future := page(6)
		future.Published = s.clock.now().Add(time.Hour)
		s.save(t, future)

		for _, c := range []struct {
			name     string
			digest   string
			open     int64
			columns  []string
			from, to time.Time
			limit    int
			want     []string
			count    int
		}{
			{"first draft", "weekly", 0, nil, time.Time{}, monday, 10, []string{"第3篇稿件", "第4篇稿件"}, 2},
			{"drafting again", "weekly", open.ID, nil, time.Time{}, monday, 10, []string{"第1篇稿件", "第3篇稿件", "第4篇稿件"}, 3},
			{"columns", "weekly", open.ID, []string{"通知", "检察要闻"}, time.Time{}, monday, 10, []string{"第1篇稿件", "第3篇稿件", "第4篇稿件"}, 3},
			{"one column", "weekly", open.ID, []string{"通知"}, time.Time{}, monday, 10, []string{"第4篇稿件"}, 1},
			{"limit", "weekly", open.ID, nil, time.Time{}, monday, 1, []string{"第1篇稿件"}, 3},
			{"other digest", "daily", 0, nil, time.Time{}, monday, 10, []string{"第0篇稿件", "第1篇稿件", "第3篇稿件", "第4篇稿件"}, 4},
			{"next window", "daily", 0, nil, monday, monday.Add(time.Hour), 10, []string{"第5篇稿件"}, 1},
			{"when its time has come", "daily", 0, nil, monday.Add(time.Hour), monday.Add(2 * time.Hour), 10, []string{"第6篇稿件"}, 1},
		} {
			list, count, err := s.Candidates(t.Context(), c.digest, c.open, c.columns, c.from, c.to, c.limit)
			if err != nil || !slices.Equal(titles(list), c.want) || count != c.count {
				t.Errorf("%s: %v of %d, %v; want %v of %d", c.name, titles(list), count, err, c.want, c.count)
			}
		}
	})
}

func TestAnIssueTakesLegalStepsOnly(t *testing.T) {
	ways := map[news.IssueState][]news.IssueState{
		news.Draft: {}, news.InReview: {news.InReview}, news.Approved: {news.Approved}, news.Cancelled: {news.Cancelled},
		news.Sending: {news.Approved, news.Sending}, news.Sent: {news.Approved, news.Sending, news.Sent},
	}
	conform(t, func(t *testing.T, s fixture) {
		for from, way := range ways {
			for next := range ways {
				is := s.draft(t, draft("from "+string(from)+" to "+string(next), 2026))
				s.move(t, is.ID, way...)
				want, code := next, news.ErrorCode("")
				if !from.CanBecome(next) {
					want, code = from, news.Conflict
				}
				wantCode(t, s.MoveIssue(t.Context(), is.ID, next), code)
				if got := s.issue(t, is.ID).State; got != want {
					t.Errorf("from %s to %s: it is %s", from, next, got)
				}
			}
		}
		wantCode(t, s.MoveIssue(t.Context(), 9999, news.Approved), news.NotFound)
	})
}

func TestAWithdrawnArticleShowsInItsIssue(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.saveAll(t, pages(2))
		is := s.draft(t, draft("weekly", 2026, page(0), page(1)))
		s.withdraw(t, news.ArticleID(page(0).URL))
		if live := s.issue(t, is.ID).LiveItems(); len(live) != 1 || live[0].Title != page(1).Title {
			t.Errorf("live items %+v", live)
		}
	})
}
