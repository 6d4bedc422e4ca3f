package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"jianxun/internal/han"
	"jianxun/internal/news"
)

// The search index holds the words of each live article under the article's
// place, so that what is found comes newest first without being sorted.

// Bounds of a query.
const (
	maxQuery   = 100 // characters
	maxPhrases = 8
)

// Search lists live articles whose title, text, names or keywords hold all
// parts of the query, newest first, at most limit. Parts stand between white
// space; each is looked for as it stands, marks apart.
func (s *Store) Search(ctx context.Context, query string, now time.Time, limit int) ([]news.Article, error) {
	phrases, err := phrasesOf(query)
	if err != nil {
		return nil, err
	}
	ask := s.dialect.search(phrases)
	rows, err := s.read.QueryContext(ctx, ask.text, append([]any{ms(now), limit}, ask.args...)...)
	return collect(rows, err, scanArticle)
}

// phrasesOf reads a query.
func phrasesOf(query string) ([]han.Phrase, error) {
	if len([]rune(query)) > maxQuery {
		return nil, news.Errorf(news.Invalid, "a query has %d characters at most", maxQuery)
	}
	phrases := han.Phrases(news.CleanText(query))
	switch {
	case len(phrases) == 0:
		return nil, news.Errorf(news.Invalid, "write a word to look for")
	case len(phrases) > maxPhrases:
		return nil, news.Errorf(news.Invalid, "a query has %d words at most", maxPhrases)
	}
	return phrases, nil
}

// matchExpression is a query in the language of SQLite's FTS5. Words are letters
// and digits only, so quoting them is safe, here and below.
func matchExpression(phrases []han.Phrase) string {
	var parts []string
	for _, p := range phrases {
		part := `"` + strings.Join(p.Words, " ") + `"`
		if p.Prefix {
			part += "*"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, " AND ")
}

// lexemes is a phrase in the language of PostgreSQL's tsquery.
func lexemes(p han.Phrase) string {
	quoted := make([]string, len(p.Words))
	for i, w := range p.Words {
		quoted[i] = "'" + short(w) + "'"
	}
	q := strings.Join(quoted, " <-> ")
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
	maxWord    = 400 // octets; a query has fewer, see maxQuery
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
	repeats := map[string]int{}
	for i := from; i < len(words); i++ {
		if repeats[words[i]]++; repeats[words[i]] > maxRepeats || i-from == maxPlaces {
			return i
		}
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
