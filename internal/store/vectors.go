package store

import (
	"fmt"
	"strings"

	"jianxun/internal/han"
)

// lexemes are the words of a phrase in the language of PostgreSQL's tsquery,
// joined by an operator. Words are letters and digits only, so quoting them is
// safe.
func lexemes(p han.Phrase, operator string) string {
	quoted := make([]string, len(p.Words))
	for i, w := range p.Words {
		quoted[i] = "'" + short(w) + "'"
	}
	q := strings.Join(quoted, operator)
	if p.Prefix {
		q += ":*"
	}
	return q
}

// Bounds of a tsvector: what it keeps of a word's places in the text, and how
// many places there are (PostgreSQL, 12.9 Limitations).
const (
	maxRepeats = 255
	maxPlaces  = 16_000
	maxWord    = 400     // octets; a query has fewer, see maxQuery
	maxOctets  = 500_000 // of all words; the bound is twice that, with their places
	overlap    = maxQuery
)

// vectors are words in the language of PostgreSQL's tsvector, in as many parts as
// its bounds ask for. A part begins with the end of the one before it, so that
// every phrase stands in one of them whole.
func vectors(words []string) []string {
	var parts []string
	for from := 0; ; {
		to := partEnd(words, from)
		parts = append(parts, vector(words[from:to]))
		if to == len(words) {
			return parts
		}
		from = max(from+1, to-overlap)
	}
}

// partEnd is where the part that begins at from has to end.
func partEnd(words []string, from int) int {
	repeats, octets := map[string]int{}, 0
	for i := from; i < len(words); i++ {
		if repeats[words[i]]++; repeats[words[i]] > maxRepeats || i-from == maxPlaces || octets > maxOctets {
			return i
		}
		octets += min(len(words[i]), maxWord)
	}
	return len(words)
}

func vector(words []string) string {
	var b strings.Builder
	for i, w := range words {
		fmt.Fprintf(&b, "'%s':%d ", short(w), i+1)
	}
	return b.String()
}

// short cuts a word to what a tsvector takes.
func short(w string) string {
	if len(w) > maxWord {
		w = strings.ToValidUTF8(w[:maxWord], "")
	}
	return w
}
