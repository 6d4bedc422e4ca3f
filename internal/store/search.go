package store

import (
	"context"
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
	return s.dialect.search(ctx, s, phrases, ms(now), limit)
}

// searchWords asks FTS5. CROSS JOIN keeps the index in front, whose order is the
// answer's.
func searchWords(ctx context.Context, s *Store, phrases []han.Phrase, now int64, limit int) ([]news.Article, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT `+articleFields+` FROM search CROSS JOIN articles ON articles.placed = search.rowid
		WHERE search MATCH $1 AND search.rowid <= $2 ORDER BY search.rowid DESC LIMIT $3`, matchExpression(phrases), now, limit)
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
// and digits only, so quoting them is safe.
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
