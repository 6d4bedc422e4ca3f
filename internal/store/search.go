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
	expr, err := matchExpression(query)
	if err != nil {
		return nil, err
	}
	rows, err := s.read.QueryContext(ctx, s.dialect.search, expr, ms(now), limit)
	return collect(rows, err, scanArticle)
}

// matchExpression is the query in the language of SQLite's FTS5. Words are
// letters and digits only, so quoting them is safe.
func matchExpression(query string) (string, error) {
	if len([]rune(query)) > maxQuery {
		return "", news.Errorf(news.Invalid, "a query has %d characters at most", maxQuery)
	}
	phrases := han.Phrases(news.CleanText(query))
	switch {
	case len(phrases) == 0:
		return "", news.Errorf(news.Invalid, "write a word to look for")
	case len(phrases) > maxPhrases:
		return "", news.Errorf(news.Invalid, "a query has %d words at most", maxPhrases)
	}
	var parts []string
	for _, p := range phrases {
		part := `"` + strings.Join(p.Words, " ") + `"`
		if p.Prefix {
			part += "*"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, " AND "), nil
}
