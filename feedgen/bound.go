package feedgen

import (
	"slices"
	"strings"
	"unicode/utf8"

	"jianxun/internal/han"
	"jianxun/internal/news"
)

// maxArticles bounds what the articles of a document take up in whichever
// format takes most, so that all formats hold the same. In octets; with the
// head of the document it stays under the 5,000,000 of readers' limits.
const maxArticles = 4_800_000

// The longest fields shown: lengths in characters, tags in octets. No newsroom
// writes longer ones; broken pages and hostile feeds do.
const (
	summaryLength = 200 // when the text must stand for a summary
	maxSummary    = 500
	maxTitle      = 300
	maxName       = 200
	maxTag        = 200
	maxTags       = 50
	maxImages     = 10
)

// markup is how much the elements around one article take at most.
const markup = 2000

// bounded makes the articles fit to be shown, in a slice of its own. An article
// whose body finds no room is left with its summary, so that nothing is missed.
func (d Document) bounded() []news.Article {
	all, room := slices.Clone(d.Articles), maxArticles
	for i := range all {
		all[i] = d.trimmed(cleaned(all[i]), maxArticles/len(all))
		need := d.frame(all[i])
		if need > room { // only addresses of thousands of characters come here
			all = all[:i]
			break
		}
		room -= need
	}
	for i := range all {
		need := escaped(all[i].Body, 4)
		if !d.Full || need > room {
			all[i].Body, need = "", 0
		}
		room -= need
		if all[i].Body == "" && all[i].Summary == "" { // something must be there to read
			all[i].Summary = all[i].Title
		}
	}
	return all
}

func cleaned(a news.Article) news.Article {
	a.Title = clip(a.Title, maxTitle)
	if a.Title == "" {
		a.Title = "-"
	}
	a.Author, a.Origin, a.Column = clip(a.Author, maxName), clip(a.Origin, maxName), clip(a.Column, maxName)
	a.Body, a.Summary = news.CleanText(a.Body), clip(a.Summary, maxSummary)
	if a.Summary == "" {
		a.Summary = clip(a.Text[:min(len(a.Text), 4*1024)], summaryLength)
	}
	return a
}

// clip is s on one line, cut after a sentence when it is too long.
func clip(s string, length int) string {
	s = news.OneLine(s)
	n := 0
	for i, r := range s {
		if n++; n > length { // han need not look at what follows, and is slow over much of it
			return han.Clip(s[:i+utf8.RuneLen(r)], length)
		}
	}
	return s
}

// trimmed leaves out what an article has no room for, the least of it first:
// no article may push another one out.
func (d Document) trimmed(a news.Article, room int) news.Article {
	for _, drop := range []func(){
		func() { a.Images = nil }, func() { a.Keywords = nil }, func() { a.Summary = "" }, func() { a.Title = clip(a.Title, maxTitle/6) },
	} {
		if d.frame(a) <= room {
			break
		}
		drop()
	}
	return a
}

// frame is what an article takes without its body.
func (d Document) frame(a news.Article) int {
	n := markup + 2*len(d.link(a)) // Atom and RSS name some things twice
	for _, s := range append(tags(a), a.Title, a.Author, a.Origin, a.Summary) {
		n += 2 * escaped(s, 8) // RSS escapes a summary twice
	}
	for _, im := range pictures(a) {
		n += 2*len(im.URL) + escaped(im.Alt, 8) + markup/10
	}
	return n
}

// escaped is the length of s when every character that some format escapes
// takes so many octets more.
func escaped(s string, more int) int {
	n := len(s)
	for _, c := range []byte(s) {
		switch c {
		case '"', '\'', '&', '<', '>', '\\', '\n', '\t':
			n += more
		}
	}
	return n
}

// Encoded percent-encodes what RFC 3986 does not let stand in an address.
// Ingest has done so with what it brought; an address that is clean stays as it is.
func Encoded(address string) string {
	if !strings.ContainsFunc(address, mustEncode) {
		return address
	}
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(address) {
		if mustEncode(rune(c)) {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func mustEncode(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"<>\\^`{|}", r)
}
