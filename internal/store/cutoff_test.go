package store

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"jianxun/internal/news"
)

// An issue holds what came between the cut-off of the one before it and its own.
// Whatever happens at a cut-off, an article is in one of the two.

// choose drafts an issue of the weekly from all there is between two cut-offs.
func (s fixture) choose(t testing.TB, from, to time.Time) news.Issue {
	t.Helper()
	seen, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	list, _, err := s.Candidates(t.Context(), "weekly", 0, nil, from, to, 100)
	if err != nil {
		t.Fatal(err)
	}
	is := draft("weekly", 2026, list...)
	is.WindowFrom, is.WindowTo, is.Seen = from, to, seen+1
	return is
}

// leaves saves a draft and sends it to nobody.
func (s fixture) leaves(t testing.TB, is news.Issue) news.Issue {
	t.Helper()
	is = s.draft(t, is)
	s.move(t, is.ID, news.Approved, news.Sending, news.Sent)
	return is
}

// saveSlowly saves an article and waits to commit it until end is closed.
func (s fixture) saveSlowly(t testing.TB, a news.Article, begun chan<- struct{}, end <-chan struct{}) {
	err := s.inTx(t.Context(), articleLock, func(ctx context.Context, t tx) error {
		_, err := t.saveArticle(ctx, a)
		close(begun)
		<-end
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestAnArticleBeingSavedAtTheCutOffIsInTheIssue(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.save(t, page(1))
		begun, end := make(chan struct{}), make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() { s.saveSlowly(t, page(2), begun, end) })
		<-begun
		s.clock.pass(time.Minute)
		cutoff := s.clock.now()
		is := s.choose(t, time.Time{}, cutoff)
		close(end)
		wg.Wait()
		if got := itemTitles(is); !slices.Equal(got, named(1)) {
			t.Fatalf("chosen are %q", got)
		}
		_, err := s.SaveIssue(t.Context(), is)
		wantCode(t, err, news.Busy)
		if list, err := s.Issues(t.Context(), "weekly", 10); err != nil || len(list) > 0 {
			t.Errorf("the refused issue left something behind: %+v, %v", list, err)
		}
		is = s.choose(t, time.Time{}, cutoff)
		s.clock.pass(time.Second)
		s.save(t, page(3)) // after the cut-off: none of this issue's business
		if is = s.leaves(t, is); !slices.Equal(itemTitles(is), named(1, 2)) {
			t.Errorf("chosen again are %q", itemTitles(is))
		}
		if next := itemTitles(s.choose(t, cutoff, s.clock.now())); !slices.Equal(next, named(3)) {
			t.Errorf("in the next are %q", next)
		}
	})
}

func TestADraftIsMadeAnewWithWhatCameMeanwhile(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.save(t, page(1))
		open := s.draft(t, s.choose(t, time.Time{}, s.clock.now()))
		s.clock.pass(time.Minute)
		again := s.choose(t, time.Time{}, s.clock.now())
		again.ID, again.State = open.ID, open.State
		s.save(t, page(2))
		_, err := s.SaveIssue(t.Context(), again)
		wantCode(t, err, news.Busy)
		if got := itemTitles(s.issue(t, open.ID)); !slices.Equal(got, named(1)) {
			t.Errorf("the draft that could not be made anew holds %q", got)
		}
	})
}

// Replicas have clocks of their own.
func TestAnArticleSavedAfterAnIssueIsInTheNext(t *testing.T) {
	for _, behind := range []time.Duration{0, 2 * time.Second, time.Hour} {
		t.Run(behind.String(), func(t *testing.T) {
			conform(t, func(t *testing.T, s fixture) {
				s.save(t, page(1))
				cutoff := s.clock.now()
				s.leaves(t, s.choose(t, time.Time{}, cutoff))
				slow := &clock{at: s.clock.now().Add(-behind)}
				fixture{handle(t, s.address, slow), slow, s.address}.save(t, page(2))
				next := s.choose(t, cutoff, cutoff.Add(time.Minute))
				if got := itemTitles(next); !slices.Equal(got, named(2)) {
					t.Errorf("in the next are %q, want %q", got, named(2))
				}
			})
		})
	}
}

func TestASecondIssueForOneCutOffIsRefused(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.saveAll(t, pages(4))
		cutoff := s.clock.now()
		first := s.choose(t, time.Time{}, cutoff)
		second := first
		first.Items, second.Items = first.Items[:2], first.Items[2:] // what one has no room for the other would take
		s.leaves(t, first)
		_, err := s.SaveIssue(t.Context(), second)
		wantCode(t, err, news.Conflict)
		if list, err := s.Issues(t.Context(), "weekly", 10); err != nil || len(list) != 1 {
			t.Errorf("issues %+v, %v: want one", list, err)
		}
		s.clock.pass(time.Minute)
		s.save(t, page(4))
		if next := s.leaves(t, s.choose(t, cutoff, s.clock.now())); next.Total != 2 || !slices.Equal(itemTitles(next), named(4)) {
			t.Errorf("no. %d in all holds %q", next.Total, itemTitles(next))
		}
	})
}

func TestAnArticleThatMissedItsIssueWhileWithdrawnIsInTheNext(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.saveAll(t, []news.Article{page(1), page(2)})
		missed, sent := news.ArticleID(page(1).URL), news.ArticleID(page(2).URL)
		s.withdraw(t, missed)
		s.clock.pass(time.Hour)
		cutoff := s.clock.now()
		if is := s.leaves(t, s.choose(t, time.Time{}, cutoff)); !slices.Equal(itemTitles(is), named(2)) {
			t.Fatalf("the issue holds %q", itemTitles(is))
		}
		s.withdraw(t, sent)
		s.restore(t, missed) // in the moment of the cut-off
		s.restore(t, sent)
		s.clock.pass(time.Hour)
		if next := itemTitles(s.choose(t, cutoff, s.clock.now())); !slices.Equal(next, named(1)) {
			t.Errorf("in the next are %q, want %q", next, named(1))
		}
	})
}

// An issue refers to its articles in the order of their rank, a batch changes
// them in the order of their page: they must not wait for each other.
func TestAnIssueAndABatchOfTheSameArticlesAreBothSaved(t *testing.T) {
	s := onPostgres(t, "")
	s.saveAll(t, pages(4))
	changed := pages(4)
	for i := range changed {
		changed[i].Text = "又一版。"
	}
	begun, end := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		err := s.inTx(t.Context(), articleLock, func(ctx context.Context, t tx) error {
			_, first := t.saveArticle(ctx, changed[3])
			close(begun)
			<-end
			_, then := t.saveArticle(ctx, changed[0])
			return errors.Join(first, then)
		})
		wantCode(t, err, "")
	})
	<-begun
	wg.Go(func() {
		_, err := s.SaveIssue(t.Context(), draft("weekly", 2026, pages(4)...))
		wantCode(t, err, "")
	})
	s.wantWaiting(t)
	close(end)
	wg.Wait()
}
