package ingest

import (
	"net/url"
	"strings"
	"time"

	readability "codeberg.org/readeck/go-readability"
	"github.com/PuerkitoBio/goquery"
	"golang.org/x/net/html"

	"jianxun/internal/news"
)

// containers are where the platforms of government sites keep the body, the
// surest first.
var containers = []string{"#fontzoom", "#UCAP-CONTENT", ".TRS_UEDITOR", ".trs_paper_default", ".TRS_Editor", ".Custom_UnionStyle",
	"#newscontent", "#zoom", "#vsb_content", "#vsb_content_2", ".v_news_content", ".article-content", ".article_content", "#content_body", "[itemprop=articleBody]"}

// ParsePage reads an HTML page that is already UTF-8. base is its address, nil
// when it has none. Fields are taken in the order meta tags, labelled line,
// breadcrumb, heading; the body from known containers, comment markers, and
// as the last resort by readability. What it cannot find makes the page Invalid.
func ParsePage(doc string, base *url.URL, zone *time.Location) (news.Article, error) {
	var a news.Article
	root, err := html.Parse(strings.NewReader(news.CleanText(doc)))
	if err != nil {
		return a, news.Errorf(news.Invalid, "the page is not readable as HTML: %w", err)
	}
	d := goquery.NewDocumentFromNode(root)
	meta := readMeta(d)
	base = baseOf(d, meta, base)
	if base != nil {
		if a.URL, err = CanonicalURL(base.String()); err != nil {
			return a, err
		}
	}
	body := findBody(d)
	above := headLines(d, body, zone)
	h, labelled := readHead(above, zone)
	a.Published, a.DateOnly = firstDate(zone, meta, h.labels)
	if a.Published.IsZero() {
		return a, news.Errorf(news.Invalid, "there is no date: neither a meta tag such as PubDate nor a line such as 时间:2021-09-26")
	}
	a.Title = first(meta["articletitle"], titleOf(d, h, labelled), meta["og:title"])
	if a.Title == "" {
		return a, news.Errorf(news.Invalid, "there is no title")
	}
	a.Column = first(meta["columnname"], h.column)
	a.Author = first(meta["author"], h.labels.author)
	a.Origin = first(meta["contentsource"], h.labels.origin)
	a.Summary = first(meta["description"], meta["og:description"])
	a.Keywords = splitKeywords(meta["keywords"])
	if body == nil {
		body = byReadability(root, base)
		dropLines(body, append(above[:h.next:h.next], a.Title))
	}
	c := Sanitize(body, base)
	if a.Body, a.Text, a.Images = c.Body, c.Text, c.Images; a.Text == "" && len(a.Images) == 0 {
		return a, news.Errorf(news.Invalid, "there is no text in the page")
	}
	return a, nil
}

// readMeta gives the meta tags by lower-case name, the first non-empty value each.
func readMeta(d *goquery.Document) map[string]string {
	meta := map[string]string{}
	d.Find("meta").Each(func(_ int, s *goquery.Selection) {
		name := strings.ToLower(strings.TrimSpace(first(s.AttrOr("name", ""), s.AttrOr("property", ""))))
		if content := news.OneLine(s.AttrOr("content", "")); name != "" && content != "" && meta[name] == "" {
			meta[name] = content
		}
	})
	return meta
}

// baseOf is the page's own address: as fetched, else as it says of itself.
func baseOf(d *goquery.Document, meta map[string]string, fetched *url.URL) *url.URL {
	if fetched != nil {
		return fetched
	}
	for _, own := range []string{d.Find("link[rel=canonical]").AttrOr("href", ""), meta["url"], meta["og:url"]} {
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

// titleOf prefers a heading, then the line above the labelled one, then the
// document's title without the names of site and column.
func titleOf(d *goquery.Document, h head, labelled bool) string {
	whole := news.OneLine(d.Find("head title").First().Text())
	for _, sel := range []string{"h1", "h2"} {
		if t := news.OneLine(d.Find(sel).First().Text()); t != "" && t != h.column && strings.Contains(squeeze(whole), squeeze(t)) {
			return t
		}
	}
	if labelled && h.title != "" {
		return h.title
	}
	if t := news.OneLine(d.Find("h1").First().Text()); t != "" {
		return t
	}
	longest := ""
	for _, part := range strings.FieldsFunc(whole, func(r rune) bool { return strings.ContainsRune("_|-–—", r) }) {
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

func findBody(d *goquery.Document) *html.Node {
	for _, sel := range containers {
		if s := d.Find(sel).First(); s.Length() > 0 && (strings.TrimSpace(s.Text()) != "" || s.Find("img").Length() > 0) {
			return s.Get(0)
		}
	}
	return betweenComments(d.Get(0))
}

// betweenComments finds what stands between <!--ZJEG_RSS.content.begin--> and
// its end, or the like, and gives it in an element of its own.
func betweenComments(root *html.Node) *html.Node {
	begin := findComment(root, "content.begin")
	if begin == nil {
		return nil
	}
	body := &html.Node{Type: html.ElementNode, Data: "div"}
	for n := begin.NextSibling; n != nil; {
		next := n.NextSibling
		if n.Type == html.CommentNode && strings.Contains(n.Data, "content.end") {
			return body
		}
		n.Parent.RemoveChild(n)
		body.AppendChild(n)
		n = next
	}
	return body
}

func findComment(n *html.Node, part string) *html.Node {
	for c := range n.Descendants() {
		if c.Type == html.CommentNode && strings.Contains(c.Data, part) {
			return c
		}
	}
	return nil
}

// byReadability guesses; it gives an empty element when it finds nothing.
func byReadability(root *html.Node, base *url.URL) *html.Node {
	if base == nil {
		base = &url.URL{}
	}
	found, err := readability.FromDocument(root, base)
	if err != nil || found.Node == nil {
		return &html.Node{Type: html.ElementNode, Data: "div"}
	}
	return found.Node
}
