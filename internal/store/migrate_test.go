package store

import (
	"reflect"
	"strings"
	"sync"
	"testing"

	"jianxun/internal/news"
)

func TestTheFirstStoreIsBroughtUpToDate(t *testing.T) {
	onOld(t, func(t *testing.T, o old) {
		var before map[string]string
		o.raw(t, func(s *Store) { before = o.rows(t, s) })
		s := o.open(t)
		for table, now := range o.rows(t, s.Store) {
			if now != before[table] {
				t.Errorf("%s holds\n%s\nbefore:\n%s", table, now, before[table])
			}
		}
		for what, ask := range map[string]string{
			"revisions with another time than the article's, or than when they were saved": `SELECT count(*) FROM article_revisions r JOIN articles a ON a.id = r.article_id
				WHERE r.updated <> CASE WHEN r.revision = a.revision THEN a.updated ELSE r.saved END`,
			"articles withdrawn at another time": `SELECT count(*) FROM articles WHERE withdrawn <> CASE WHEN state = 'withdrawn' THEN changed ELSE 0 END`,
			"marks":                              `SELECT count(*) FROM marks`,
		} {
			var n int
			if err := s.read.QueryRowContext(t.Context(), ask).Scan(&n); err != nil || n != 0 {
				t.Errorf("%d %s, %v", n, what, err)
			}
		}
		s.wantArticlesOfOld(t)
		s.wantLedgerOfOld(t)
		if last, err := s.Anchor(t.Context(), "digest:weekly@0123456789ab", o.clock.now()); err != nil || !last.Equal(monday.AddDate(0, 0, -7)) {
			t.Errorf("the last due time is %v, %v", last, err)
		}
		if etag, _, err := s.Validators(t.Context(), "https://www.example.org/rss.xml"); err != nil || etag != `W/"a'b"` {
			t.Errorf("the validator is %s, %v", etag, err)
		}
	})
}

func (s fixture) wantArticlesOfOld(t *testing.T) {
	t.Helper()
	for query, want := range map[string]int{"依法履职": 6, "更正两次": 1, "更正一次": 1, "撤下之前": 0, "套路贷": 1, "Neill": 1, "公益诉讼": 1} {
		if found, err := s.Search(t.Context(), query, s.clock.now(), 100); err != nil || len(found) != want {
			t.Errorf("%s is found in %d articles, %v; want %d", query, len(found), err, want)
		}
	}
	feeds := []news.Feed{{Slug: "all", Items: 5}, {Slug: "jw", Items: 5, Filter: news.Filter{Columns: []string{"检务公开"}}}}
	kept, err := s.Collect(t.Context(), feeds, s.clock.now())
	if err != nil || kept[0].Behind || kept[0].Archived != 4 || kept[1].Archived != 0 {
		t.Fatalf("collections %+v, %v", kept, err)
	}
	for i, want := range []int{5, 1} {
		if list, _, err := s.Current(t.Context(), feeds[i], kept[i], s.clock.now()); err != nil || len(list) != want {
			t.Errorf("%d articles in %s, %v; want %d", len(list), feeds[i].Slug, err, want)
		}
	}
	if got := s.saveAll(t, []news.Article{page(5), page(500)}); !reflect.DeepEqual(got, []news.SaveResult{news.SavedChanged, news.SavedNew}) {
		t.Errorf("saving again: %v", got) // page 5 was in another column
	}
	s.restore(t, news.ArticleID(page(3).URL))
	if found, err := s.Search(t.Context(), "第3篇", s.clock.now(), 100); err != nil || len(found) != 1 {
		t.Errorf("the restored article is found %d times, %v", len(found), err)
	}
}

func (s fixture) wantLedgerOfOld(t *testing.T) {
	t.Helper()
	const sent, sending, drafted = 1, 2, 3
	s.wantState(t, sent, news.Sent)
	s.wantState(t, drafted, news.Draft)
	s.wantTally(t, sent, news.Tally{news.Delivered: 4, news.Failed: 1, news.Uncertain: 1, news.Suppressed: 1})
	list := s.claim(t, "new", 100)
	if len(list) != 3 {
		t.Errorf("%d mails are claimed, want the queued, the deferred and the one whose holder died", len(list))
	}
	s.wantTally(t, sending, news.Tally{news.Delivered: 1, news.Leased: 3, news.Uncertain: 1, news.Suppressed: 1})
	for _, d := range list {
		s.settle(t, d, "new", news.Delivered)
	}
	s.wantState(t, sending, news.Sent)
	if got := itemTitles(s.issue(t, drafted)); len(got) != 2 {
		t.Errorf("the draft holds %q", got)
	}
}

// TestAMigrationThatFailsLeavesAllAsItWas: a table is in the way of its last.
func TestAMigrationThatFailsLeavesAllAsItWas(t *testing.T) {
	onOld(t, func(t *testing.T, o old) {
		for version, inTheWay := range []string{2: "unmeasured", 3: "hub_subscriptions", searchVersion: "search", 5: "marks", 6: "handed", 7: "mailboxes", 8: "sign_ups"} {
			if inTheWay == "" {
				continue
			}
			var was string
			o.raw(t, func(s *Store) {
				p, err := s.steps()
				if err == nil {
					_, err = p.UpTo(t.Context(), int64(version-1))
				}
				if err == nil {
					_, err = s.write.ExecContext(t.Context(), `CREATE TABLE `+inTheWay+` (mine INTEGER)`)
				}
				if err != nil {
					t.Fatal(err)
				}
				was = o.shape(t, s)
			})
			for range 2 {
				_, err := Open(t.Context(), o.address, o.clock.now)
				if wantCode(t, err, news.Unavailable); err == nil || !strings.Contains(err.Error(), "cannot bring the store up to date") || !strings.Contains(err.Error(), inTheWay) {
					t.Errorf("migration %d: it says %v", version, err)
				}
			}
			o.raw(t, func(s *Store) {
				if is := o.shape(t, s); is != was {
					t.Errorf("migration %d failed and left\n%s\nbefore:\n%s", version, is, was)
				}
				if _, err := s.write.ExecContext(t.Context(), `DROP TABLE `+inTheWay); err != nil {
					t.Fatal(err)
				}
			})
		}
		o.open(t).wantLedgerOfOld(t)
	})
}

// TestManyOpenAnOldStoreAtOnce: after an update the daemon and commands start.
func TestManyOpenAnOldStoreAtOnce(t *testing.T) {
	onOld(t, func(t *testing.T, o old) {
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				s, err := Open(t.Context(), o.address, o.clock.now)
				if err != nil {
					t.Error(err)
					return
				}
				if found, err := s.Search(t.Context(), "依法履职", o.clock.now(), 100); err != nil || len(found) != 6 {
					t.Errorf("%d articles are found, %v; want 6", len(found), err)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		o.open(t).wantLedgerOfOld(t)
	})
}
