package app

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"jianxun/internal/news"
)

// What a change costs must not grow with the number of articles stored. The
// benchmarks print the same figure for stores of 1,000 to 1,000,000 articles,
// which are made here in the database's own words, as saving a million would
// take most of the time.

var sizes = []int{1_000, 10_000, 100_000, 1_000_000}

const benchConfig = `
listen: 127.0.0.1:0
ops: {listen: ""}
store: sqlite:jianxun.db
feeds:
  - {slug: yaowen, columns: [检察要闻]}
  - {slug: gongyi, keywords: [公益诉讼]}
digests: []
`

// grown is an App over a store of n articles, with its archives filled.
func grown(b *testing.B, n int) *App {
	b.Helper()
	dir := b.TempDir()
	file := filepath.Join(dir, "jianxun.yaml")
	if err := os.WriteFile(file, []byte(benchConfig), 0o600); err != nil {
		b.Fatal(err)
	}
	a, err := New(context.Background(), Options{ConfigFile: file})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := a.Stop(context.Background()); err != nil {
			b.Error(err)
		}
	})
	generate(b, filepath.Join(dir, "jianxun.db"), n)
	begin := time.Now()
	if err := a.whole(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Logf("%d articles: the archives of 3 feeds filled in %.1f s", n, time.Since(begin).Seconds())
	return a
}

// generate puts n articles into the database, a minute apart, in two columns,
// every tenth about public interest litigation.
func generate(b *testing.B, path string, n int) {
	b.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)&_pragma=synchronous(OFF)")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }() // only written to
	newest := time.Now().Add(-24 * time.Hour).UnixMilli()
	for _, statement := range []string{
		`CREATE TEMP TABLE g AS WITH RECURSIVE g (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM g WHERE i < $1 - 1)
			SELECT i, printf('%08x-0000-5000-8000-%012x', i, i) AS id, $2 - i * 60000 AS at, CASE i % 2 WHEN 0 THEN '检察要闻' ELSE '通知公告' END AS col,
			json_object('column', CASE i % 2 WHEN 0 THEN '检察要闻' ELSE '通知公告' END, 'title', '第' || i || '篇稿件', 'body', '<p>检察机关依法履职。</p>',
				'text', CASE i % 10 WHEN 0 THEN '检察机关提起公益诉讼。' ELSE '检察机关依法履职。' END) AS content FROM g`,
		`INSERT INTO articles (id, identity, seq, source, url, column_name, title, content, hash, published, date_only, first_seen, available, placed, updated, changed, state, revision)
			SELECT id, 'https://www.example.org/' || i, i + 1, 'pages', 'https://www.example.org/' || i, col, '第' || i || '篇稿件', content, id, at, 0, at, at, at, at, at, 'live', 1 FROM g`,
		`INSERT INTO article_revisions (article_id, revision, saved, updated, content) SELECT id, 1, at, at, content FROM g`,
		`UPDATE counters SET value = $1 WHERE name = 'article_seq'`,
	} {
		args := []any{n, newest}
		if !bytes.Contains([]byte(statement), []byte("$2")) {
			args = args[:1]
		}
		if !bytes.Contains([]byte(statement), []byte("$1")) {
			args = nil
		}
		if _, err := db.ExecContext(b.Context(), statement, args...); err != nil {
			b.Fatal(err)
		}
	}
}

// fresh is the n-th new article.
func fresh(n int) news.Article {
	return news.Article{Source: "pages", URL: fmt.Sprintf("https://www.example.org/new/%d", n), Published: time.Now().Truncate(time.Second),
		Content: news.Content{Column: "检察要闻", Title: fmt.Sprintf("新%d篇", n), Body: "<p>检察机关提起公益诉讼。</p>", Text: "检察机关提起公益诉讼。"}}
}

// BenchmarkRebuild is what it costs to bring one new article, which is in all
// three feeds, from the store into all their documents.
func BenchmarkRebuild(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			a := grown(b, n)
			saved, took := 0, time.Duration(0)
			for b.Loop() {
				if _, err := a.store.SaveArticles(b.Context(), []news.Article{fresh(saved)}); err != nil {
					b.Fatal(err)
				}
				saved++
				begin := time.Now()
				if changed, err := a.web.Refresh(b.Context()); err != nil || !changed {
					b.Fatal(changed, err)
				}
				took += time.Since(begin)
			}
			b.ReportMetric(float64(took.Microseconds())/1000/float64(saved), "ms/rebuild")
		})
	}
}

// BenchmarkSaveToVisible is how long it takes a running daemon to show what
// another process saved, and how long a start takes to the first feed served.
func BenchmarkSaveToVisible(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			a := grown(b, n)
			begin := time.Now()
			if err := a.Start(b.Context()); err != nil {
				b.Fatal(err)
			}
			show(b, a, "")
			started := time.Since(begin)
			saved, took, worst := 0, time.Duration(0), time.Duration(0)
			for b.Loop() {
				begin := time.Now()
				next := fresh(saved)
				if _, err := a.store.SaveArticles(b.Context(), []news.Article{next}); err != nil {
					b.Fatal(err)
				}
				saved++
				for !show(b, a, next.Title) {
					time.Sleep(time.Millisecond)
				}
				took, worst = took+time.Since(begin), max(worst, time.Since(begin))
			}
			b.ReportMetric(float64(took.Milliseconds())/float64(saved), "ms/visible")
			b.ReportMetric(float64(worst.Milliseconds()), "ms-worst")
			b.ReportMetric(float64(started.Milliseconds()), "ms-start")
		})
	}
}

// show asks for a feed and tells whether it holds the title.
func show(b *testing.B, a *App, title string) bool {
	b.Helper()
	rec, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/feeds/gongyi.json", nil)
	r.RemoteAddr = "127.0.0.1:1" // who is not limited
	a.web.ServeHTTP(rec, r)
	if rec.Code != http.StatusOK {
		b.Fatal(rec.Code)
	}
	return bytes.Contains(rec.Body.Bytes(), []byte(title))
}
