package store

import (
	"database/sql"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"jianxun/internal/news"
	"jianxun/internal/pgtest"
)

// old is a store as the first jianxun left it, see testdata/first.sql, with the
// columns that it had.
type old struct {
	engine  string
	address string
	clock   *clock
	tables  map[string]string // the names of its columns
}

// onOld runs the test over every engine.
func onOld(t *testing.T, test func(t *testing.T, o old)) {
	t.Helper()
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			address := "sqlite:" + t.TempDir() + "/jianxun.db"
			if e.name == "postgres" {
				address = emptyPostgres(t, pgtest.Shared(t), "")
			}
			o := old{e.name, address, &clock{at: monday.Add(time.Hour)}, map[string]string{}}
			o.raw(t, func(s *Store) { o.fill(t, s) })
			test(t, o)
		})
	}
}

// raw works on the database without bringing its tables up to date.
func (o old) raw(t *testing.T, work func(s *Store)) {
	t.Helper()
	d, err := dialectOf(o.address)
	if err != nil {
		t.Fatal(err)
	}
	s := &Store{dialect: d, now: o.clock.now}
	var read *sql.DB
	if s.write, read, err = d.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.read = reader{read, s}
	work(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// fill runs the frozen file.
func (o old) fill(t *testing.T, s *Store) {
	t.Helper()
	b, err := os.ReadFile("testdata/first.sql")
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for line := range strings.Lines(string(b)) {
		text.WriteString(strings.TrimPrefix(line, "--"+o.engine+" "))
	}
	if _, err := s.write.ExecContext(t.Context(), strings.ReplaceAll(text.String(), " TEXT", " "+s.dialect.text)); err != nil {
		t.Fatal(err)
	}
	for part := range strings.SplitSeq(string(b), "\nINSERT INTO ") {
		name, rest, _ := strings.Cut(part, " (")
		columns, _, ok := strings.Cut(rest, ") VALUES\n")
		if ok && !strings.Contains(name, "\n") {
			o.tables[name] = columns
		}
	}
	if len(o.tables) != 11 {
		t.Fatalf("the file holds rows for %d tables, want all 11", len(o.tables))
	}
}

// rows are all rows of the first tables, in the columns that they had then.
func (o old) rows(t *testing.T, s *Store) map[string]string {
	t.Helper()
	all := map[string]string{}
	for table, columns := range o.tables {
		where := ""
		if table == "counters" { // a later one has been added
			where = ` WHERE name = 'article_seq'`
		}
		rows, err := s.read.DB.QueryContext(t.Context(), `SELECT `+columns+` FROM `+table+where)
		if err != nil {
			t.Fatal(err)
		}
		if all[table] = dump(t, rows); all[table] == "" {
			t.Fatalf("nothing is in %s", table)
		}
	}
	return all
}

func (o old) open(t *testing.T) fixture {
	t.Helper()
	return fixture{handle(t, o.address, o.clock), o.clock, o.address}
}

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

// shape is every table and index with its columns, and what the migrations count.
func (o old) shape(t *testing.T, s *Store) string {
	t.Helper()
	ask := []string{`SELECT type, name, sql FROM sqlite_schema`}
	if o.engine == "postgres" {
		ask = []string{`SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public'`,
			`SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'`}
	}
	all := ""
	for _, q := range append(ask, `SELECT * FROM counters`, `SELECT version_id, is_applied FROM goose_db_version`) {
		rows, err := s.read.DB.QueryContext(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		all += dump(t, rows) + "\n"
	}
	return all
}

// TestAMigrationThatFailsLeavesAllAsItWas: a table is in the way of its last.
func TestAMigrationThatFailsLeavesAllAsItWas(t *testing.T) {
	onOld(t, func(t *testing.T, o old) {
		for version, inTheWay := range []string{2: "unmeasured", 3: "hub_subscriptions", searchVersion: "search", 5: "marks"} {
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
