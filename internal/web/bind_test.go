package web

import (
	"bytes"
	"net/url"
	"slices"
	"strings"
	"testing"

	"jianxun/feedgen"
	"jianxun/internal/news"
)

var hubs = []string{"https://hub.example.net/", "https://news.example.org/hub?a=b&c=d"}

func TestRequirement29FeedsNameTheirHubsAndThemselves(t *testing.T) {
	s := archived(t, 51, func(set *Settings) { set.Hubs = hubs })
	for _, format := range feedgen.Formats() {
		for target, want := range map[string][]string{
			"/feeds/all." + string(format): hubs, archives(format, "1")[0]: nil, archives(format, "2-1")[0]: nil, "/feeds/search." + string(format) + "?q=w": nil, // only what changes is a topic
		} {
			for _, method := range []string{"GET", "HEAD"} {
				link := linked(s.do(method, target))
				if !slices.Equal(link["hub"], want) || !slices.Equal(link["self"], []string{address + target}) {
					t.Errorf("the header of %s %s names the hubs %q and itself %q", method, target, link["hub"], link["self"])
				}
			}
			if d := s.read(target); !slices.Equal(d.hubs, want) || d.self != address+target {
				t.Errorf("%s names the hubs %q and itself %q", target, d.hubs, d.self)
			}
		}
	}
	if d, link := s.read("/feeds/all.deleted.atom"), linked(s.get("/feeds/all.deleted.atom")); len(d.hubs)+len(link["hub"]) > 0 {
		t.Errorf("the address that tells of withdrawals names %v and %v", d.hubs, link)
	}
	s.settings.Hubs = nil
	s.reload()
	if d, link := s.read("/feeds/all.rss"), linked(s.get("/feeds/all.rss")); len(d.hubs)+len(link["hub"]) > 0 || len(link["self"]) != 1 {
		t.Errorf("without hubs it names %v and %v", d.hubs, link)
	}
}

// A hub is asked for a feed by the address that the feed gives itself.
func TestRequirement29TopicsAreWhatFeedsCallThemselves(t *testing.T) {
	s := filled(t, 3, renamed)
	for _, base := range bases {
		s.below(base)
		topics := s.Topics()
		if len(topics) != 6 { // of two feeds; the third has been retired
			t.Errorf("topics %v", topics)
		}
		for _, name := range []string{"all.rss", "all.atom", "all.json", "yaowen.rss", "yaowen.atom", "yaowen.json"} {
			r := s.get("/feeds/" + name)
			tag, b := strings.Trim(r.Header.Get("Etag"), `"`), body(t, r)
			r.Body = readAgain(b)
			d := parse(t, r)
			content, kind, err := s.Topic(d.self)
			if err != nil || !bytes.Equal(content, b) || kind != r.Header.Get("Content-Type") || topics[d.self] != tag {
				t.Errorf("%s gives %d octets of %s with the tag %s, %v; served are %d with %s", d.self, len(content), kind, topics[d.self], err, len(b), tag)
			}
		}
		for _, none := range []string{"", "/feeds/all.rss", s.settings.URL + "/feeds/tongzhi.rss", s.settings.URL + "/feeds/jiancha.rss", s.settings.URL + "/feeds/all.deleted.atom", "https://example.com/feeds/all.rss"} {
			if _, _, err := s.Topic(none); news.CodeOf(err) != news.NotFound {
				t.Errorf("%q is a topic: %v", none, err)
			}
		}
	}
}

// A header field holds ASCII, whatever the site's address is written in; and the
// document says the very same.
func TestRequirement29TheHeaderNamesWhatTheDocumentNames(t *testing.T) {
	s := archived(t, 51, func(set *Settings) {
		set.URL = "https://www.example.org/检讯/a"
		set.Hubs = []string{"https://hub.example.net/枢纽?名=<检>"}
	})
	for _, format := range feedgen.Formats() {
		for _, target := range append(archives(format, "1", "2-1"), "/feeds/all."+string(format), "/feeds/search."+string(format)+"?q=检") {
			r := s.get(target)
			field := r.Header.Get("Link")
			if strings.ContainsFunc(field, func(c rune) bool { return c < ' ' || c > '~' }) {
				t.Errorf("%s has the field %q", target, field)
			}
			link, d := linked(r), parse(t, r)
			// JSON Feed has a word for what was before, and none for current and next.
			if !slices.Equal(link["self"], []string{d.self}) || !slices.Equal(link["hub"], d.hubs) || strings.Join(link["prev-archive"], "") != d.prev ||
				format != feedgen.JSON && (strings.Join(link["current"], "") != d.current || strings.Join(link["next-archive"], "") != d.next) {
				t.Errorf("%s: the header says %q, the document %+v", target, field, d)
			}
			for rel, addresses := range link {
				if u, err := url.Parse(addresses[0]); err != nil || rel != "hub" && !strings.HasPrefix(addresses[0], "https://www.example.org"+s.Links().Base()+"/feeds/") {
					t.Errorf("%s: %s is %s, %v", target, rel, u, err)
				}
			}
		}
	}
}

func TestRequirement13ArticlesAreCreditedToWhereTheyCameFrom(t *testing.T) {
	const upstream = "https://upstream.example.com/检.xml"
	s := newSite(t, func(set *Settings) {
		set.Sources = []news.Source{
			{Name: "wire", Kind: news.FeedSource, URL: upstream}, {Name: "pages", Kind: news.DirectorySource, Path: "/pages"}, {Name: "one", Kind: news.PageSource, URL: "https://one.example.com/x.html"},
		}
	})
	article := func(n int, source, address, origin string) news.Article {
		a := page(n)
		a.Source, a.URL, a.Origin = source, address, origin
		return a
	}
	s.save(article(0, "wire", "https://www.example.org/0", "新华社"), article(1, "wire", "https://www.example.org/1", ""), article(2, "pages", "https://www.example.org:8443/a/2.html", "检察日报"),
		article(3, "one", "https://one.example.com/x.html", "一家"), article(4, "gone", "http://gone.example.com/4", "旧源"),
		article(5, "pages", "", "无处可寻"), article(6, "pages", "https://www.example.org/6", ""))
	s.set(monday.Add(1))
	s.refresh()
	const encoded = "https://upstream.example.com/%E6%A3%80.xml"
	want := []credit{
		{Title: "新华社", Feed: encoded}, {Title: "wire", Feed: encoded}, // a feed that is not named is called by its source
		{Title: "检察日报", Home: "https://www.example.org:8443/"}, {Title: "一家", Home: "https://one.example.com/"}, {Title: "旧源", Home: "http://gone.example.com/"},
	}
	if got := s.read("/feeds/all.atom").sources; !slices.Equal(got, want) {
		t.Errorf("Atom credits %+v, want %+v", got, want)
	}
	for i := range want { // RSS has one word for both
		want[i].Feed, want[i].Home = want[i].Feed+want[i].Home, ""
	}
	if got := s.read("/feeds/all.rss").sources; !slices.Equal(got, want) {
		t.Errorf("RSS credits %+v, want %+v", got, want)
	}
}
