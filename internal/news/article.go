// Package news holds the nouns of the newsroom: articles, feeds, digests,
// issues, subscribers, deliveries, and the state changes that are legal
// between them. It promises that identity is a pure function of what identifies
// a thing, so every replica, engine and restart agrees on it. It does no I/O,
// imports the standard library only, and fails only by returning an Error.
package news

import (
	"crypto/sha1" //nolint:gosec // RFC 9562 prescribes SHA-1 for name-based UUIDs; it is no security measure here
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// ArticleState is live or withdrawn.
type ArticleState string

// The states of an article.
const (
	Live      ArticleState = "live"
	Withdrawn ArticleState = "withdrawn"
)

// Article is one page of news. Content is what an editor may change upstream;
// the rest is fixed when the article is first saved and never moves.
type Article struct {
	ID       string // UUID of Identity, see ArticleID
	Identity string // canonical URL, or source, title and date
	Source   string // name of the source that brought it first
	URL      string // canonical; empty when the page has none
	Content
	Published time.Time // as the page says; midnight in its zone when DateOnly
	DateOnly  bool
	FirstSeen time.Time // when it entered the store
	Placed    time.Time // Published made unique: the stable order of articles
	Updated   time.Time // when the content last changed; unique
	Changed   time.Time // when the row last changed in any way
	Withdrawn time.Time // when it was withdrawn, zero while it is live
	State     ArticleState
	Revision  int   // 1 and up
	Seq       int64 // grows with every change in the store
}

// Content is the part of an article whose change makes a new revision.
type Content struct {
	Column   string   `json:"column"`
	Title    string   `json:"title"`
	Author   string   `json:"author,omitempty"`
	Origin   string   `json:"origin,omitempty"` // 新闻来源, the credited source
	Summary  string   `json:"summary,omitempty"`
	Body     string   `json:"body"` // clean HTML with absolute URLs
	Text     string   `json:"text"` // plain text, paragraphs separated by "\n"
	Images   []Image  `json:"images,omitempty"`
	Keywords []string `json:"keywords,omitempty"`
}

// Image is a picture of an article. Length is in octets, 0 when unknown.
type Image struct {
	URL    string `json:"url"`
	Alt    string `json:"alt,omitempty"`
	Type   string `json:"type,omitempty"`
	Length int64  `json:"length,omitempty"`
}

// Unmeasured is the first image, unless the type and length of some image are
// known: only such a one can be an enclosure.
func (c Content) Unmeasured() (Image, bool) {
	for _, im := range c.Images {
		if im.Length > 0 && im.Type != "" {
			return Image{}, false
		}
	}
	for _, im := range c.Images {
		if strings.HasPrefix(im.URL, "https://") || strings.HasPrefix(im.URL, "http://") {
			return im, true
		}
	}
	return Image{}, false
}

// Hash identifies the content: equal hashes mean nothing changed.
func (c Content) Hash() string {
	b, err := json.Marshal(c)
	if err != nil { // strings, ints and slices of them always marshal
		panic(err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// IdentityOf is what tells articles apart: the canonical URL where there is
// one, else source, title and date.
func IdentityOf(a Article) string {
	if a.URL != "" {
		return a.URL
	}
	return strings.Join([]string{"page", a.Source, a.Title, a.Published.UTC().Format(time.RFC3339)}, "\x1f")
}

// ArticleID is the UUID (version 5, RFC 9562 section 5.5) of an identity.
func ArticleID(identity string) string {
	// The name space is itself fixed for ever: changing it changes every feed id.
	space := [16]byte{0x6a, 0x69, 0x61, 0x6e, 0x78, 0x75, 0x6e, 0x5f, 0x61, 0x72, 0x74, 0x69, 0x63, 0x6c, 0x65, 0x31}
	h := sha1.New() //nolint:gosec // see the import
	h.Write(space[:])
	h.Write([]byte(identity))
	u := h.Sum(nil)[:16]
	u[6] = u[6]&0x0f | 0x50
	u[8] = u[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[0:4], u[4:6], u[6:8], u[8:10], u[10:16])
}

// SaveResult tells what saving an article did.
type SaveResult string

// The results of saving an article.
const (
	SavedNew     SaveResult = "new"
	SavedChanged SaveResult = "changed"
	SavedSame    SaveResult = "same"
)
