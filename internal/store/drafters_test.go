package store

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"jianxun/digest"
	"jianxun/internal/news"
)

// Drafting reads, chooses and saves, each for itself: much may happen between.

// weekly is a digest whose issues have room for so many.
func weekly(items int) news.Digest {
	return news.Digest{Slug: "weekly", Title: "检察要闻周报", Zone: shanghai, Items: items}
}

// publish makes the issue that is due and sends it.
func publish(t testing.TB, s *Store, over digest.Store, d news.Digest, due time.Time) error {
	is, err := digest.Drafter{Store: over}.Draft(t.Context(), d, due)
	if err != nil || is.State != news.Draft {
		return err
	}
	if err := s.MoveIssue(t.Context(), is.ID, news.Approved); err != nil {
		return err
	}
	_, err = s.EnqueueIssue(t.Context(), is.ID)
	return err
}

// interrupted is a store to which something happens once, before a draft's
// articles are looked for, or after.
type interrupted struct {
	*Store
	before, after func()
}

func (i *interrupted) Candidates(ctx context.Context, d string, open int64, columns []string, from, to time.Time, limit int) ([]news.Article, int, error) {
	before, after := i.before, i.after
	i.before, i.after = nil, nil
	if before != nil {
		before()
	}
	list, n, err := i.Store.Candidates(ctx, d, open, columns, from, to, limit)
	if after != nil {
		after()
	}
	return list, n, err
}

func (s fixture) wantIssued(t testing.TB, issues, articles int) {
	t.Helper()
	var is, in int
	err := s.read.QueryRowContext(t.Context(), `SELECT (SELECT count(*) FROM issues), (SELECT count(DISTINCT article_id) FROM issue_items)`).Scan(&is, &in)
	if err != nil || is != issues || in != articles {
		t.Errorf("%d articles in %d issues, %v; want %d in %d", in, is, err, articles, issues)
	}
}

func TestArticlesThatComeWhileAnIssueIsDraftedAreInIt(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.save(t, page(1))
		over := &interrupted{s.Store, func() { s.save(t, page(2)) }, func() { s.save(t, page(3)) }}
		wantCode(t, publish(t, s.Store, over, weekly(10), s.clock.now()), "")
		s.wantIssued(t, 1, 3)
	})
}

func TestTwoDraftersMakeOneIssueForADueTime(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.put(t, person(1))
		due := s.clock.now()
		for _, week := range []int{0, 1} {
			s.saveAll(t, pages(4*(week+1)))
			other := func() { wantCode(t, publish(t, s.Store, s.Store, weekly(2), due), "") }
			over := &interrupted{Store: s.Store, before: other} // which leaves half of the articles
			wantCode(t, publish(t, s.Store, over, weekly(2), due), news.Conflict)
			s.wantIssued(t, week+1, 2*(week+1))
			wantCode(t, publish(t, s.Store, s.Store, weekly(2), due), "") // it is there: nothing is to be done
			due = due.AddDate(0, 0, 7)
			s.clock.set(due)
		}
		if list := s.claim(t, "a", 10); len(list) != 2 {
			t.Errorf("%d mails to one person, want 2", len(list))
		}
	})
}

// TestDraftersForgetNothing: in every round two replicas, whose clocks differ,
// save what they read while an issue is drafted.
func TestDraftersForgetNothing(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		const rounds, size = 10, 4
		var passed atomic.Int64
		tick := func() time.Time { return monday.Add(time.Duration(passed.Add(1)) * time.Millisecond) }
		other := handle(t, s.address, s.clock)
		s.now, other.now = tick, func() time.Time { return tick().Add(-20 * time.Millisecond) }
		all := append(pages(2*rounds*size), page(9999))
		s.save(t, page(9999))
		issues := 0
		drafted := func(due time.Time) {
			switch err := publish(t, s.Store, s.Store, weekly(1000), due); {
			case err == nil:
				issues++
			case news.CodeOf(err) != news.NotFound: // all that came is in the issue before
				t.Error(err)
			}
		}
		for batch := range slices.Chunk(all[:2*rounds*size], 2*size) {
			var wg sync.WaitGroup
			for n, saver := range []*Store{s.Store, other} {
				wg.Go(func() {
					if _, err := saver.SaveArticles(t.Context(), batch[n*size:(n+1)*size]); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Go(func() { drafted(tick()) })
			wg.Wait()
		}
		drafted(tick().Add(time.Minute))
		s.wantIssued(t, issues, len(all))
	})
}

func TestArticlesThatComeToAnEmptyStoreWhileAnIssueIsDraftedAreInIt(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		over := &interrupted{s.Store, func() { s.save(t, page(2)) }, func() { s.save(t, page(3)) }}
		wantCode(t, publish(t, s.Store, over, weekly(10), s.clock.now()), "")
		s.wantIssued(t, 1, 2)
	})
}
