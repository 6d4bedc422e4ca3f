package ingest

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/mmcdole/gofeed"

	"jianxun/internal/news"
)

var xmlEncoding = regexp.MustCompile(`^(\s*<\?xml[^>]*?\sencoding\s*=\s*)(?:"[^"]*"|'[^']*')`)

// Refusal is one page, file or item that was not taken, and why.
type Refusal struct {
	Path   string
	Reason error
}

// ParseFeed reads an RSS, Atom or JSON feed that is already UTF-8. base is its
// address. An item that lacks what an article needs is refused, the others are
// taken. A feed that cannot be read at all is Invalid.
func ParseFeed(doc string, base *url.URL, zone *time.Location) ([]news.Article, []Refusal, error) {
	doc = xmlEncoding.ReplaceAllString(news.CleanText(doc), `$1"UTF-8"`) // it has been decoded, whatever it says
	feed, err := gofeed.NewParser().Parse(strings.NewReader(doc))
	if err == nil && feed.FeedType == "json" && feed.FeedVersion == "" {
		err = errors.New("the version is missing") // any JSON object looks like a feed without items
	}
	if err != nil {
		return nil, nil, news.Errorf(news.Invalid, "the document is not a readable RSS, Atom or JSON feed: %w", err)
	}
	var articles []news.Article
	var refused []Refusal
	for _, item := range feed.Items {
		a, err := articleOf(item, feed, base, zone)
		if err != nil {
			refused = append(refused, Refusal{Path: first(item.Link, item.GUID, item.Title), Reason: err})
			continue
		}
		articles = append(articles, a)
	}
	return articles, refused, nil
}

func articleOf(item *gofeed.Item, feed *gofeed.Feed, base *url.URL, zone *time.Location) (news.Article, error) {
	var a news.Article
	var err error
	if link := resolve(base, item.Link, "http", "https"); link != "" {
		if a.URL, err = CanonicalURL(link); err != nil {
			return a, err
		}
	}
	a.Title = plain(item.Title)
	if a.Title == "" {
		return a, news.Errorf(news.Invalid, "the item has no title")
	}
	var ok bool
	if a.Published, a.DateOnly, ok = ParseDate(first(item.Published, item.Updated), zone); !ok {
		return a, news.Errorf(news.Invalid, "the item has no date that can be read: %q", first(item.Published, item.Updated))
	}
	itemBase := base
	if u, err := url.Parse(a.URL); err == nil && a.URL != "" {
		itemBase = u
	}
	c, err := SanitizeHTML(first(item.Content, item.Description), itemBase)
	if err != nil {
		return a, err
	}
	a.Body, a.Text, a.Images = c.Body, c.Text, withEnclosed(c.Images, enclosed(item))
	if item.Content != "" {
		a.Summary = plain(item.Description)
	}
	if len(item.Authors) > 0 {
		a.Author = plain(item.Authors[0].Name)
	}
	for i, c := range item.Categories {
		if c = plain(c); i == 0 {
			a.Column = c
		} else if c != "" && len(a.Keywords) < 20 {
			a.Keywords = append(a.Keywords, c)
		}
	}
	a.Column = first(a.Column, plain(feed.Title))
	a.Origin = plain(feed.Title)
	if dc := item.DublinCoreExt; dc != nil && len(dc.Source) > 0 {
		a.Origin = plain(dc.Source[0])
	}
	return a, nil
}

// plain is the text of what may hold markup.
func plain(s string) string {
	if strings.ContainsAny(s, "<&") {
		if c, err := SanitizeHTML(s, nil); err == nil {
			s = c.Text
		}
	}
	return news.OneLine(s)
}

// looksLikeFeed tells a feed from a page by its first element or content type.
func looksLikeFeed(doc, contentType string) bool {
	start := strings.ToLower(strings.TrimSpace(doc[:min(len(doc), 1024)]))
	if strings.Contains(contentType, "json") || strings.HasPrefix(start, "{") {
		return true
	}
	for _, mark := range []string{"<rss", "<feed", "<rdf:rdf"} {
		if strings.Contains(start, mark) {
			return true
		}
	}
	return false
}
