package store

import (
	"context"
	"database/sql"
	"encoding/json"

	"jianxun/internal/news"
)

// searchVersion is the migration that makes the search index.
const searchVersion = 4

// buildSearch makes the search index and fills it with what is stored already.
func (d dialect) buildSearch(ctx context.Context, transaction *sql.Tx) error {
	if _, err := transaction.ExecContext(ctx, d.makeSearch); err != nil {
		return err
	}
	t := tx{transaction, 0}
	for from := int64(-1 << 62); ; {
		batch, err := t.liveFrom(ctx, from)
		if err != nil || len(batch) == 0 {
			return err
		}
		for _, a := range batch {
			if err := t.index(ctx, a); err != nil {
				return err
			}
		}
		from = ms(batch[len(batch)-1].Placed)
	}
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
