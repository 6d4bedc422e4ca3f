package web

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"jianxun/internal/news"
)

// telling is the n-th article with a text of its own.
func telling(n int, text string) news.Article {
	a := page(n)
	a.Origin, a.Text, a.Body = "法治日报", text, "<p>"+text+"</p>\n"
	return a
}

// library is a site of three articles that tell of different things.
func library(t *testing.T, change ...func(*Settings)) *site {
	s := newSite(t, change...)
	s.save(telling(2, "检察机关提起公益诉讼。"), telling(1, "检察建议，WHO与5G时代。"), telling(3, "法院公告；诉讼。"))
	s.set(monday.Add(time.Hour))
	s.refresh()
	return s
}

func titled(numbers ...int) []string {
	var all []string
	for _, n := range numbers {
		all = append(all, page(n).Title)
	}
	return all
}

// search gives the page about a search.
func (s *site) search(q string, fields ...string) *goquery.Document {
	s.t.Helper()
	return html(s.t, s.get("/search?q="+url.QueryEscape(q), fields...), 200)
}

func TestSearchFindsWordsOfAnyLengthOnThePageAndInEveryFormat(t *testing.T) {
	s := library(t)
	for q, want := range map[string][]string{
		"检": titled(1, 2), "检察": titled(1, 2), "检察院": nil, "公益诉": titled(2), "公益诉讼": titled(2), "诉讼": titled(2, 3), "公益 机关": titled(2), "机关 公告": nil, "公告诉讼": nil,
		"who": titled(1), "WHO": titled(1), "5G时代": titled(1), "第2篇": titled(2), "  诉讼 \t\n": titled(2, 3), "诉讼\x00": titled(2, 3), `"检" OR`: nil, "法治日报": titled(1, 2, 3),
	} {
		doc := s.search(q)
		if got := texts(doc, "main .entries li a"); !slices.Equal(got, want) {
			t.Errorf("the page for %q shows %q, want %q", q, got, want)
		}
		if found := doc.Find("main p[role=status]").Length() == 0; found != (want != nil) {
			t.Errorf("the page for %q says that it found something: %v", q, found)
		}
		for _, format := range []string{"rss", "atom", "json"} {
			if got := s.read("/feeds/search." + format + "?q=" + url.QueryEscape(q)).titles; !slices.Equal(got, want) {
				t.Errorf("in %s %q finds %q, want %q", format, q, got, want)
			}
		}
	}
}

func TestWithoutAQueryThereIsAFormAndNoFeed(t *testing.T) {
	s := library(t)
	for _, query := range []string{"", "?", "?q=", "?q=%20%09", "?x=y", "?q=%zz", "?Q=检", "?q=%00"} {
		doc := html(t, s.get("/search"+query), 200)
		if doc.Find("form[action='/search'] input[name=q]").Length() != 1 || doc.Find(".entries, p[role=status], .addresses").Length() != 0 {
			t.Errorf("/search%s shows more than a form", query)
		}
		if got := attrs(doc, "head link[rel=alternate]", "href"); slices.ContainsFunc(got, func(href string) bool { return strings.Contains(href, "search") }) {
			t.Errorf("/search%s leads to the feeds %v", query, got)
		}
		for _, format := range []string{"rss", "atom", "json"} {
			wantStatus(t, s.get("/feeds/search."+format+query), 400)
		}
	}
	if s.articles.searched != nil && slices.ContainsFunc(s.articles.searched, func(q string) bool { return q != "" }) {
		t.Errorf("searched for %q", s.articles.searched)
	}
	for _, target := range []string{"/feeds/search", "/feeds/search.xml?q=检", "/feeds/search.?q=检", "/feeds/search/archive/1.rss?q=检", "/search/?q=检", "/search.rss?q=检"} {
		wantStatus(t, s.get(target), 404)
	}
}

func TestAQueryThatCannotBeLookedForIsExplained(t *testing.T) {
	s := library(t)
	for q, want := range map[string]string{
		strings.Repeat("检", 101): "检索词最多 100 个字", "一 二 三 四 五 六 七 八 九": "检索词最多 8 个", "，。": "请输入要检索的词", strings.Repeat("长", 5000): "检索词最多 100 个字",
	} {
		doc := s.search(q, "Accept-Language: zh")
		if got := texts(doc, "main p[role=status]"); len(got) != 1 || !strings.Contains(got[0], want) {
			t.Errorf("for %.30q the page says %q, want %q", q, got, want)
		}
		if got := attrs(doc, "head link[rel=alternate]", "href"); doc.Find(".entries, .addresses").Length() != 0 || strings.Contains(strings.Join(got, " "), "search") {
			t.Errorf("for %.30q the page offers a feed: %.100q", q, got)
		}
		for _, format := range []string{"rss", "atom", "json"} {
			html(t, s.get("/feeds/search."+format+"?q="+url.QueryEscape(q)), 400)
		}
	}
	// The longest that is looked for.
	s.search(strings.Repeat("检", 100))
	wantStatus(t, s.get("/feeds/search.rss?q="+strings.Repeat("检", 100)), 200)
}

func TestAQueryIsOnlyTextOnThePage(t *testing.T) {
	s := library(t)
	plain := s.search("检察")
	for _, q := range []string{`<script>alert(1)</script>检察`, `"><img src=x onerror=alert(1)>`, `' autofocus onfocus='alert(1)`, `</title><script>x</script>`, `{{.Title}}`, `javascript:alert(1)`, `a&b=c#d?e%41+f`} {
		doc := s.search(q)
		if got := doc.Find("input[name=q]").AttrOr("value", ""); got != q {
			t.Errorf("the form holds %q, want %q", got, q)
		}
		if got := doc.Find("title").Text(); !strings.Contains(got, q) {
			t.Errorf("the title is %q", got)
		}
		for _, selector := range []string{"script", "img", "input", "[onerror]", "[onfocus]", "[autofocus]", "body *:not(li):not(a):not(span):not(time):not(code):not(ul):not(ol):not(p):not(section):not(h2)"} {
			if n, want := doc.Find(selector).Length(), plain.Find(selector).Length(); n > want {
				t.Errorf("%q makes %d of %s, want %d", q, n, selector, want)
			}
		}
		for _, href := range append(attrs(doc, "main .addresses a", "href"), attrs(doc, "head link[rel=alternate]", "href")[:3]...) {
			u, err := url.Parse(href)
			if err != nil || u.Query().Get("q") != q || u.Host != "" || u.Fragment != "" {
				t.Errorf("%q is asked for at %s, %v", q, href, err)
			}
			wantStatus(t, s.get(href), 200)
		}
	}
}

func TestASearchsPageLeadsToItsOwnFeedFirst(t *testing.T) {
	for _, base := range []string{"", "/news"} {
		s := library(t, func(set *Settings) { set.URL = address + base })
		r := s.get(base + "/search?q=" + url.QueryEscape("公益 诉讼"))
		if robots := r.Header.Get("X-Robots-Tag"); robots != "noindex" {
			t.Errorf("X-Robots-Tag %q", robots)
		}
		doc := html(t, r, 200)
		var want []string
		for _, format := range []string{"rss", "atom", "json"} {
			want = append(want, base+"/feeds/search."+format+"?q=%E5%85%AC%E7%9B%8A+%E8%AF%89%E8%AE%BC")
		}
		if got := attrs(doc, "head link[rel=alternate]", "href"); len(got) != 12 || !slices.Equal(got[:3], want) {
			t.Errorf("links %v", got)
		}
		if got := attrs(doc, "main .addresses a", "href"); !slices.Equal(got, want) {
			t.Errorf("addresses %v", got)
		}
		if got := texts(doc, "main .addresses code"); got[0] != address+want[0] {
			t.Errorf("to be copied: %v", got)
		}
		for _, href := range want {
			wantStatus(t, s.get(href), 200)
		}
	}
	if robots := library(t).get("/search").Header.Get("X-Robots-Tag"); robots != "" {
		t.Errorf("the form is hidden from search engines: %s", robots)
	}
}
