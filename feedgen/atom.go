package feedgen

import (
	"time"

	"github.com/gorilla/feeds"

	"jianxun/internal/news"
)

// atomFeed is the Atom document of RFC 4287. It shadows the fields of
// feeds.AtomFeed that need another form.
type atomFeed struct {
	*feeds.AtomFeed
	XMLName   struct{}       `xml:"feed"`
	Lang      string         `xml:"xml:lang,attr"`
	Media     string         `xml:"xmlns:media,attr"`
	History   string         `xml:"xmlns:fh,attr,omitempty"`
	Deletions string         `xml:"xmlns:at,attr,omitempty"`
	Author    *atomPerson    `xml:"author"`
	Link      struct{}       `xml:"-"`
	Links     []atomLink     `xml:"link"`
	Generator string         `xml:"generator"`
	Archive   *struct{}      `xml:"fh:archive"`
	Deleted   []deletedEntry `xml:"at:deleted-entry"`
	Entries   []*atomEntry   `xml:"entry"`
}

// FeedXml lets feeds.WriteXML write the document.
func (a *atomFeed) FeedXml() any { return a }

type atomEntry struct {
	*feeds.AtomEntry
	XMLName    struct{}       `xml:"entry"`
	Author     *atomPerson    `xml:"author"`
	Categories []atomCategory `xml:"category"`
	Links      []atomLink     `xml:"link"`
	Summary    *atomText      `xml:"summary"`
	Content    *atomText      `xml:"content"`
	Source     *atomSource    `xml:"source"`
	Media      []mediaContent `xml:"media:content"`
}

// atomSource names the publication that the entry came from (RFC 4287 section
// 4.2.11).
type atomSource struct {
	ID      string   `xml:"id"`
	Title   string   `xml:"title"`
	Updated string   `xml:"updated"`
	Link    atomLink `xml:"link"`
}

// deletedEntry is an element of RFC 6721.
type deletedEntry struct {
	Ref  string `xml:"ref,attr"`
	When string `xml:"when,attr"`
}

type atomPerson struct {
	Name string `xml:"name"`
}

type atomCategory struct {
	Term  string `xml:"term,attr"`
	Label string `xml:"label,attr"`
}

type atomLink struct {
	Href string `xml:"href,attr"`
	Rel  string `xml:"rel,attr"`
	Type string `xml:"type,attr,omitempty"`
	// Of an enclosure, in octets.
	Length string `xml:"length,attr,omitempty"`
}

type atomText struct {
	Type string `xml:"type,attr"`
	Text string `xml:",chardata"`
}

// rfc3339 shows a fraction only where there is one.
const rfc3339 = "2006-01-02T15:04:05.999Z07:00"

func (d Document) renderAtom() ([]byte, error) {
	base := (&feeds.Atom{Feed: d.base()}).AtomFeed()
	base.Id, base.Subtitle = d.ID, d.Description
	base.Updated = d.Updated().Format(rfc3339)
	base.Link = nil
	feed := &atomFeed{
		AtomFeed:  base,
		Lang:      d.Language,
		Author:    &atomPerson{Name: d.Publisher},
		Generator: "jianxun",
		Links:     append(d.links(Atom), atomLink{Href: Encoded(d.Home), Rel: "alternate", Type: "text/html"}),
		Media:     mediaSpace,
		History:   historySpace(d.Chain.Archive),
		Archive:   mark(d.Chain.Archive),
	}
	if d.Tombstones {
		feed.Deletions = "http://purl.org/atompub/tombstones/1.0"
		for _, a := range d.Withdrawn {
			feed.Deleted = append(feed.Deleted, deletedEntry{Ref: "urn:uuid:" + a.ID, When: a.Withdrawn.In(d.Zone).Format(rfc3339)})
		}
	}
	for i, a := range d.Articles {
		feed.Entries = append(feed.Entries, d.atomEntry(base.Entries[i], a))
	}
	return writeXML(feed)
}

func (d Document) atomEntry(base *feeds.AtomEntry, a news.Article) *atomEntry {
	base.Published = a.Published.In(d.Zone).Format(time.RFC3339)
	base.Updated = a.Updated.In(d.Zone).Format(rfc3339)
	base.Links, base.Content, base.Summary, base.Author = nil, nil, nil, nil
	e := &atomEntry{
		AtomEntry: base,
		Links:     []atomLink{{Href: d.link(a), Rel: "alternate", Type: "text/html"}},
		Media:     mediaOf(a),
	}
	if c := enclosureOf(a); c != nil {
		e.Links = append(e.Links, atomLink{Href: c.URL, Rel: "enclosure", Type: c.Type, Length: c.Length})
	}
	if s, ok := d.source(a); ok {
		e.Source = &atomSource{ID: s.URL, Title: s.Title, Updated: base.Published, Link: atomLink{Href: s.URL, Rel: "alternate"}}
		if s.Feed {
			e.Source.Link.Rel = "self"
		}
	}
	if by := byline(a); by != "" {
		e.Author = &atomPerson{Name: by}
	}
	for _, t := range tags(a) {
		e.Categories = append(e.Categories, atomCategory{Term: t, Label: t})
	}
	if a.Summary != "" {
		e.Summary = &atomText{Type: "text", Text: a.Summary}
	}
	if a.Body != "" {
		e.Content = &atomText{Type: "html", Text: a.Body}
	}
	return e
}
