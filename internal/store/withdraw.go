package store

import (
	"context"
	"database/sql"
	"errors"

	"jianxun/internal/news"
)

// Withdraw takes a live article out of everything that shows articles, and out
// of the issues that have not begun to be sent.
func (s *Store) Withdraw(ctx context.Context, id string) error {
	return s.inTxWithin(ctx, s.dialect.patience*long, articleLock, func(ctx context.Context, t tx) error {
		was, err := t.stateOf(ctx, id, news.Live)
		if err != nil {
			return err
		}
		placed, at := ms(was.Placed), max(t.now, ms(was.Updated)+1) // readers believe what is newer than the entry
		if err := t.move(ctx, id, news.Withdrawn, at); err != nil {
			return err
		}
		if _, err := t.ExecContext(ctx, `INSERT INTO collection_left (collection, placed, withdrawn)
			SELECT collection, placed, $2 FROM (SELECT collection, placed FROM collection_current WHERE placed = $1
				UNION SELECT collection, placed FROM collection_archive WHERE placed = $1
				UNION SELECT collection, placed FROM collection_left WHERE placed = $1) AS shown WHERE true
			ON CONFLICT (collection, placed) DO UPDATE SET withdrawn = excluded.withdrawn`, placed, at); err != nil {
			return err
		}
		if _, err := t.ExecContext(ctx, `DELETE FROM issue_items WHERE article_id = $1
			AND issue_id IN (SELECT id FROM issues WHERE state IN ('draft', 'review', 'approved'))`, id); err != nil {
			return err
		}
		t.unindex(placed)
		return nil
	})
}

// Restore brings a withdrawn article back under its id and in its place. Its
// updated time moves: a reader that was told of the deletion takes the article
// again only if it is newer (RFC 6721 section 3). In an archive it comes back
// as it reads now. An issue whose cut-off it missed is not the last that may
// choose it.
func (s *Store) Restore(ctx context.Context, id string) error {
	return s.inTxWithin(ctx, s.dialect.patience*long, articleLock, func(ctx context.Context, t tx) error {
		a, err := t.stateOf(ctx, id, news.Withdrawn)
		if err != nil {
			return err
		}
		updated, err := t.freeTime(ctx, "updated", max(t.now, ms(a.Updated)+1, ms(a.Withdrawn)+1))
		if err != nil {
			return err
		}
		available, err := t.availableFrom(ctx, ms(a.Placed))
		if err != nil {
			return err
		}
		if err := t.move(ctx, id, news.Live, 0); err != nil {
			return err
		}
		for _, step := range []struct {
			statement string
			args      []any
		}{
			{`UPDATE articles SET updated = $2, available = $3 WHERE id = $1`, []any{id, updated, available}},
			{`UPDATE article_revisions SET updated = $3 WHERE article_id = $1 AND revision = $2`, []any{id, a.Revision, updated}},
			{`UPDATE collection_archive SET revision = $2 WHERE placed = $1`, []any{ms(a.Placed), a.Revision}},
			{`UPDATE collection_left SET withdrawn = 0 WHERE placed = $1`, []any{ms(a.Placed)}},
		} {
			if _, err := t.ExecContext(ctx, step.statement, step.args...); err != nil {
				return err
			}
		}
		t.index(a)
		return nil
	})
}

// stateOf reads an article that must be in the state.
func (t tx) stateOf(ctx context.Context, id string, state news.ArticleState) (news.Article, error) {
	a, err := scanArticle(t.QueryRowContext(ctx, `SELECT `+articleFields+` FROM articles WHERE id = $1`, id))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return a, news.Errorf(news.NotFound, "there is no article %s", id)
	case err == nil && a.State != state:
		return a, news.Errorf(news.Conflict, "the article is %s already", a.State)
	}
	return a, err
}

// move changes the state of an article.
func (t tx) move(ctx context.Context, id string, to news.ArticleState, withdrawn int64) error {
	seq, err := t.nextSeq(ctx)
	if err != nil {
		return err
	}
	_, err = t.ExecContext(ctx, `UPDATE articles SET state = $2, seq = $3, changed = $4, withdrawn = $5 WHERE id = $1`, id, to, seq, t.now, withdrawn)
	return err
}

// Withdrawals lists the articles that the collection has shown and that are
// withdrawn, the last first, at most limit.
func (s *Store) Withdrawals(ctx context.Context, collection int64, limit int) ([]news.Article, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT `+articleFields+` FROM articles WHERE placed IN
		(SELECT placed FROM collection_left WHERE collection = $1 AND withdrawn > 0 ORDER BY withdrawn DESC, placed DESC LIMIT $2)
		ORDER BY articles.withdrawn DESC, placed DESC`, collection, limit)
	return collect(rows, err, scanArticle)
}
