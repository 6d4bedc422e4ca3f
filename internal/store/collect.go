package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"jianxun/internal/news"
)

// collectAtOnce bounds what one call of Collect looks at and archives in all
// feeds, and collectAtLeast what it does in each, so that a store of any size
// keeps neither its caller waiting nor who wants to withdraw an article.
const (
	collectAtOnce  = 1000
	collectAtLeast = 50
)

// Collect brings the collections of feeds up to date, in the order of the feeds:
// articles that match enter, those that no longer do leave while they are in
// the subscription document, and what the newest f.Items leave no room for is
// archived, the oldest first. What is archived stays. It writes only when
// something changed; collections that are Behind want another call.
func (s *Store) Collect(ctx context.Context, feeds []news.Feed, now time.Time) ([]news.Collection, error) {
	head, err := s.Head(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]news.Collection, len(feeds))
	var behind []int
	for i, f := range feeds {
		k, err := scanKept(s.read.QueryRowContext(ctx, `SELECT `+keptFields+` FROM collections WHERE name = $1`, f.Name()))
		if k.Behind = errors.Is(err, sql.ErrNoRows) || k.seq != head; err == nil && !k.Behind {
			k.Behind, err = s.due(ctx, k, now, f.Items)
		}
		switch {
		case err != nil && !errors.Is(err, sql.ErrNoRows):
			return nil, err
		case k.Behind:
			behind = append(behind, i)
		}
		out[i] = k.Collection
	}
	if len(behind) == 0 {
		return out, nil
	}
	return out, s.inTxWithin(ctx, s.dialect.patience*long, articleLock, func(ctx context.Context, t tx) error {
		c := collector{t, map[[2]int64]unseen{}, max(collectAtOnce/len(behind), collectAtLeast)}
		for _, i := range behind {
			k, err := c.collect(ctx, feeds[i], now)
			if err != nil {
				return err
			}
			out[i] = k.Collection
		}
		return nil
	})
}

// kept is a collection with how far it has come.
type kept struct {
	news.Collection
	seq, looked int64
}

const keptFields = `id, seq, looked, archived`

func scanKept(row scanner) (k kept, err error) {
	err = row.Scan(&k.ID, &k.seq, &k.looked, &k.Archived)
	return k, err
}

// due tells whether the day of an article has come, or the feed was made
// shorter, or an earlier call left something to archive.
func (s *Store) due(ctx context.Context, k kept, now time.Time, items int) (due bool, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM articles WHERE available > $1 AND available <= $2 AND seq <= $3)
		OR EXISTS (SELECT 1 FROM collection_current WHERE collection = $4 ORDER BY placed DESC LIMIT 1 OFFSET $5)`,
		k.looked, ms(now), k.seq, k.ID, items).Scan(&due)
	return due, err
}

// collector is one transaction over several collections. What one of them has
// to look at is what most of the others have to.
type collector struct {
	tx
	seen   map[[2]int64]unseen // by how far a collection has come
	atOnce int                 // how many articles each looks at
}

// unseen is what a collection has to look at next.
type unseen struct {
	articles []news.Article
	looked   int64 // up to when articles are in it whose day has come
	more     bool  // there is more after it
}

const (
	enterCollection = `INSERT INTO collection_current (collection, placed) SELECT $1, $2
		WHERE NOT EXISTS (SELECT 1 FROM collection_archive WHERE collection = $1 AND placed = $2) ON CONFLICT (collection, placed) DO NOTHING`
	leaveCollection = `DELETE FROM collection_current WHERE collection = $1 AND placed = $2`
	// Who was shown an article is to be told should it be withdrawn later.
	rememberLeft = `INSERT INTO collection_left (collection, placed, withdrawn) SELECT collection, placed, 0 FROM collection_current
		WHERE collection = $1 AND placed = $2 ON CONFLICT (collection, placed) DO NOTHING`
)

func (c collector) collect(ctx context.Context, f news.Feed, now time.Time) (kept, error) {
	k, err := c.keep(ctx, f.Name(), now)
	if err != nil {
		return k, err
	}
	state := [2]int64{k.seq, k.looked}
	next, ok := c.seen[state]
	if !ok {
		if next, err = c.unseen(ctx, k, now); err != nil {
			return k, err
		}
		c.seen[state] = next
	}
	for _, a := range next.articles {
		k.seq = max(k.seq, a.Seq)
		steps := []string{rememberLeft, leaveCollection}
		if a.State == news.Live && !a.Placed.After(now) && f.Match(a) {
			steps = []string{enterCollection}
		}
		for _, step := range steps {
			if _, err := c.ExecContext(ctx, step, k.ID, ms(a.Placed)); err != nil {
				return k, err
			}
		}
	}
	k.looked = next.looked
	if k.Behind = next.more; !k.Behind {
		if err := c.archive(ctx, &k, f.Items); err != nil {
			return k, err
		}
	}
	_, err = c.ExecContext(ctx, `UPDATE collections SET seq = $2, looked = $3, archived = $4 WHERE id = $1`, k.ID, k.seq, k.looked, k.Archived)
	return k, err
}

// keep reads the collection within the transaction, and makes it when absent.
func (t tx) keep(ctx context.Context, name string, now time.Time) (kept, error) {
	if _, err := t.ExecContext(ctx, `INSERT INTO collections (id, name, seq, looked, archived)
		SELECT coalesce(max(id), 0) + 1, $1, 0, $2, 0 FROM collections WHERE true ON CONFLICT (name) DO NOTHING`, name, ms(now)); err != nil {
		return kept{}, err
	}
	return scanKept(t.QueryRowContext(ctx, `SELECT `+keptFields+` FROM collections WHERE name = $1`, name))
}

// unseen lists the next of the articles whose day has come since, and the next
// of those that changed since, in the order of their changes. The time that was
// looked at follows the clock, also back.
func (c collector) unseen(ctx context.Context, k kept, now time.Time) (u unseen, err error) {
	u.looked = ms(now)
	var cut int64 // with all that came at the same time
	err = c.QueryRowContext(ctx, `SELECT available FROM articles WHERE available > $1 AND available <= $2 AND seq <= $3 ORDER BY available LIMIT 1 OFFSET $4`,
		k.looked, ms(now), k.seq, c.atOnce-1).Scan(&cut)
	switch {
	case err == nil:
		u.more, u.looked = cut < u.looked, cut
	case !errors.Is(err, sql.ErrNoRows):
		return u, err
	}
	rows, err := c.QueryContext(ctx, `SELECT `+articleFields+` FROM articles WHERE available > $1 AND available <= $2 AND seq <= $3`, k.looked, u.looked, k.seq)
	due, err := collect(rows, err, scanArticle)
	if err != nil {
		return u, err
	}
	rows, err = c.QueryContext(ctx, `SELECT `+articleFields+` FROM articles WHERE seq > $1 ORDER BY seq LIMIT $2`, k.seq, c.atOnce)
	changed, err := collect(rows, err, scanArticle)
	u.articles, u.more = append(due, changed...), u.more || len(changed) == c.atOnce
	return u, err
}

// archive moves what stands behind the newest items into the archive, the
// oldest first, each article in the revision that it has now.
func (c collector) archive(ctx context.Context, k *kept, items int) error {
	var newest int64 // of those that leave
	err := c.QueryRowContext(ctx, `SELECT placed FROM collection_current WHERE collection = $1 ORDER BY placed DESC LIMIT 1 OFFSET $2`, k.ID, items).Scan(&newest)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	} else if err != nil {
		return err
	}
	moved, err := c.ExecContext(ctx, `INSERT INTO collection_archive (collection, position, placed, revision)
		SELECT $1, $2 + row_number() OVER (ORDER BY c.placed), c.placed, a.revision
		FROM (SELECT placed FROM collection_current WHERE collection = $1 AND placed <= $3 ORDER BY placed LIMIT $4) c JOIN articles a ON a.placed = c.placed`,
		k.ID, k.Archived, newest, c.atOnce)
	if err != nil {
		return err
	}
	n, err := moved.RowsAffected()
	if err != nil {
		return err
	}
	var last int64
	if err := c.QueryRowContext(ctx, `SELECT placed FROM collection_archive WHERE collection = $1 AND position = $2`, k.ID, k.Archived+n).Scan(&last); err != nil {
		return err
	}
	k.Archived += n
	k.Behind = last != newest
	_, err = c.ExecContext(ctx, `DELETE FROM collection_current WHERE collection = $1 AND placed <= $2`, k.ID, last)
	return err
}
