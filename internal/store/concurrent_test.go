package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"jianxun/internal/news"
)

// Two handles on one database are two processes: they share nothing in memory.

func TestManySaversLoseNothing(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		handles := []*Store{s.Store, handle(t, s.address, s.clock)}
		const savers, batches, size = 4, 10, 10
		var mu sync.Mutex
		count := map[news.SaveResult]int{}
		var wg sync.WaitGroup
		for n := range savers {
			wg.Go(func() {
				for b := range batches {
					// Neighbours bring half of the same articles.
					batch := make([]news.Article, size)
					for i := range batch {
						batch[i] = page((n*batches+b)*size/2 + i)
					}
					results, err := handles[n%2].SaveArticles(t.Context(), batch)
					if err != nil {
						t.Error(err)
					}
					mu.Lock()
					for _, r := range results {
						count[r]++
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		const distinct = (savers*batches + 1) * size / 2
		if count[news.SavedNew] != distinct || count[news.SavedSame] != savers*batches*size-distinct || count[news.SavedChanged] != 0 {
			t.Errorf("saved %v, want %d new", count, distinct)
		}
		list := s.newest(t, news.Filter{}, 2*distinct)
		if len(list) != distinct {
			t.Errorf("%d articles, want %d", len(list), distinct)
		}
		distinctTimes(t, list)
		if head, err := s.Head(t.Context()); err != nil || head != distinct {
			t.Errorf("head %d, %v; want %d", head, err, distinct)
		}
	})
}

func TestManyClaimersDeliverEachOnce(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		const recipients = 200
		id := s.sending(t, recipients)
		handles := []*Store{s.Store, handle(t, s.address, s.clock)}
		var mu sync.Mutex
		got := map[string]int{}
		var wg sync.WaitGroup
		for n := range 4 {
			wg.Go(func() {
				deliver(t, handles[n%2], fmt.Sprint("relay ", n), func(d news.Delivery) {
					mu.Lock()
					defer mu.Unlock()
					got[d.Subscriber.Email]++
				})
			})
		}
		wg.Wait()
		for email, n := range got {
			if n != 1 {
				t.Errorf("%s was sent %d mails", email, n)
			}
		}
		if len(got) != recipients {
			t.Errorf("%d got a mail, want %d", len(got), recipients)
		}
		s.wantTally(t, id, news.Tally{news.Delivered: recipients})
		s.wantState(t, id, news.Sent)
	})
}

// deliver takes rows until there are none, like a relay.
func deliver(t testing.TB, s *Store, token string, sent func(news.Delivery)) {
	for {
		list, err := s.ClaimDeliveries(t.Context(), holder(token), 0, 16)
		if err != nil {
			t.Error(err)
		}
		if len(list) == 0 {
			return
		}
		for _, d := range list {
			begun := fixture{Store: s}.BeginCommit(t.Context(), d, token)
			sent(d)
			d.State = news.Delivered
			if err := errors.Join(begun, fixture{Store: s}.SettleDelivery(t.Context(), d, token, 1)); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestManyProgramsStartAtOnce: a daemon and commands begin on a store that is
// not there yet; all of them find it ready.
func TestManyProgramsStartAtOnce(t *testing.T) {
	address := "sqlite:" + filepath.Join(t.TempDir(), "new.db")
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			s, err := Open(t.Context(), address, time.Now)
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := s.Head(t.Context()); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
