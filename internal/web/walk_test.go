package web

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"jianxun/feedgen"
	"jianxun/internal/news"
)

// arrival is the n-th article to come. Every third is dated long ago, every
// second is a notice, every third but one tells of a lawsuit.
func arrival(n int) news.Article {
	a := page(-n)
	a.Text, a.Body = "一则消息。", "" // so that the walks take less time
	if n%3 == 0 {
		a.Published = monday.AddDate(0, -1, -n)
	}
	if n%2 == 0 {
		a.Column = "通知公告"
	}
	if n%3 != 1 {
		a.Text += "公益诉讼。"
	}
	return a
}

// sixFeeds are a long and a short one of everything, of a column and of a keyword.
func sixFeeds(set *Settings) {
	set.Feeds = nil
	for _, items := range []int{50, 10} {
		for _, f := range []news.Feed{{Slug: news.AllFeed}, {Slug: "tongzhi", Filter: news.Filter{Columns: []string{"通知公告"}}}, {Slug: "susong", Filter: news.Filter{Keywords: []string{"公益诉讼"}}}} {
			if f.Items, f.Title = items, f.Slug; items == 10 {
				f.Slug += "-10"
			}
			set.Feeds = append(set.Feeds, f)
		}
	}
}

// answered is a document as it was answered.
type answered struct {
	body []byte
	tag  string
}

// walk follows a feed from its subscription document to its beginning, as RFC
// 5005 and JSON Feed have it, and adds the archive documents to seen.
func (s *site) walk(slug string, format feedgen.Format, seen map[string]answered) (items []string) {
	s.t.Helper()
	for target := s.Links().Feed(slug, format); target != ""; {
		r := s.get(target)
		wantStatus(s.t, r, 200)
		tag, b := r.Header.Get("Etag"), body(s.t, r)
		r.Body = readAgain(b)
		d := parse(s.t, r)
		if d.self != target {
			s.t.Errorf("%s calls itself %s", target, d.self)
		}
		if strings.Contains(target, "/archive/") {
			if was, ok := seen[target]; ok && (was.tag != tag || !bytes.Equal(was.body, b)) {
				s.t.Errorf("%s has changed", target)
			}
			seen[target] = answered{b, tag}
		}
		items, target = append(items, d.items...), d.prev
	}
	return items
}

// wantWalks expects that a walk through the feed in each of the formats gives
// each of the articles that the feed takes once, in one order.
func (s *site) wantWalks(f news.Feed, articles []news.Article, seen map[string]answered, formats ...feedgen.Format) {
	s.t.Helper()
	want := map[string]bool{}
	for _, a := range articles {
		if f.Match(a) {
			want[urn(a)] = true
		}
	}
	var first []string
	for i, format := range formats {
		items, got := s.walk(f.Slug, format, seen), map[string]bool{}
		for _, item := range items {
			got[item] = true
		}
		if len(items) != len(want) || !maps.Equal(got, want) {
			s.t.Errorf("%s in %s, %d articles: the walk gives %d items, %d of them different; want %d", f.Slug, format, len(articles), len(items), len(got), len(want))
		}
		if i == 0 {
			first = items
		} else if !slices.Equal(items, first) {
			s.t.Errorf("%s, %d articles: in %s the walk gives other items than in %s", f.Slug, len(articles), format, formats[0])
		}
	}
}

func TestRequirement19TheWalkGivesEveryArticleOnce(t *testing.T) {
	s := newSite(t, sixFeeds)
	s.set(monday.Add(10 * time.Hour))
	var articles []news.Article
	seen := map[string]answered{}
	var beside *site
	for step, n := range []int{0, 1, 49, 50, 51, 100, 101, 237} {
		var batch []news.Article
		for len(articles)+len(batch) < n {
			batch = append(batch, arrival(len(articles)+len(batch)+1))
		}
		s.save(batch...)
		articles = append(articles, batch...)
		s.set(s.clock().Add(time.Minute))
		s.refresh()
		for i, f := range s.settings.Feeds {
			formats := feedgen.Formats()
			if f.Slug != news.AllFeed && n != 237 { // one of them is enough, by turns
				formats = formats[(step+i)%3:][:1]
			}
			s.wantWalks(f, articles, seen, formats...)
		}
		if n == 101 {
			beside = s.another()
		}
	}
	// Every document that any walk has seen, short pages of long ago too, still
	// stands, here, after a restart, and on a second Server that ran beside.
	beside.set(s.clock())
	beside.refresh()
	restarted := s.another()
	for target, was := range seen {
		for name, at := range map[string]*site{"here": s, "restarted": restarted, "beside": beside} {
			if name == "beside" && !strings.HasSuffix(target, ".rss") { // one format is enough
				continue
			}
			r := at.get(target)
			if tag := r.Header.Get("Etag"); r.StatusCode != 200 || tag != was.tag || !bytes.Equal(body(t, r), was.body) {
				t.Errorf("%s, %s: status %d, or its octets or tag %s are not those of before (%s)", name, target, r.StatusCode, tag, was.tag)
			}
		}
	}
	if kinds := kindsOf(seen); kinds != "full: 42, short: 41" {
		t.Errorf("the walks saw other documents than were meant: %s", kinds)
	}
}

// kindsOf counts full and short archive documents.
func kindsOf(seen map[string]answered) string {
	short := 0
	for target := range seen {
		if strings.Contains(target[strings.LastIndex(target, "/"):], "-") {
			short++
		}
	}
	return fmt.Sprintf("full: %d, short: %d", len(seen)-short, short)
}

// TestRequirement19ALateArticleGoesToTheEndOfTheArchive: it is older than all
// that is archived, and still no document that names them changes.
func TestRequirement19ALateArticleGoesToTheEndOfTheArchive(t *testing.T) {
	s := archived(t, 51)
	late := page(999)
	s.save(late)
	s.refresh()
	if d := s.read(s.read("/feeds/all.atom").prev); d.self != address+"/feeds/all/archive/2-2.atom" || !slices.Equal(d.items, []string{urn(late), urn(page(10))}) {
		t.Errorf("%s holds %v", d.self, d.titles)
	}
}
