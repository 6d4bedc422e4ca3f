//go:build interop

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// newsroomSite has every way in which articles reach a feed: pages of both
// kinds and an upstream feed. Nothing is read again while a test runs.
const newsroomSite = `
sources:
  - {name: pages, kind: directory, path: pages, every: 24h}
  - {name: upstream, kind: feed, url: "%s/rss.xml", every: 24h, allow_private: [127.0.0.0/8]}
`

// headline is a title and a date that some reader might get wrong.
type headline struct{ title, when string }

func headlines() []headline {
	return []headline{
		{"甲院召开“公益诉讼”座谈会", "2025-09-01"}, // two pages of one day, without a time
		{"乙院 & 丙院会签 <意见> 与《办法》", "2025-09-01"},
		{"AT&T 与 R&D：3<5，5>3，\"引号\"和'撇号'", "2025-09-02 09:30"},
		{"𠮷林检察院走访𠀀村 😀", "2025-09-03 10:00:05"},
		{boldTitle, "2025-09-03 23:59:59"},
		{referenceTitle, "2025-09-04 00:00:01"},
		{"十二月三十一日深夜的稿件", "2024-12-31 23:30"},
	}
}

// Titles that look like HTML to whoever wants to see it in them.
const (
	boldTitle      = "网页里写 <b>加粗</b> 的规范"
	referenceTitle = "网页里写 &amp; 与 &lt;b&gt; 的规范"
)

// byQuery is the address of two pages that differ in the query alone.
const byQuery = "https://www.example.org/yw/show?id="

const keywords = "公益诉讼|未成年人|A&B"

const metaPage = `<html><head><meta charset="utf-8"><title>%s</title><link rel="canonical" href="` + byQuery + `%d">
<meta name="PubDate" content="2025-09-05 0%[2]d:00:00"><meta name="keywords" content="%[3]s"></head>
<body><h1>%[1]s</h1><div class="TRS_Editor"><p>正文。</p><p>第二段。<img src="/p/1.jpg"></p></div></body></html>`

// newsroom is a site with all that, which has read its sources.
func newsroom(t *testing.T) *site {
	t.Helper()
	s := newSite(t, fmt.Sprintf(newsroomSite, newUpstream(t).URL))
	for i, h := range headlines() {
		s.savePage(fmt.Sprint("page", i), h, "正文。")
	}
	for i, title := range []string{"一号通报", "二号通报"} {
		s.write(fmt.Sprintf("pages/query%d.html", i+1), fmt.Sprintf(metaPage, title, i+1, strings.ReplaceAll(keywords, "|", ",")))
	}
	s.must("ingest")
	return s
}

func (s *site) savePage(name string, h headline, text string) {
	s.write("pages/"+name+".txt", fmt.Sprintf("当前位置:首页-检察要闻\n%s\n时间:%s  作者:张三  新闻来源:乙院\n\n  %s\n\n  第二段。\n", h.title, h.when, text))
}

// seen is an article as a reader shows it. The date is in UTC.
type seen struct{ ID, Title, Link, Date, Tags string }

// live are the articles in the order in which the program lists them.
func (s *site) live() []seen {
	s.t.Helper()
	var list []struct {
		ID, Title, Column, URL, State string
		Published                     time.Time
	}
	s.data(&list, "article", "list")
	var all []seen
	for _, a := range list {
		if a.State != "live" {
			continue
		}
		e := seen{ID: "urn:uuid:" + a.ID, Title: a.Title, Link: a.URL, Date: utc(a.Published), Tags: a.Column}
		if a.URL == "" {
			e.Link = s.url("/articles/" + a.ID)
		}
		if strings.HasPrefix(a.URL, byQuery) {
			e.Tags += "|" + keywords
		}
		all = append(all, e)
	}
	return all
}

func utc(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// titled finds an article by its title.
func titled(t *testing.T, all []seen, title string) seen {
	t.Helper()
	i := slices.IndexFunc(all, func(e seen) bool { return e.Title == title })
	if i < 0 {
		t.Fatalf("there is no %q in %v", title, all)
	}
	return all[i]
}

// commandID is the id as commands take it.
func (e seen) commandID() string { return strings.TrimPrefix(e.ID, "urn:uuid:") }

// reader is a program or a library of somebody else's. Of the three formats,
// the versions of Debian know two.
type reader struct {
	name    string
	formats []string
	read    func(t *testing.T, address string) []seen // with nothing kept from before
	knows   func(format string, e seen) seen          // as much of an article as it can show; nil: all
}

func readers() []reader {
	xml := []string{"rss", "atom"}
	return []reader{
		{"newsboat", xml, readWithNewsboat, func(_ string, e seen) seen {
			e.Tags = "" // it keeps none
			return e
		}},
		{"feedparser", xml, readWithFeedparser, nil},
		{"rss2email", xml, readWithRss2email, mailedBy},
		{"sfeed", xml, readWithSfeed, nil},
		{"gofeed", append(xml, "json"), readWithGofeed, nil},
	}
}

// mailedBy is what rss2email makes of an article. RSS does not say whether a
// title is HTML. feedparser takes one with an end tag or a character reference
// for HTML, and rss2email turns what feedparser calls HTML into Markdown. In
// Atom a title says what it is.
func mailedBy(format string, e seen) seen {
	if format == "rss" {
		switch e.Title {
		case boldTitle:
			e.Title = "网页里写 **加粗** 的规范"
		case referenceTitle:
			e.Title = "网页里写 & 与 <b> 的规范"
		}
	}
	return e
}

// everyReaderShows compares what each reader shows of each format, in its
// order, with the articles.
func everyReaderShows(t *testing.T, when string, s *site) {
	t.Helper()
	all := s.live()
	for _, r := range readers() {
		for _, format := range r.formats {
			t.Run(when+"/"+r.name+"/"+format, func(t *testing.T) {
				want := slices.Clone(all)
				for i := range want {
					if r.knows != nil {
						want[i] = r.knows(format, want[i])
					}
				}
				compare(t, r.read(t, s.url("/feeds/all."+format)), want)
			})
		}
	}
}

func compare(t *testing.T, got, want []seen) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(want):
			t.Errorf("one too many: %+v", got[i])
		case i >= len(got):
			t.Errorf("not shown: %+v", want[i])
		case got[i] != want[i]:
			t.Errorf("article %d is %+v\nwant         %+v", i, got[i], want[i])
		}
	}
}

// TestInteropRequirement30ReadersSeeTheSame holds what five readers show of
// the three formats against the articles: the same ids, titles, links, dates and
// keywords in the same order. What is withdrawn is gone from all of them, and
// comes back in its old place.
func TestInteropRequirement30ReadersSeeTheSame(t *testing.T) {
	s := newsroom(t)
	if n := len(s.live()); n != len(headlines())+3 {
		t.Fatalf("%d articles: %+v", n, s.live())
	}
	s.serve()
	everyReaderShows(t, "first", s)
	id := titled(t, s.live(), headlines()[1].title).commandID()
	s.must("article", "withdraw", id)
	everyReaderShows(t, "withdrawn", s)
	s.must("article", "restore", id)
	everyReaderShows(t, "restored", s)
}
