package feedgen

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/mmcdole/gofeed"

	"jianxun/internal/news"
)

var (
	shanghai = time.FixedZone("CST", 8*3600)
	noon     = time.Date(2026, 9, 28, 12, 0, 0, 0, shanghai)
)

// The name spaces of what RSS borrows.
const (
	atomNS    = "http://www.w3.org/2005/Atom"
	dcNS      = "http://purl.org/dc/elements/1.1/"
	contentNS = "http://purl.org/rss/1.0/modules/content/"
)

// document is a feed of n ordinary articles, as the store gives them.
func document(n int) Document {
	d := Document{
		ID: FeedID("yaowen"), Title: "检察要闻", Description: "「检察要闻」最新稿件", Language: "zh-CN", Publisher: "检讯",
		Home: "https://news.example.org/feeds/yaowen",
		Self: func(f Format) string { return "https://news.example.org/feeds/yaowen." + string(f) },
		Link: func(a news.Article) string { return a.URL },
		Zone: shanghai, Full: true,
	}
	for i := range n {
		d.Articles = append(d.Articles, article(i))
	}
	return d
}

// article is the n-th newest.
func article(n int) news.Article {
	at := noon.Add(-time.Duration(n) * time.Hour).UTC()
	a := news.Article{
		URL: fmt.Sprintf("https://www.example.org/yw/%d.shtml", n), Published: at, Placed: at, Updated: at, State: news.Live, Revision: 1,
		Content: news.Content{Column: "检察要闻", Title: fmt.Sprintf("第%d篇：检察机关依法履职", n), Author: "张三", Origin: "检察日报", Keywords: []string{"公益诉讼", "检察要闻"},
			Body: "<p>9月28日，检察机关依法履职。<a href=\"https://www.example.org/x?a=1&amp;b=2\">详情</a></p>\n<p><img src=\"https://www.example.org/p.jpg\" alt=\"图\"/></p>\n",
			Text: "9月28日，检察机关依法履职。详情"},
	}
	return identified(a)
}

func identified(a news.Article) news.Article {
	a.Identity = news.IdentityOf(a)
	a.ID = news.ArticleID(a.Identity)
	return a
}

func render(t testing.TB, d Document, f Format) []byte {
	t.Helper()
	b, err := Render(d, f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// element is any XML element.
type element struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Text    string     `xml:",chardata"`
	Kids    []element  `xml:",any"`
}

func parseXML(t testing.TB, b []byte) element {
	t.Helper()
	var root element
	if err := xml.Unmarshal(b, &root); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	return root
}

// all are the descendants of the name, written "name" or "space name".
func (e element) all(name string) []element {
	space, local, qualified := strings.Cut(name, " ")
	if !qualified {
		space, local = e.XMLName.Space, name
	}
	var found []element
	for _, k := range e.Kids {
		if k.XMLName.Space == space && k.XMLName.Local == local {
			found = append(found, k)
		}
		found = append(found, k.all(space+" "+local)...)
	}
	return found
}

func (e element) texts(name string) []string {
	var list []string
	for _, k := range e.all(name) {
		list = append(list, k.Text)
	}
	return list
}

func (e element) attr(name string) string {
	for _, a := range e.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// wellFormed expects XML that a strict parser reads to its end.
func wellFormed(t testing.TB, b []byte) {
	t.Helper()
	for dec := xml.NewDecoder(bytes.NewReader(b)); ; {
		if _, err := dec.Token(); err == io.EOF {
			return
		} else if err != nil {
			t.Fatalf("not well-formed: %v in %q", err, b)
		}
	}
}

type jsonDocument struct {
	Version     string              `json:"version"`
	Title       string              `json:"title"`
	HomePageURL string              `json:"home_page_url"`
	FeedURL     string              `json:"feed_url"`
	Language    string              `json:"language"`
	Authors     []jsonAuthor        `json:"authors"`
	NextURL     string              `json:"next_url"`
	Hubs        []map[string]string `json:"hubs"`
	Items       []jsonItemParsed    `json:"items"`
}

type jsonItemParsed struct {
	ID          string       `json:"id"`
	URL         string       `json:"url"`
	Title       string       `json:"title"`
	ContentHTML string       `json:"content_html"`
	ContentText string       `json:"content_text"`
	Summary     string       `json:"summary"`
	Published   string       `json:"date_published"`
	Modified    string       `json:"date_modified"`
	Authors     []jsonAuthor `json:"authors"`
	Tags        []string     `json:"tags"`
}

func parseJSON(t testing.TB, b []byte) jsonDocument {
	t.Helper()
	var d jsonDocument
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	return d
}

// read gives the document as a reader program sees it.
func read(t testing.TB, d Document, f Format) *gofeed.Feed {
	t.Helper()
	feed, err := gofeed.NewParser().Parse(bytes.NewReader(render(t, d, f)))
	if err != nil {
		t.Fatal(err)
	}
	return feed
}

// eachFormat runs the test with what a reader program sees in every format.
func eachFormat(t *testing.T, d Document, test func(t *testing.T, feed *gofeed.Feed)) {
	t.Helper()
	for _, f := range Formats() {
		t.Run(string(f), func(t *testing.T) { test(t, read(t, d, f)) })
	}
}
