package store

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"jianxun/internal/han"
	"jianxun/internal/news"
)

// searchVersion is the migration that makes the search index.
const searchVersion = 4

// buildSearch makes the search index and fills it with what is stored already.
func buildSearch(ctx context.Context, t tx) error {
	if _, err := t.Tx.ExecContext(ctx, t.makeSearch); err != nil {
		return err
	}
	return t.fillSearch(ctx)
}

// fillSearch puts every live article into the empty index.
func (t tx) fillSearch(ctx context.Context) error {
	for from, n := beforeAll, 1; n > 0; {
		var err error
		if from, n, err = t.fillSearchFrom(ctx, from); err != nil {
			return err
		}
	}
	return nil
}

// beforeAll is a place before that of every article.
const beforeAll = int64(-1 << 62)

// fillSearchFrom puts some of the live articles after a place into the index, and
// gives the place of the last and how many they are.
func (t tx) fillSearchFrom(ctx context.Context, from int64) (int64, int, error) {
	batch, err := t.liveFrom(ctx, from)
	if err != nil || len(batch) == 0 {
		return from, 0, err
	}
	for _, a := range batch {
		t.index(a)
	}
	return ms(batch[len(batch)-1].Placed), len(batch), t.reindex(ctx)
}

// indexing is what a transaction has to do to the search index. It is done at
// the end, in one go: between other statements the engine would write the whole
// of it to disk after each.
type indexing struct {
	leave []int64 // places
	enter []indexed
}

type indexed struct {
	placed int64
	words  []string
}

// index makes a live article found, as it is now.
func (t tx) index(a news.Article) {
	words := han.Bigrams(strings.Join(append([]string{a.Title, a.Text, a.Author, a.Origin}, a.Keywords...), "\n"))
	t.words.enter = append(t.words.enter, indexed{ms(a.Placed), words})
}

// unindex makes the article at the place no longer found.
func (t tx) unindex(placed int64) {
	t.words.leave = append(t.words.leave, placed)
	t.words.enter = slices.DeleteFunc(t.words.enter, func(i indexed) bool { return i.placed == placed })
}

// reindex does what was put off. In the order of places the engine need not
// write before the end.
func (t tx) reindex(ctx context.Context) error {
	slices.Sort(t.words.leave)
	slices.SortFunc(t.words.enter, func(a, b indexed) int { return cmp.Compare(a.placed, b.placed) })
	for _, placed := range t.words.leave {
		if _, err := t.ExecContext(ctx, t.dialect.unindex, placed); err != nil {
			return err
		}
	}
	for _, i := range t.words.enter {
		for _, s := range t.dialect.index(i.placed, i.words) {
			if _, err := t.ExecContext(ctx, s.text, s.args...); err != nil {
				return err
			}
		}
	}
	*t.words = indexing{}
	return nil
}

func (t tx) liveFrom(ctx context.Context, placed int64) ([]news.Article, error) {
	rows, err := t.QueryContext(ctx, `SELECT placed, title, content FROM articles WHERE state = 'live' AND placed > $1 ORDER BY placed LIMIT 500`, placed)
	return collect(rows, err, func(row scanner) (a news.Article, err error) {
		var content string
		var place int64
		if err = row.Scan(&place, &a.Title, &content); err == nil {
			a.Placed = at(place)
			err = json.Unmarshal([]byte(content), &a.Content)
		}
		return a, err
	})
}
