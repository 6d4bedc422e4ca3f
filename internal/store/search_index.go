package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"strings"

	"jianxun/internal/han"
	"jianxun/internal/news"
)

// searchVersion is the migration that makes the search index.
const searchVersion = 4

// buildSearch makes the search index and fills it with what is stored already.
func (d dialect) buildSearch(ctx context.Context, transaction *sql.Tx) error {
	if _, err := transaction.ExecContext(ctx, d.makeSearch); err != nil {
		return err
	}
	t := newTx(transaction, 0)
	for from := int64(-1 << 62); ; {
		batch, err := t.liveFrom(ctx, from)
		if err != nil || len(batch) == 0 {
			return err
		}
		for _, a := range batch {
			t.index(a)
		}
		if err := t.reindex(ctx); err != nil {
			return err
		}
		from = ms(batch[len(batch)-1].Placed)
	}
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
	words  string
}

// index makes a live article found, as it is now.
func (t tx) index(a news.Article) {
	words := han.Bigrams(strings.Join(append([]string{a.Title, a.Text, a.Author, a.Origin}, a.Keywords...), "\n"))
	t.words.enter = append(t.words.enter, indexed{ms(a.Placed), strings.Join(words, " ")})
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
		if _, err := t.ExecContext(ctx, `DELETE FROM search WHERE rowid = $1`, placed); err != nil {
			return err
		}
	}
	for _, i := range t.words.enter {
		if _, err := t.ExecContext(ctx, `INSERT INTO search (rowid, words) VALUES ($1, $2)`, i.placed, i.words); err != nil {
			return err
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
