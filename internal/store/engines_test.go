package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"jianxun/internal/news"
	"jianxun/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }

// The conformance suite says what a store does, whatever engine it lies on.
// Every test runs over every engine, each time on a database of its own.

type engine struct {
	name string
	// fresh is the address of an empty database that goes with the test.
	fresh func(t testing.TB) string
}

var engines = []engine{
	{"sqlite", func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "jianxun.db") }},
	{"postgres", newPostgres},
}

// newPostgres copies a database whose tables are made already, as making them
// takes most of a test's time. Benchmarks get a server that is as safe as one of
// an office, and an empty database.
func newPostgres(t testing.TB) string {
	if _, ok := t.(*testing.B); ok {
		return emptyPostgres(t, pgtest.Own(t, pgtest.Options{Durable: true}), "")
	}
	c := pgtest.Shared(t)
	pattern, err := migrated()
	if err != nil {
		t.Fatal(err)
	}
	return emptyPostgres(t, c, "STRATEGY file_copy TEMPLATE "+pattern)
}

func emptyPostgres(t testing.TB, c *pgtest.Cluster, clauses string) string {
	address, err := c.DatabaseWith(clauses)
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// migrated is the name of a database with the tables of a store.
var migrated = sync.OnceValues(func() (string, error) {
	address, err := pgtest.Database()
	if err != nil {
		return "", err
	}
	s, err := Open(context.Background(), address, func() time.Time { return monday })
	if err != nil {
		return "", err
	}
	u, err := url.Parse(address)
	return strings.TrimPrefix(u.Path, "/"), errors.Join(err, s.Close())
})

// fixture is an open store with its clock.
type fixture struct {
	*Store
	clock   *clock
	address string
}

// conform runs the test over every engine.
func conform(t *testing.T, test func(t *testing.T, s fixture)) {
	t.Helper()
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel() // one engine computes while the other waits for its server
			test(t, open(t, e))
		})
	}
}

func open(t testing.TB, e engine) fixture {
	t.Helper()
	c := &clock{at: monday}
	address := e.fresh(t)
	return fixture{handle(t, address, c), c, address}
}

// handle opens the database; several handles on one stand for several processes.
func handle(t testing.TB, address string, c *clock) *Store {
	t.Helper()
	s, err := Open(t.Context(), address, c.now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// clock stands still until it is set.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = t
}

func (c *clock) pass(d time.Duration) { c.set(c.now().Add(d)) }

var (
	shanghai = time.FixedZone("CST", 8*3600)
	monday   = time.Date(2026, 9, 28, 9, 0, 0, 0, shanghai)
	today    = time.Date(2026, 9, 28, 0, 0, 0, 0, shanghai)
)

// page is the n-th of many articles, a minute older than the one before.
func page(n int) news.Article {
	return news.Article{
		Source: "pages", URL: fmt.Sprintf("https://www.example.org/a/%d.html", n), Published: monday.Add(-time.Duration(n) * time.Minute),
		Content: news.Content{Column: "检察要闻", Title: fmt.Sprintf("第%d篇稿件", n), Body: "<p>检察机关依法履职。</p>\n", Text: "检察机关依法履职。"},
	}
}

func pages(n int) []news.Article {
	list := make([]news.Article, n)
	for i := range list {
		list[i] = page(i)
	}
	return list
}

// dated is a page that bears only the day.
func dated(n int, day time.Time) news.Article {
	a := page(n)
	a.Published, a.DateOnly = day, true
	return a
}

// save saves one article and gives it as it then is.
func (s fixture) save(t testing.TB, a news.Article) news.Article {
	t.Helper()
	if _, err := s.SaveArticles(t.Context(), []news.Article{a}); err != nil {
		t.Fatal(err)
	}
	return s.get(t, news.ArticleID(news.IdentityOf(a)))
}

func (s fixture) saveAll(t testing.TB, batch []news.Article) []news.SaveResult {
	t.Helper()
	results, err := s.SaveArticles(t.Context(), batch)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

func (s fixture) get(t testing.TB, id string) news.Article {
	t.Helper()
	a, err := s.Article(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (s fixture) newest(t testing.TB, f news.Filter, limit int) []news.Article {
	t.Helper()
	list, err := s.Newest(t.Context(), f, s.clock.now(), limit)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func (s fixture) withdraw(t testing.TB, id string) {
	t.Helper()
	if err := s.Withdraw(t.Context(), id); err != nil {
		t.Fatal(err)
	}
}

func (s fixture) restore(t testing.TB, id string) {
	t.Helper()
	if err := s.Restore(t.Context(), id); err != nil {
		t.Fatal(err)
	}
}

func titles(list []news.Article) []string {
	all := []string{}
	for _, a := range list {
		all = append(all, a.Title)
	}
	return all
}

// wantCode expects the error to be of the code; an empty code means none.
func wantCode(t testing.TB, err error, code news.ErrorCode) {
	t.Helper()
	switch {
	case code == "" && err != nil:
		t.Errorf("error %v, want none", err)
	case code != "" && err == nil:
		t.Errorf("no error, want one of code %s", code)
	case code != "" && news.CodeOf(err) != code:
		t.Errorf("error %v of code %s, want %s", err, news.CodeOf(err), code)
	}
}
