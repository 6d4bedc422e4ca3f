package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"jianxun/internal/news"
)

// scanLimit bounds how many articles a keyword filter looks through.
const scanLimit = 20_000

// Newest lists live articles of the filter whose place is not in the future at
// now, newest first, at most limit. Its cost does not grow with the store
// unless the filter has keywords.
func (s *Store) Newest(ctx context.Context, f news.Filter, now time.Time, limit int) ([]news.Article, error) {
	if len(f.Keywords) == 0 {
		return s.newestPage(ctx, f, ms(now)+1, limit)
	}
	var found []news.Article
	before := ms(now) + 1
	for scanned, page := 0, 500; scanned < scanLimit && len(found) < limit; scanned += page {
		batch, err := s.newestPage(ctx, f, before, page)
		if err != nil {
			return nil, err
		}
		for _, a := range batch {
			if f.MatchText(a) {
				found = append(found, a)
			}
		}
		if len(batch) < page {
			break
		}
		before = ms(batch[len(batch)-1].Placed)
	}
	return found[:min(limit, len(found))], nil
}

// newestPage asks once for every pair of column and source, each over an index
// in the right order, and merges: an OR would make the engine sort everything.
func (s *Store) newestPage(ctx context.Context, f news.Filter, before int64, limit int) ([]news.Article, error) {
	var all []news.Article
	for _, column := range orAny(f.Columns) {
		for _, source := range orAny(f.Sources) {
			query, args := newestQuery(column, source, before, limit)
			rows, err := s.read.QueryContext(ctx, query, args...)
			part, err := collect(rows, err, scanArticle)
			if err != nil {
				return nil, err
			}
			all = append(all, part...)
		}
	}
	slices.SortFunc(all, func(a, b news.Article) int { return b.Placed.Compare(a.Placed) })
	return all[:min(limit, len(all))], nil
}

func newestQuery(column, source string, before int64, limit int) (string, []any) {
	where, args := []string{`state = 'live'`, `placed < $1`}, []any{before}
	for _, c := range []struct{ name, value string }{{"column_name", column}, {"source", source}} {
		if c.value != "" {
			args = append(args, c.value)
			where = append(where, c.name+" = "+placeholder(len(args)))
		}
	}
	args = append(args, limit)
	return `SELECT ` + articleFields + ` FROM articles WHERE ` + strings.Join(where, " AND ") +
		` ORDER BY placed DESC LIMIT ` + placeholder(len(args)), args
}

// orAny is the list with each entry once, or the empty string that stands for any.
func orAny(list []string) []string {
	if len(list) == 0 {
		return []string{""}
	}
	return slices.Compact(slices.Sorted(slices.Values(list)))
}

// List gives articles of every state, newest first, at most limit, for people
// who look after them.
func (s *Store) List(ctx context.Context, limit int) ([]news.Article, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT `+articleFields+` FROM articles ORDER BY placed DESC LIMIT $1`, limit)
	return collect(rows, err, scanArticle)
}

// Columns lists the columns that hold live articles, in the order of their names.
func (s *Store) Columns(ctx context.Context) ([]string, error) {
	// Skipping from one column to the next over the index; DISTINCT would read it whole.
	rows, err := s.read.QueryContext(ctx, `WITH RECURSIVE c (name) AS (
		SELECT min(column_name) FROM articles
		UNION ALL
		SELECT (SELECT min(column_name) FROM articles WHERE column_name > c.name) FROM c WHERE c.name IS NOT NULL)
		SELECT name FROM c WHERE name <> '' AND EXISTS (SELECT 1 FROM articles WHERE column_name = c.name AND state = 'live')`)
	return collect(rows, err, func(row scanner) (name string, err error) {
		err = row.Scan(&name)
		return name, err
	})
}

// CountArticles is the number of live articles.
func (s *Store) CountArticles(ctx context.Context) (n int, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT count(*) FROM articles WHERE state = 'live'`).Scan(&n)
	return n, err
}
