package web

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"jianxun/internal/news"
	"jianxun/internal/store"
	"jianxun/templates"
)

var (
	shanghai = time.FixedZone("CST", 8*3600)
	monday   = time.Date(2026, 9, 28, 9, 0, 0, 0, shanghai)
	today    = time.Date(2026, 9, 28, 0, 0, 0, 0, shanghai)
)

const address = "https://news.example.org"

// site is a Server over a store of its own, with a clock that stands still.
type site struct {
	*Server
	t        testing.TB
	store    *store.Store
	articles *articles
	settings Settings
	file     string // of the store
	mu       sync.Mutex
	now      time.Time
	letters  []mailed
	refuse   error // of the relay
}

func newSite(t testing.TB, change ...func(*Settings)) *site {
	t.Helper()
	s := &site{t: t, now: monday, settings: Settings{
		Title: "检讯", URL: address, Language: "zh-CN", Zone: shanghai,
		Feeds: []news.Feed{
			{Slug: news.AllFeed, Title: "全部", Items: 50, Full: true},
			{Slug: "yaowen", Title: "检察要闻", Items: 50, Full: true, Filter: news.Filter{Columns: []string{"检察要闻"}}},
			{Slug: "tongzhi", Title: "通知公告", Items: 50, Filter: news.Filter{Columns: []string{"通知公告"}}},
		},
		Digests: []news.Digest{{Slug: "weekly", Title: "检察要闻周报", Zone: shanghai}},
	}}
	for _, f := range change {
		f(&s.settings)
	}
	s.file = filepath.Join(t.TempDir(), "jianxun.db")
	b, err := blank()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	s.open()
	return s
}

// view is an issue in few words; how issues read is the digest's to test.
func view(is news.Issue, p templates.Printer) templates.Issue {
	v := templates.Issue{Title: is.Title, Label: is.Label(), Period: p.Day(is.WindowTo), Total: is.Total}
	section := templates.Section{Name: "检察要闻"}
	for i, it := range is.Items {
		section.Items = append(section.Items, templates.Item{Number: i + 1, Title: it.Title, Lead: it.Lead, URL: it.URL})
	}
	v.Sections = append(v.Sections, section)
	return v
}

func (s *site) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *site) set(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = now
}

func (s *site) reload() {
	s.t.Helper()
	if err := s.Reload(s.t.Context(), s.settings); err != nil {
		s.t.Fatal(err)
	}
}

// refresh brings what was saved onto the site and tells whether there was anything.
func (s *site) refresh() bool {
	s.t.Helper()
	changed, err := s.Refresh(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return changed
}

func (s *site) withdraw(a news.Article) {
	s.t.Helper()
	if err := s.store.Withdraw(s.t.Context(), idOf(a)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) restore(a news.Article) {
	s.t.Helper()
	if err := s.store.Restore(s.t.Context(), idOf(a)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) save(list ...news.Article) {
	s.t.Helper()
	if _, err := s.store.SaveArticles(s.t.Context(), list); err != nil {
		s.t.Fatal(err)
	}
}

// filled is a site with n articles, and the clock a while later.
func filled(t testing.TB, n int, change ...func(*Settings)) *site {
	t.Helper()
	s := newSite(t, change...)
	var list []news.Article
	for i := range n {
		list = append(list, page(i))
	}
	s.save(list...)
	s.set(monday.Add(time.Hour))
	s.refresh()
	return s
}

func page(n int) news.Article {
	text := strings.Repeat(fmt.Sprintf("第%d次，检察机关依法履职。", n), 20)
	return news.Article{
		Source: "pages", URL: fmt.Sprintf("https://www.example.org/a/%d.html", n), Published: monday.Add(-time.Duration(n) * time.Minute),
		Content: news.Content{Column: "检察要闻", Title: fmt.Sprintf("第%d篇稿件", n), Origin: "检察日报", Body: "<p>" + text + "</p>\n", Text: text},
	}
}

func idOf(a news.Article) string { return news.ArticleID(news.IdentityOf(a)) }

// urn is the id that an article has in every feed.
func urn(a news.Article) string { return "urn:uuid:" + idOf(a) }

// do sends a request with header fields given as "Name: value".
func (s *site) do(method, target string, fields ...string) *http.Response {
	return s.send(httptest.NewRequest(method, target, nil), fields...)
}

func (s *site) get(target string, fields ...string) *http.Response {
	return s.do(http.MethodGet, target, fields...)
}

func (s *site) send(r *http.Request, fields ...string) *http.Response {
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result()
}

func body(t testing.TB, r *http.Response) []byte {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// html expects a page with the status and gives it to be looked into.
func html(t testing.TB, r *http.Response, status int) *goquery.Document {
	t.Helper()
	if r.StatusCode != status || r.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("status %d, type %q; want a page with status %d", r.StatusCode, r.Header.Get("Content-Type"), status)
	}
	doc, err := goquery.NewDocumentFromReader(bytes.NewReader(body(t, r)))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func texts(doc *goquery.Document, selector string) []string {
	return doc.Find(selector).Map(func(_ int, s *goquery.Selection) string { return strings.TrimSpace(s.Text()) })
}

func attrs(doc *goquery.Document, selector, name string) []string {
	return doc.Find(selector).Map(func(_ int, s *goquery.Selection) string { return s.AttrOr(name, "") })
}

func wantStatus(t testing.TB, r *http.Response, status int) {
	t.Helper()
	if r.StatusCode != status {
		t.Errorf("status %d, want %d", r.StatusCode, status)
	}
}
