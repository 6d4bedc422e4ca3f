// Package feedgen renders articles as RSS 2.0, Atom 1.0 and JSON Feed 1.1, on
// the structs of gorilla/feeds extended by what those formats' validators and
// readers want beside them.
//
// It does no I/O and knows no clock: the same document gives the same octets,
// on every machine and at any time. Whatever octets an article holds, the
// result is well-formed. It fails only when an encoder does.
package feedgen

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/feeds"

	"jianxun/internal/news"
)

// Format is one of the three formats, named by its file extension.
type Format string

// The formats.
const (
	RSS  Format = "rss"
	Atom Format = "atom"
	JSON Format = "json"
)

// Formats lists them in the order in which they are offered.
func Formats() []Format { return []Format{RSS, Atom, JSON} }

// ContentType is the media type to serve the format with.
func (f Format) ContentType() string {
	switch f {
	case RSS:
		return "application/rss+xml; charset=utf-8"
	case Atom:
		return "application/atom+xml; charset=utf-8"
	}
	return "application/feed+json; charset=utf-8"
}

// Document is a feed to render. Articles stand newest first.
type Document struct {
	ID          string // atom:id, a URI that never changes
	Title       string
	Description string
	Language    string // BCP 47
	Publisher   string // author of the feed as a whole
	Home        string // absolute URL of the page for people
	Self        func(Format) string
	Hubs        []string // WebSub hubs that tell of changes
	Chain       Chain
	Link        func(news.Article) string // absolute URL of an article
	Source      func(news.Article) Source // nil: none is credited
	Zone        *time.Location            // of the dates shown
	Full        bool                      // bodies, not only summaries
	Articles    []news.Article
	Withdrawn   []news.Article // the articles withdrawn last
	Tombstones  bool           // tell of them in Atom (RFC 6721)
}

// Chain is the place of a document among those of its feed (RFC 5005 section
// 4). Addresses that there are not are nil.
type Chain struct {
	Archive             bool // not the subscription document
	Current, Prev, Next func(Format) string
}

// Source is the publication that an article came from. URL is its feed's
// address, or its site's.
type Source struct {
	Title, URL string
	Feed       bool
}

// FeedID is the atom:id of the feed with the slug.
func FeedID(slug string) string { return "urn:uuid:" + news.ArticleID("feed\x1f"+slug) }

// Updated is the newest of the entries and withdrawals, never the clock. A
// feed without any bears a date that readers find plausible: they reject 1970.
func (d Document) Updated() time.Time {
	var newest time.Time
	for _, a := range d.Articles {
		newest = later(newest, a.Updated)
	}
	for _, a := range d.Withdrawn {
		newest = later(newest, a.Withdrawn)
	}
	if newest.IsZero() {
		newest = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return newest.In(d.Zone)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// Render gives the document in the format.
func Render(d Document, format Format) ([]byte, error) {
	d.Title, d.Description, d.Publisher = news.OneLine(d.Title), news.OneLine(d.Description), news.OneLine(d.Publisher)
	d.Articles = d.bounded()
	switch format {
	case RSS:
		return d.renderRSS()
	case Atom:
		return d.renderAtom()
	case JSON:
		return d.renderJSON()
	}
	return nil, fmt.Errorf("feedgen: no format %q", format)
}

// base fills what gorilla/feeds knows.
func (d Document) base() *feeds.Feed {
	f := &feeds.Feed{
		Title:       d.Title,
		Link:        &feeds.Link{Href: Encoded(d.Home)},
		Description: d.Description,
		Id:          d.ID,
		Updated:     d.Updated(),
	}
	for _, a := range d.Articles {
		f.Items = append(f.Items, &feeds.Item{
			Title:       a.Title,
			Link:        &feeds.Link{Href: d.link(a)},
			Description: a.Summary,
			Id:          "urn:uuid:" + a.ID,
			IsPermaLink: "false",
			Created:     a.Published.In(d.Zone),
			Updated:     a.Updated.In(d.Zone),
		})
	}
	return f
}

// link is the address of an article, and self that of the document.
func (d Document) link(a news.Article) string { return Encoded(d.Link(a)) }

func (d Document) self(f Format) string { return Encoded(d.Self(f)) }

// links are the document's own, then those to its neighbours.
func (d Document) links(f Format) []atomLink {
	kind, _, _ := strings.Cut(f.ContentType(), ";")
	list := []atomLink{{Href: d.self(f), Rel: "self", Type: kind}}
	for _, h := range d.Hubs {
		list = append(list, atomLink{Href: Encoded(h), Rel: "hub"})
	}
	for _, l := range []struct {
		rel string
		to  func(Format) string
	}{{"current", d.Chain.Current}, {"prev-archive", d.Chain.Prev}, {"next-archive", d.Chain.Next}} {
		if l.to != nil {
			list = append(list, atomLink{Href: Encoded(l.to(f)), Rel: l.rel, Type: kind})
		}
	}
	return list
}

// mark is an element without content, there or not.
func mark(there bool) *struct{} {
	if there {
		return &struct{}{}
	}
	return nil
}

// source is who an article is credited to, if there is an address to name.
func (d Document) source(a news.Article) (Source, bool) {
	if d.Source == nil {
		return Source{}, false
	}
	s := d.Source(a)
	s.Title, s.URL = clip(s.Title, maxName), Encoded(s.URL)
	return s, s.Title != "" && s.URL != ""
}

// tags are the column and the keywords, each once.
func tags(a news.Article) []string {
	var all []string
	for _, t := range append([]string{a.Column}, a.Keywords...) {
		if t = news.OneLine(t); t != "" && len(t) <= maxTag && len(all) < maxTags && !slices.Contains(all, t) {
			all = append(all, t)
		}
	}
	return all
}

// byline is who the article is credited to: its author, else its origin.
func byline(a news.Article) string {
	if a.Author != "" {
		return a.Author
	}
	return a.Origin
}
