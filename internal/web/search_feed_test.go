package web

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"jianxun/feedgen"
)

func TestASearchFeedKnowsItsAddressAndKeepsItsID(t *testing.T) {
	s := library(t)
	ids := map[string]string{}
	for q, want := range map[string]string{"诉讼": "%E8%AF%89%E8%AE%BC", "公益 诉讼": "%E5%85%AC%E7%9B%8A+%E8%AF%89%E8%AE%BC", "5G&a=b#c": "5G%26a%3Db%23c", "诉讼+": "%E8%AF%89%E8%AE%BC%2B", "who": "who"} {
		for _, asked := range []string{"?q=" + want, "?utm_source=x&q=" + want + "&format=html", "?q=%20+" + want + "+%20"} {
			for _, format := range feedgen.Formats() {
				r := s.get("/feeds/search." + string(format) + asked)
				self, d := address+"/feeds/search."+string(format)+"?q="+want, parse(t, r)
				if link := linked(r); d.self != self || !slices.Equal(link["self"], []string{self}) || len(link["hub"])+len(link["prev-archive"]) > 0 {
					t.Errorf("%q calls itself %s and has %v, want %s", q, d.self, link, self)
				}
				if format != feedgen.Atom {
					continue
				}
				if was, ok := ids[q]; ok && was != d.id || d.id == "" {
					t.Errorf("the id of %q is %s and %s", q, was, d.id)
				}
				ids[q] = d.id
			}
		}
	}
	all := []string{s.read("/feeds/all.atom").id}
	for _, id := range ids {
		all = append(all, id)
	}
	if slices.Sort(all); len(slices.Compact(all)) != 6 {
		t.Errorf("ids are alike: %v", ids)
	}
	// Another day, with other articles, on another Server it is the same.
	s.publish(telling(-1, "又一件诉讼。"))
	again := s.another()
	for q, want := range ids {
		if d := again.read("/feeds/search.atom?q=" + url.QueryEscape(q)); d.id != want {
			t.Errorf("the id of %q is %s, was %s", q, d.id, want)
		}
	}
}

func TestASearchIsKeptUntilTheNextChange(t *testing.T) {
	s := library(t)
	every := []string{"/search?q=诉讼", "/feeds/search.rss?q=诉讼", "/feeds/search.atom?q=诉讼", "/feeds/search.json?q=诉讼", "/search?q=+诉讼+&x=y"}
	wantSearches := func(n int) {
		t.Helper()
		for _, target := range append(every, every...) {
			wantStatus(t, s.get(target), 200)
			wantStatus(t, s.do("HEAD", target), 200)
		}
		if got := len(s.articles.searched); got != n {
			t.Errorf("searched %d times, want %d: %q", got, n, s.articles.searched)
		}
	}
	wantSearches(1)
	tag := s.tag(every[2])
	wantStatus(t, s.get(every[2], "If-None-Match: "+tag), 304)
	s.set(s.clock().Add(time.Minute))
	s.refresh() // sees no change
	wantSearches(1)
	s.publish(telling(-1, "又一件诉讼。"))
	wantSearches(2)
	if got := s.read(every[2]).titles; !slices.Equal(got, titled(-1, 2, 3)) {
		t.Errorf("it finds %v", got)
	}
	wantStatus(t, s.get(every[2], "If-None-Match: "+tag), 200)
	s.publish(telling(-2, "别的事。"))
	tag = s.tag(every[2])
	wantSearches(3)
	wantStatus(t, s.get(every[2], "If-None-Match: "+tag), 304) // looked for again, and found the same
	s.reload()
	wantSearches(4)
	wantStatus(t, s.get(every[2], "If-None-Match: "+tag), 304)
}

func TestRequirement20SearchesFollowWithdrawals(t *testing.T) {
	s := library(t)
	every := []string{"/feeds/search.rss?q=诉讼", "/feeds/search.atom?q=诉讼", "/feeds/search.json?q=诉讼"}
	want := func(numbers ...int) {
		t.Helper()
		for _, target := range every {
			if got := s.read(target).titles; !slices.Equal(got, titled(numbers...)) {
				t.Errorf("%s finds %v, want %v", target, got, titled(numbers...))
			}
		}
		if got := texts(s.search("诉讼"), "main .entries li a"); !slices.Equal(got, titled(numbers...)) {
			t.Errorf("the page shows %v, want %v", got, titled(numbers...))
		}
	}
	want(2, 3)
	s.withdraw(page(2))
	s.refresh()
	want(3)
	s.restore(page(2))
	s.refresh()
	want(2, 3)
	coming := telling(-5, "将来的诉讼。")
	coming.Published = s.clock().Add(time.Hour)
	s.save(coming)
	s.refresh()
	want(2, 3)
	s.set(coming.Published)
	s.refresh() // nothing but the time has changed
	want(-5, 2, 3)
}

func TestRequirement27SearchesOfOneClientAreLimited(t *testing.T) {
	s := library(t, limited(0, 2))
	s.set(monday.Add(20 * time.Second))
	for _, c := range []struct {
		remote, target string
		want           int
	}{
		{reader, "/search?q=检察", 200}, {reader, "/feeds/search.rss?q=诉讼", 200},
		{reader, "/search?q=机关", 429}, {reader, "/feeds/search.atom?q=机关", 429}, {reader, "/search?q=，", 429},
		// What is in memory costs nothing, in whatever form.
		{reader, "/search?q=检察", 200}, {reader, "/feeds/search.json?q=检察", 200}, {reader, "/search?q=诉讼", 200}, {reader, "/feeds/search.rss?q=诉讼", 200},
		{reader, "/search", 200}, {reader, "/feeds/all.rss", 200},
		{neighbour, "/search?q=机关", 200}, {reader, "/search?q=机关", 200}, {reader, "/search?q=公告", 429},
		{"127.0.0.1:1", "/search?q=公告a", 200}, {"127.0.0.1:1", "/search?q=公告b", 200}, {"127.0.0.1:1", "/search?q=公告c", 200},
	} {
		r := s.from(c.remote, c.target)
		if r.StatusCode != c.want {
			t.Errorf("%s from %s is %d, want %d", c.target, c.remote, r.StatusCode, c.want)
		}
		if c.want == 429 && (r.Header.Get("Retry-After") != "40" || r.Header.Get("Cache-Control") != "no-store") {
			t.Errorf("%s is refused with %v", c.target, r.Header)
		}
	}
	s.set(monday.Add(60 * time.Second))
	wantStatus(t, s.from(reader, "/search?q=公告"), 200)
}

func TestASearchGivesTheNewestOfMany(t *testing.T) {
	s := filled(t, foundAtMost+2)
	d := s.read("/feeds/search.rss?q=检察机关")
	if len(d.items) != foundAtMost || d.items[0] != urn(page(0)) {
		t.Errorf("%d items from %s on", len(d.items), d.titles[0])
	}
	if got := texts(s.search("检察机关"), "main h2")[0]; got != "最新 50 篇" {
		t.Errorf("the page says %q", got)
	}
	if got := texts(s.search("第7篇"), "main h2")[0]; got != "找到 1 篇" {
		t.Errorf("the page says %q", got)
	}
}

// A search keeps as much of a text as a summary needs, and the cut may fall
// into a character.
func TestASearchFeedHoldsSummariesOfWholeCharacters(t *testing.T) {
	s := newSite(t)
	for n := range 3 {
		a := page(n)
		a.Text, a.Body = strings.Repeat("x", n)+strings.Repeat("检", 1000), "<p>正文</p>"
		s.save(a)
	}
	s.set(monday.Add(time.Hour))
	s.refresh()
	for _, format := range feedgen.Formats() {
		b := string(body(t, s.get("/feeds/search."+string(format)+"?q=检")))
		if strings.Contains(b, "\ufffd") || strings.Contains(b, "正文") || strings.Count(b, "检检检") < 3 {
			t.Errorf("%s: %.2000s", format, b)
		}
	}
}
