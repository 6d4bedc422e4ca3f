package feedgen

import (
	"bytes"
	"html"
	"strings"
	"time"

	"github.com/gorilla/feeds"
)

// rss is the RSS 2.0 document, see https://www.rssboard.org/rss-specification
// and the board's Best Practices Profile for what stands beside its elements.
type rss struct {
	XMLName struct{}    `xml:"rss"`
	Version string      `xml:"version,attr"`
	Content string      `xml:"xmlns:content,attr"`
	DC      string      `xml:"xmlns:dc,attr"`
	Atom    string      `xml:"xmlns:atom,attr"`
	Media   string      `xml:"xmlns:media,attr"`
	History string      `xml:"xmlns:fh,attr,omitempty"`
	Channel *rssChannel `xml:"channel"`
}

// FeedXml lets feeds.WriteXML write the document.
func (r *rss) FeedXml() any { return r }

// rssChannel shadows the fields of feeds.RssFeed that need another form.
type rssChannel struct {
	*feeds.RssFeed
	XMLName struct{}   `xml:"channel"`
	Title   rssText    `xml:"title"`
	About   rssText    `xml:"description"`
	Links   []atomLink `xml:"atom:link"`
	Archive *struct{}  `xml:"fh:archive"`
	Items   []*rssItem `xml:"item"`
}

type rssItem struct {
	*feeds.RssItem
	XMLName    struct{}       `xml:"item"`
	Title      rssText        `xml:"title"`
	Author     string         `xml:"dc:creator,omitempty"`
	Categories []string       `xml:"category,omitempty"`
	Content    *rssContent    `xml:"content:encoded,omitempty"`
	Source     *rssSource     `xml:"source"`
	Enclosure  *rssEnclosure  `xml:"enclosure"`
	Media      []mediaContent `xml:"media:content"`
}

type rssSource struct {
	URL   string `xml:"url,attr"`
	Title string `xml:",chardata"`
}

type rssContent struct {
	HTML string `xml:",chardata"`
}

// rssText is plain text in an element that some readers take for HTML: & and <
// are written so that both kinds show the same.
type rssText struct {
	Inner string `xml:",innerxml"`
}

func rssTitle(s string) rssText {
	return rssText{strings.NewReplacer("&", "&#x26;", "<", "&#x3C;", ">", "&#x3E;").Replace(s)}
}

func (d Document) renderRSS() ([]byte, error) {
	base := (&feeds.Rss{Feed: d.base()}).RssFeed()
	base.Language = d.Language
	base.LastBuildDate = d.Updated().Format(time.RFC1123Z)
	base.PubDate = ""
	base.Generator = "jianxun"
	channel := &rssChannel{
		RssFeed: base,
		Title:   rssTitle(base.Title),
		About:   rssTitle(base.Description),
		Links:   d.links(RSS),
		Archive: mark(d.Chain.Archive),
	}
	for i, a := range d.Articles {
		item := &rssItem{RssItem: base.Items[i], Title: rssTitle(a.Title), Author: byline(a), Categories: tags(a), Enclosure: enclosureOf(a), Media: mediaOf(a)}
		item.RssItem.Content = nil
		item.Description = html.EscapeString(a.Summary) // readers take it for HTML
		if a.Body != "" {
			item.Content = &rssContent{HTML: a.Body}
		}
		if s, ok := d.source(a); ok {
			item.Source = &rssSource{URL: s.URL, Title: s.Title}
		}
		channel.Items = append(channel.Items, item)
	}
	return writeXML(&rss{
		Version: "2.0",
		Content: "http://purl.org/rss/1.0/modules/content/",
		DC:      "http://purl.org/dc/elements/1.1/",
		Atom:    "http://www.w3.org/2005/Atom",
		Media:   mediaSpace,
		History: historySpace(d.Chain.Archive),
		Channel: channel,
	})
}

// The name spaces that both RSS and Atom borrow.
const mediaSpace = "http://search.yahoo.com/mrss/"

func historySpace(used bool) string {
	if used {
		return "http://purl.org/syndication/history/1.0"
	}
	return ""
}

func writeXML(doc feeds.XmlFeed) ([]byte, error) {
	var b bytes.Buffer
	if err := feeds.WriteXML(doc, &b); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}
