package news

import (
	"slices"
	"strings"
	"time"
)

// AllFeed is the slug of the feed that always exists and takes every article.
const AllFeed = "all"

// Filter chooses articles. An empty list means any; lists are joined by and,
// the entries of a list by or. Keywords are looked for in title and text,
// without regard to letter case.
type Filter struct {
	Columns, Sources, Keywords []string
}

// Match tells whether a belongs to the filter.
func (f Filter) Match(a Article) bool {
	if len(f.Columns) > 0 && !slices.Contains(f.Columns, a.Column) {
		return false
	}
	if len(f.Sources) > 0 && !slices.Contains(f.Sources, a.Source) {
		return false
	}
	return f.MatchText(a)
}

// MatchText tells whether a holds one of the keywords, or there are none.
func (f Filter) MatchText(a Article) bool {
	if len(f.Keywords) == 0 {
		return true
	}
	title, text := strings.ToLower(a.Title), strings.ToLower(a.Text)
	return slices.ContainsFunc(f.Keywords, func(k string) bool {
		k = strings.ToLower(k)
		return strings.Contains(title, k) || strings.Contains(text, k)
	})
}

// Feed is the standing definition of a feed.
type Feed struct {
	Slug, Title string
	Filter
	Items   int      // newest items in the subscription document
	Full    bool     // bodies in full, else summaries
	Was     []string // slugs it had before, the oldest first
	Retired bool     // it is gone for good
}

// SourceKind says how a source is read.
type SourceKind string

// The kinds of source.
const (
	DirectorySource SourceKind = "directory" // a folder of .txt, .html and .htm pages
	PageSource      SourceKind = "page"      // one page, a file or a URL
	FeedSource      SourceKind = "feed"      // an upstream RSS, Atom or JSON feed
)

// Source is where articles come from.
type Source struct {
	Name         string
	Kind         SourceKind
	Path         string // directory and page; absolute, or "builtin:samples"
	URL          string // page and feed
	Column       string // overrides what the page says, when set
	Every        time.Duration
	AllowPrivate []string // CIDR networks that may be dialled although private
}
