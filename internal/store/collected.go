package store

import (
	"context"
	"time"

	"jianxun/internal/news"
)

// Current lists the articles of the feed's subscription document, newest first,
// and gives the collection as it was at that very moment: another process may
// have moved it on. While a collection is Behind they are the newest that are
// not archived.
func (s *Store) Current(ctx context.Context, f news.Feed, c news.Collection, now time.Time) ([]news.Article, news.Collection, error) {
	if c.Behind {
		list, err := s.provisional(ctx, f, c, now)
		return list, c, err
	}
	var list []news.Article
	err := s.read.moment(ctx, func(ctx context.Context, t tx) error {
		if err := t.QueryRowContext(ctx, `SELECT archived FROM collections WHERE id = $1`, c.ID).Scan(&c.Archived); err != nil {
			return err
		}
		rows, err := t.QueryContext(ctx, `SELECT `+articleFields+` FROM articles WHERE state = 'live' AND placed IN
			(SELECT placed FROM collection_current WHERE collection = $1 ORDER BY placed DESC LIMIT $2) ORDER BY placed DESC`, c.ID, f.Items)
		list, err = collect(rows, err, scanArticle)
		return err
	})
	return list, c, err
}

func (s *Store) provisional(ctx context.Context, f news.Feed, c news.Collection, now time.Time) ([]news.Article, error) {
	newest, err := s.Newest(ctx, f.Filter, now, 2*f.Items)
	if err != nil {
		return nil, err
	}
	var current []news.Article
	for _, a := range newest {
		var archived bool
		if err := s.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM collection_archive WHERE collection = $1 AND placed = $2)`,
			c.ID, ms(a.Placed)).Scan(&archived); err != nil {
			return nil, err
		}
		if !archived && len(current) < f.Items {
			current = append(current, a)
		}
	}
	return current, nil
}

// Archived lists the live articles of the archive from the position first to
// last, the last first, each in the revision in which it was archived.
func (s *Store) Archived(ctx context.Context, collection, first, last int64) ([]news.Article, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT a.id, identity, seq, source, url, r.content, published, date_only, first_seen, a.placed, r.updated, changed, withdrawn, state, r.revision
		FROM collection_archive c JOIN articles a ON a.placed = c.placed JOIN article_revisions r ON r.article_id = a.id AND r.revision = c.revision
		WHERE c.collection = $1 AND c.position BETWEEN $2 AND $3 AND a.state = 'live' ORDER BY c.position DESC`, collection, first, last)
	return collect(rows, err, scanArticle)
}

// Positions are the places of an article in the archives of collections.
func (s *Store) Positions(ctx context.Context, a news.Article) (map[int64]int64, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT collection, position FROM collection_archive WHERE placed = $1`, ms(a.Placed))
	places := map[int64]int64{}
	_, err = collect(rows, err, func(row scanner) (id int64, err error) {
		var position int64
		err = row.Scan(&id, &position)
		places[id] = position
		return id, err
	})
	return places, err
}
