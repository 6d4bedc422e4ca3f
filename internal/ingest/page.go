package ingest

import (
	"net/url"
	"strings"
	"time"

	"github.com/PuerkitoBio/goquery"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"jianxun/internal/news"
)

// ParsePage reads an HTML page that is already UTF-8. base is its address, nil
// when it has none. Fields are taken in the order meta tags, labelled line,
// breadcrumb, heading; the body from known containers, comment markers, and
// as the last resort by readability. What it cannot find makes the page Invalid.
func ParsePage(doc string, base *url.URL, zone *time.Location) (news.Article, error) {
	var a news.Article
	root, err := html.Parse(strings.NewReader(doc)) // texts are cleaned one by one, as references can name anything
	if err != nil {
		return a, news.Errorf(news.Invalid, "the page is not readable as HTML: %w", err)
	}
	f := readFacts(root)
	meta := f.meta
	base = baseOf(f, base)
	if base != nil {
		if a.URL, err = CanonicalURL(base.String()); err != nil {
			return a, err
		}
	}
	body := findBody(root)
	above := headLines(root, body, zone)
	within := above == nil // title and labels may stand in the container too
	if within {
		above = headLines(root, nil, zone)
	}
	h, _ := readHead(above, zone)
	a.Published, a.DateOnly = firstDate(zone, meta, h.labels)
	if a.Published.IsZero() {
		return a, news.Errorf(news.Invalid, "there is no date: neither a meta tag such as PubDate nor a line such as 时间:2021-09-26")
	}
	a.Title = first(meta["articletitle"], titleOf(f, h), meta["og:title"])
	if a.Title == "" {
		return a, news.Errorf(news.Invalid, "there is no title")
	}
	a.Column = first(meta["columnname"], h.column)
	a.Author = first(meta["author"], h.labels.author)
	a.Origin = first(meta["contentsource"], h.labels.origin)
	a.Summary = first(meta["description"], meta["og:description"])
	a.Keywords = splitKeywords(meta["keywords"])
	if body == nil {
		body, within = byReadability(root, base), true
	}
	if within {
		dropLines(body, append(above[:h.next:h.next], a.Title))
	}
	c := Sanitize(body, base)
	if a.Body, a.Text, a.Images = c.Body, c.Text, c.Images; a.Text == "" && len(a.Images) == 0 {
		return a, news.Errorf(news.Invalid, "there is no text in the page")
	}
	return a, nil
}

// facts are what a page says of itself outside its text.
type facts struct {
	meta      map[string]string // by lower-case name, the first non-empty value each
	title     string            // of the document
	headings  []string
	canonical string
}

func readFacts(root *html.Node) facts {
	f := facts{meta: map[string]string{}}
	goquery.NewDocumentFromNode(root).Find("meta, title, h1, h2, h3, link[rel=canonical]").Each(func(_ int, s *goquery.Selection) {
		switch s.Get(0).DataAtom {
		case atom.Meta:
			name := strings.ToLower(strings.TrimSpace(first(s.AttrOr("name", ""), s.AttrOr("property", ""))))
			if content := news.OneLine(s.AttrOr("content", "")); name != "" {
				f.meta[name] = first(f.meta[name], content)
			}
		case atom.Title:
			f.title = first(f.title, news.OneLine(s.Text()))
		case atom.Link:
			f.canonical = first(f.canonical, s.AttrOr("href", ""))
		default:
			if h := news.OneLine(s.Text()); h != "" {
				f.headings = append(f.headings, h)
			}
		}
	})
	return f
}

// baseOf is the page's own address: as fetched, else as it says of itself.
func baseOf(f facts, fetched *url.URL) *url.URL {
	if fetched != nil {
		return fetched
	}
	for _, own := range []string{f.canonical, f.meta["url"], f.meta["og:url"]} {
		if u, err := url.Parse(own); err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") {
			return u
		}
	}
	return nil
}

func firstDate(zone *time.Location, meta map[string]string, l labels) (time.Time, bool) {
	for _, name := range []string{"pubdate", "publishdate", "publish-date", "article:published_time", "firstpublishedtime"} {
		if t, dateOnly, ok := ParseDate(meta[name], zone); ok {
			return t, dateOnly
		}
	}
	return l.published, l.dateOnly
}

// titleOf takes, of the headings and the line above the labelled one, the
// longest that the document's title holds: the name of the site is often a
// heading too. Else that line, a heading, or the document's title without the
// names of site and column.
func titleOf(f facts, h head) string {
	whole, best := squeeze(f.title), ""
	for _, t := range append(f.headings, h.title) {
		if t != h.column && t != f.meta["sitename"] && len(t) > len(best) && strings.Contains(whole, squeeze(t)) {
			best = t
		}
	}
	if best == "" && h.title == "" && len(f.headings) > 0 {
		return f.headings[0]
	}
	return first(best, h.title, longestPart(f.title))
}

// longestPart cuts a document's title where sites put their name and the column's.
func longestPart(title string) string {
	longest := ""
	for _, part := range strings.FieldsFunc(title, func(r rune) bool { return strings.ContainsRune("_|-–—", r) }) {
		if part = strings.TrimSpace(part); len(part) > len(longest) {
			longest = part
		}
	}
	return longest
}

func squeeze(s string) string { return strings.Join(strings.Fields(s), "") }

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

func splitKeywords(s string) []string {
	var words []string
	for _, w := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(",，;；、 ", r) }) {
		if len(words) < 20 && !strings.ContainsAny(w, "<>") {
			words = append(words, w)
		}
	}
	return words
}
