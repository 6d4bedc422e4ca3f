package web

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"jianxun/internal/news"
)

// withdrawn is a site of three articles an hour after one of them was withdrawn.
func withdrawn(t *testing.T) (s *site, a news.Article, when time.Time) {
	t.Helper()
	s, a = filled(t, 3), page(1)
	s.set(s.clock().Add(time.Hour))
	when = s.clock()
	s.withdraw(a)
	s.refresh()
	s.set(s.clock().Add(time.Hour))
	return s, a, when
}

var yaowenAndAll = []string{"/feeds/all.rss", "/feeds/all.atom", "/feeds/all.json", "/feeds/all.deleted.atom",
	"/feeds/yaowen.rss", "/feeds/yaowen.atom", "/feeds/yaowen.json", "/feeds/yaowen.deleted.atom"}

func TestRequirement20AWithdrawnArticleIsNowhereAtTheNextRefresh(t *testing.T) {
	s := filled(t, 3)
	a, since := page(1), s.get("/feeds/yaowen.atom").Header.Get("Last-Modified")
	everywhere := append(slices.Clone(yaowenAndAll), "/", "/feeds/all", "/feeds/yaowen", "/search?q=第1篇", "/feeds/search.rss?q=第1篇", "/feeds/search.atom?q=第1篇", "/feeds/search.json?q=第1篇")
	for _, target := range everywhere {
		if !strings.Contains(string(body(t, s.get(target))), a.Title) {
			t.Errorf("%s does not hold the article to begin with", target)
		}
	}
	s.set(s.clock().Add(time.Hour))
	s.withdraw(a)
	s.refresh()
	s.set(s.clock().Add(time.Hour))
	for _, target := range everywhere {
		r := s.get(target)
		wantStatus(t, r, 200)
		if b := body(t, r); bytes.Contains(b, []byte(a.Title)) || bytes.Contains(b, []byte(a.URL)) || bytes.Contains(b, []byte("/articles/"+idOf(a))) {
			t.Errorf("%s still holds it", target)
		}
	}
	s.wantFeed("all.rss", "第0篇稿件", "第2篇稿件")
	wantStatus(t, s.get("/feeds/yaowen.atom", "If-Modified-Since: "+since), 200)
}

func TestRequirement20TheAddressOfAWithdrawnArticleSaysSo(t *testing.T) {
	s, a, _ := withdrawn(t)
	for accept, want := range map[string]string{"zh": "这篇稿件已于2026年9月28日撤下", "en": "this article was withdrawn on 28 September 2026"} {
		doc := html(t, s.get("/articles/"+idOf(a), "Accept-Language: "+accept), 410)
		if got := doc.Find("main").Text(); !strings.Contains(got, want) {
			t.Errorf("the reader is told %q, want %q", got, want)
		}
		if whole, err := doc.Html(); err != nil || strings.Contains(whole, a.Title) || strings.Contains(whole, "依法履职") {
			t.Errorf("the page still shows some of it: %v", err)
		}
	}
	if cache := s.get("/articles/" + idOf(a)).Header.Get("Cache-Control"); cache != "no-store" { // it may come back
		t.Errorf("Cache-Control %q", cache)
	}
	s.restore(a)
	wantStatus(t, s.get("/articles/"+idOf(a)), 200) // a page is read from the store: no refresh is needed
}

func TestRequirement20WithdrawalsAreToldAtAnAddressOfTheirOwn(t *testing.T) {
	s, a, when := withdrawn(t)
	for target, want := range map[string]map[string]string{
		"/feeds/all.deleted.atom": {urn(a): when.Format(time.RFC3339)}, "/feeds/yaowen.deleted.atom": {urn(a): when.Format(time.RFC3339)},
		"/feeds/tongzhi.deleted.atom": {}, "/feeds/all.atom": {}, "/feeds/yaowen.atom": {},
	} {
		d := s.read(target)
		if len(d.deleted) != len(want) || d.deleted[urn(a)] != want[urn(a)] {
			t.Errorf("%s tells of %v, want %v", target, d.deleted, want)
		}
	}
	for _, target := range yaowenAndAll {
		r := s.get(target)
		asked := strings.HasSuffix(target, deletedSuffix)
		if self := linked(r)["self"]; !slices.Equal(self, []string{address + target}) {
			t.Errorf("%s calls itself %v in its header", target, self)
		}
		if told := bytes.Contains(body(t, r), []byte("tombstones")); told != asked {
			t.Errorf("%s speaks of tombstones: %v", target, told)
		}
	}
	told, plain := s.read("/feeds/all.deleted.atom"), s.read("/feeds/all.atom")
	if told.id != plain.id || !slices.Equal(told.items, plain.items) || told.self != address+"/feeds/all.deleted.atom" {
		t.Errorf("the address that tells has the id %s and holds %v, the other %s and %v", told.id, told.titles, plain.id, plain.titles)
	}
	for _, target := range []string{"/feeds/all.deleted.rss", "/feeds/all.deleted.json", "/feeds/all.deleted", "/feeds/search.deleted.atom?q=a", "/feeds/none.deleted.atom"} {
		wantStatus(t, s.get(target), 404)
	}
}

func TestRequirement20AFeedIsAsNewAsItsNewestWithdrawal(t *testing.T) {
	s, _, when := withdrawn(t)
	for target, want := range map[string]string{
		"/feeds/all.atom": when.Format(time.RFC3339), "/feeds/all.deleted.atom": when.Format(time.RFC3339), "/feeds/yaowen.atom": when.Format(time.RFC3339),
		"/feeds/tongzhi.atom": "2000-01-01T08:00:00+08:00", // it has neither articles nor withdrawals
	} {
		if got := s.read(target).updated; got != want {
			t.Errorf("%s is of %s, want %s", target, got, want)
		}
	}
}

func TestRequirement20ARestoredArticleComesBack(t *testing.T) {
	s, a, when := withdrawn(t)
	s.restore(a)
	s.refresh()
	for _, target := range yaowenAndAll {
		d := s.read(target)
		if want := []string{urn(page(0)), urn(a), urn(page(2))}; !slices.Equal(d.items, want) {
			t.Errorf("%s holds %v", target, d.titles)
		}
		if len(d.deleted) > 0 {
			t.Errorf("%s still tells of %v", target, d.deleted)
		}
		if strings.HasSuffix(target, ".rss") { // has no such date
			continue
		}
		// A reader that was told of the deletion takes it back only if it is newer (RFC 6721).
		if at, err := time.Parse(time.RFC3339, d.changed[urn(a)]); err != nil || !at.After(when) {
			t.Errorf("%s: updated %s, withdrawn %v, %v", target, d.changed[urn(a)], when, err)
		}
	}
	if found := s.read("/feeds/search.json?q=第1篇"); !slices.Equal(found.items, []string{urn(a)}) {
		t.Errorf("searches find %v", found.titles)
	}
}

func TestRequirement20OnlyTheFeedsOfTheArticleAreRenewed(t *testing.T) {
	s := filled(t, 3)
	for _, c := range []struct {
		name   string
		change func(news.Article)
	}{{"withdrawing", s.withdraw}, {"restoring", s.restore}} {
		s.set(s.clock().Add(time.Minute))
		if renewed := s.renewedBy(func() { c.change(page(1)); s.refresh() }); !slices.Equal(renewed, yaowenDocuments) {
			t.Errorf("%s renewed %v, want %v", c.name, renewed, yaowenDocuments)
		}
	}
}

// What nobody has been shown is not told of.
func TestRequirement20AWithdrawalBeforeItsDayIsNotTold(t *testing.T) {
	s := filled(t, 3)
	coming := page(9)
	coming.Published = s.clock().Add(time.Hour)
	s.save(coming)
	s.withdraw(coming)
	s.refresh()
	if told := s.read("/feeds/all.deleted.atom").deleted; len(told) > 0 {
		t.Errorf("told of %v", told)
	}
}
