package web

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"jianxun/internal/news"
)

// issue saves an issue of the weekly and brings it to where it is to stand.
func (s *site) issue(year int, steps ...news.IssueState) news.Issue {
	s.t.Helper()
	is, err := s.store.SaveIssue(s.t.Context(), news.Issue{Digest: "weekly", Title: "检察要闻周报", Year: year, WindowTo: monday})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, next := range steps {
		if err := s.store.MoveIssue(s.t.Context(), is.ID, next); err != nil {
			s.t.Fatal(err)
		}
	}
	return is
}

var sent = []news.IssueState{news.Approved, news.Sending, news.Sent}

func TestEveryPageSaysWhatItIsAndWhereItsFeedsAre(t *testing.T) {
	s := filled(t, 3, withMailbox)
	s.issue(2026, sent...)
	token := s.subscribed("a@example.org")
	for target, status := range map[string]int{
		"/": 200, "/feeds/all": 200, "/feeds/yaowen": 200, "/articles/" + idOf(page(1)): 200, "/issues/weekly": 200, "/issues/weekly/2026-1": 200,
		"/u/" + token: 200, "/mail": 200, "/mail/1.eml": 200, "/nothing": 404, "/articles/x": 404, "/u/x": 404,
	} {
		doc := html(t, s.get(target, "Host: localhost"), status)
		if lang := doc.Find("html").AttrOr("lang", ""); lang != "zh-CN" {
			t.Errorf("%s is in %q", target, lang)
		}
		if title := texts(doc, "head title"); len(title) != 1 || !strings.Contains(title[0], "检讯") || len(title[0]) == len("检讯") && target != "/" {
			t.Errorf("%s has the title %q", target, title)
		}
		if n := doc.Find("h1").Length(); n != 1 {
			t.Errorf("%s has %d first headings", target, n)
		}
		for kind, format := range map[string]string{"application/rss+xml": "rss", "application/atom+xml": "atom", "application/feed+json": "json"} {
			got := attrs(doc, fmt.Sprintf("head link[rel=alternate][type=%q]", kind), "href")
			if len(got) != 3 || !slices.Contains(got, "/feeds/all."+format) {
				t.Errorf("%s leads to the feeds %v", target, got)
			}
			for _, href := range got {
				wantStatus(t, s.get(href), 200)
			}
		}
		if n := doc.Find("script:not([src^='/copy.js?']), [onclick], [style]").Length(); n != 0 {
			t.Errorf("%s has %d things that its policy forbids", target, n)
		}
	}
}

func TestAFeedsPageLeadsToItsOwnFeedFirst(t *testing.T) {
	s := filled(t, 3)
	doc := html(t, s.get("/feeds/tongzhi"), 200)
	if got := attrs(doc, "head link[rel=alternate]", "href"); got[0] != "/feeds/tongzhi.rss" || len(got) != 9 {
		t.Errorf("links %v", got)
	}
	if got := attrs(doc, "main .addresses a", "href"); !slices.Equal(got, []string{"/feeds/tongzhi.rss", "/feeds/tongzhi.atom", "/feeds/tongzhi.json"}) {
		t.Errorf("addresses %v", got)
	}
	if got := texts(doc, "main .addresses code"); got[1] != address+"/feeds/tongzhi.atom" {
		t.Errorf("to be copied: %v", got)
	}
	if got := attrs(html(t, s.get("/feeds/yaowen"), 200), "main .entries a", "href"); len(got) != 3 || got[0] != "/articles/"+idOf(page(0)) {
		t.Errorf("entries %v", got)
	}
}

func TestTheFrontPageShowsNewestColumnsFeedsAndDigests(t *testing.T) {
	s := filled(t, 40)
	doc := html(t, s.get("/"), 200)
	if got := texts(doc, ".entries li a"); len(got) != homeEntries || got[0] != "第0篇稿件" {
		t.Errorf("entries %v", got)
	}
	if got := texts(doc, ".tags span"); !slices.Equal(got, []string{"检察要闻"}) {
		t.Errorf("columns %v", got)
	}
	if got := attrs(doc, "main ul.plain li > a", "href"); !slices.Equal(got, []string{"/feeds/all", "/feeds/yaowen", "/feeds/tongzhi", "/issues/weekly"}) {
		t.Errorf("leads to %v", got)
	}
	if got := attrs(doc, "link[rel=canonical]", "href"); !slices.Equal(got, []string{address + "/"}) {
		t.Errorf("canonical %v", got)
	}
	empty := html(t, newSite(t).get("/"), 200)
	if empty.Find(".entries").Length() != 0 || empty.Find("main p").Length() == 0 {
		t.Error("an empty site does not say what to do")
	}
}

func TestAnArticlesPage(t *testing.T) {
	s := filled(t, 3)
	a := page(1)
	doc := html(t, s.get("/articles/"+idOf(a)), 200)
	if got := texts(doc, "article h1"); !slices.Equal(got, []string{a.Title}) {
		t.Errorf("heading %v", got)
	}
	if got := doc.Find("article time").AttrOr("datetime", ""); got != "2026-09-28T08:59:00+08:00" {
		t.Errorf("time %q", got)
	}
	if got := attrs(doc, "article a[rel=external]", "href"); !slices.Equal(got, []string{a.URL}) {
		t.Errorf("original %v", got)
	}
	if got := texts(doc, ".body p"); len(got) != 1 {
		t.Errorf("body %v", got)
	}
}

func TestOnlyArticlesThatArePublicHaveAPage(t *testing.T) {
	s := filled(t, 3)
	future := page(9)
	future.Published = s.clock().Add(time.Hour)
	s.save(future)
	s.withdraw(page(1))
	for target, want := range map[string]int{
		idOf(page(0)): 200, idOf(page(1)): 410, idOf(future): 404, idOf(page(5)): 404,
		idOf(page(0))[:8]: 404, strings.ToUpper(idOf(page(0))): 404, "x": 404, "%00": 404, idOf(page(0)) + "/x": 404,
	} {
		doc := html(t, s.get("/articles/"+target), want)
		if shown := doc.Find("article").Length() > 0; shown != (want == 200) {
			t.Errorf("%s shows an article: %v", target, shown)
		}
	}
	s.set(future.Published)
	wantStatus(t, s.get("/articles/"+idOf(future)), 200)
}

func TestOnlyIssuesThatLeftHaveAPage(t *testing.T) {
	s := filled(t, 3)
	s.issue(2026, sent...)
	s.issue(2026, news.Cancelled)
	s.issue(2026, news.Approved, news.Sending)
	s.issue(2027, sent...)
	s.issue(2027, news.Approved)
	for ref, want := range map[string]int{
		"2026-1": 200, "2026-2": 404, "2026-3": 200, "2027-1": 200, "2027-2": 404, "1": 200, "3": 200, "2": 404, "9": 404,
		"0": 404, "-1": 404, "2026-0": 404, "x": 404, "2026-": 404, "99999999999999999999": 404, "9999999999": 404, "2026-9999999999": 404, "3000000000-1": 404,
	} {
		wantStatus(t, s.get("/issues/weekly/"+ref), want)
	}
	wantStatus(t, s.get("/issues/daily/1"), 404)
	wantStatus(t, s.get("/issues/daily"), 404)
	// A number without its year means the newest such; its address for ever has the year.
	doc := html(t, s.get("/issues/weekly/1"), 200)
	if got := attrs(doc, "link[rel=canonical]", "href"); !slices.Equal(got, []string{address + "/issues/weekly/2027-1"}) {
		t.Errorf("canonical %v", got)
	}
	list := html(t, s.get("/issues/weekly"), 200)
	if got := attrs(list, ".entries a", "href"); !slices.Equal(got, []string{"/issues/weekly/2027-1", "/issues/weekly/2026-3", "/issues/weekly/2026-1"}) {
		t.Errorf("issues %v", got)
	}
}

func TestPagesSpeakTheLanguageAskedFor(t *testing.T) {
	s := filled(t, 3)
	for accept, want := range map[string]string{
		"": "zh-CN", "zh-CN,zh;q=0.9,en;q=0.8": "zh-CN", "en": "en", "en-GB,en;q=0.9": "en", "fr, de": "zh-CN", "en;q=0, zh": "zh-CN",
	} {
		for target, status := range map[string]int{"/": 200, "/nothing": 404, "/u/x": 404} {
			r := s.get(target)
			if accept != "" {
				r = s.get(target, "Accept-Language: "+accept)
			}
			if doc := html(t, r, status); doc.Find("html").AttrOr("lang", "") != want {
				t.Errorf("%s for %q is in %q, want %q", target, accept, doc.Find("html").AttrOr("lang", ""), want)
			}
		}
	}
	for accept, want := range map[string]string{"zh": "没有找到 · 检讯", "en": "Not found · 检讯"} {
		if got := texts(html(t, s.get("/nothing", "Accept-Language: "+accept), 404), "title"); got[0] != want {
			t.Errorf("the title is %q, want %q", got[0], want)
		}
	}
	if got := texts(html(t, s.do("POST", "/"), 405), "main p")[0]; got != "此网址不接受 POST" {
		t.Errorf("a POST is told %q", got)
	}
}

func TestASiteMayLieBelowAPath(t *testing.T) {
	for _, base := range []string{"/news", "/检讯/a"} {
		s := filled(t, 3, func(set *Settings) { set.URL = "https://www.example.org" + base })
		escaped := s.Links().Base()
		want := string(body(t, s.get("/feeds/all.atom")))
		if got := string(body(t, s.get(escaped+"/feeds/all.atom"))); got != want || len(got) == 0 {
			t.Errorf("below %s the feed is another", base)
		}
		for _, prefix := range []string{"", escaped} { // the proxy strips the path, or passes it on
			for target, status := range map[string]int{"/": 200, "/feeds/yaowen": 200, "/articles/" + idOf(page(1)): 200, "/nothing": 404} {
				doc := html(t, s.get(prefix+target), status)
				for _, href := range append(attrs(doc, "head link:not([rel=canonical])", "href"), attrs(doc, "body a[href^='/']", "href")...) {
					if !strings.HasPrefix(href, escaped+"/") {
						t.Errorf("%s leads to %s", prefix+target, href)
						continue
					}
					wantStatus(t, s.get(href), 200)
				}
			}
		}
		wantStatus(t, s.get(escaped), 200)
		wantStatus(t, s.get(escaped+"x/"), 404)
	}
}
