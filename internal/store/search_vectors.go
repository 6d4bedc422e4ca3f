package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"jianxun/internal/han"
	"jianxun/internal/news"
)

// PostgreSQL's index tells fast which articles hold all words of a phrase. That
// they stand together it has to look up in each of them, and it guesses badly how
// many there are: left alone it reads the whole table for a rare word, or looks up
// a common one a hundred thousand times. So it is led: first through the newest
// articles, where a common word is found at once, then through the matches of the
// index, the newest first, until there are enough.

// searchWindow is how many articles are looked at in one step, at first.
const searchWindow = 200

// vectorSearch is one search in a transaction.
type vectorSearch struct {
	tx
	together []string // the phrases
	anywhere []string // their words; what is in the place of a phrase of one word is the phrase
}

// searchVectors asks PostgreSQL.
func searchVectors(ctx context.Context, s *Store, phrases []han.Phrase, now int64, limit int) (list []news.Article, err error) {
	err = s.read.moment(ctx, func(ctx context.Context, t tx) error {
		if _, err := t.ExecContext(ctx, `SET LOCAL enable_seqscan = off`); err != nil {
			return err
		}
		v := vectorSearch{tx: t}
		for _, p := range phrases {
			v.together = append(v.together, lexemes(p, " <-> "))
			v.anywhere = append(v.anywhere, lexemes(p, " & "))
		}
		places, err := v.places(ctx, now+1, limit)
		if err != nil {
			return err
		}
		list, err = t.articlesAt(ctx, places)
		return err
	})
	return list, err
}

// places are those of the newest articles before a place that hold all phrases.
func (v vectorSearch) places(ctx context.Context, before int64, limit int) (found []int64, err error) {
	newest, args := v.among(``, before, searchWindow)
	for n := searchWindow; ; n *= 2 {
		looked, err := v.look(ctx, newest, args)
		if err != nil {
			return nil, err
		}
		for _, l := range looked {
			if l.holds {
				found = append(found, l.placed)
			}
		}
		if len(found) >= limit || len(looked) < n {
			return found[:min(limit, len(found))], nil
		}
		newest, args = v.matching(looked[len(looked)-1].placed, 2*n)
	}
}

// matching asks for the next n articles that hold all words of all phrases.
// Adding nothing to the place keeps the engine from walking through all of them
// in its order.
func (v vectorSearch) matching(before int64, n int) (string, []any) {
	var where strings.Builder
	args := make([]any, len(v.anywhere))
	for i, words := range v.anywhere {
		fmt.Fprintf(&where, ` AND placed IN (SELECT placed FROM search WHERE words @@ CAST($%d AS tsquery))`, i+3)
		args[i] = words
	}
	return v.among(where.String(), before, n, args...)
}

// among asks which of some articles hold all phrases.
func (v vectorSearch) among(where string, before int64, n int, words ...any) (string, []any) {
	order := `placed`
	if where != `` {
		order = `placed + 0`
	}
	args := append([]any{before, n}, words...)
	tests := []string{`true`}
	for i, phrase := range v.together {
		if where != `` && phrase == v.anywhere[i] {
			continue // a single word that the index has found
		}
		args = append(args, phrase)
		tests = append(tests, `(SELECT bool_or(v.words @@ CAST(`+placeholder(len(args))+` AS tsquery)) FROM search v WHERE v.placed = c.placed)`)
	}
	return `SELECT c.placed, ` + strings.Join(tests, ` AND `) + ` FROM (SELECT placed FROM search WHERE placed < $1` + where +
		` GROUP BY placed ORDER BY ` + order + ` DESC LIMIT $2) AS c ORDER BY c.placed DESC`, args
}

// looked is an article that may hold the phrases.
type looked struct {
	placed int64
	holds  bool
}

func (v vectorSearch) look(ctx context.Context, query string, args []any) ([]looked, error) {
	rows, err := v.QueryContext(ctx, query, args...)
	return collect(rows, err, func(row scanner) (l looked, err error) {
		err = row.Scan(&l.placed, &l.holds)
		return l, err
	})
}

// articlesAt are the articles at the places, the newest first.
func (t tx) articlesAt(ctx context.Context, places []int64) ([]news.Article, error) {
	if len(places) == 0 {
		return nil, nil
	}
	args, these := list(nil, slices.Sorted(slices.Values(places)))
	rows, err := t.QueryContext(ctx, `SELECT `+articleFields+` FROM articles WHERE placed IN (`+these+`) ORDER BY placed DESC`, args...)
	return collect(rows, err, scanArticle)
}
