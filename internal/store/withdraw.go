package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"jianxun/internal/news"
)

// Withdraw takes a live article out of everything that shows articles, and out
// of the issues that have not begun to be sent.
func (s *Store) Withdraw(ctx context.Context, id string) error {
	return s.inTx(ctx, func(t tx) error {
		placed, err := t.move(ctx, id, news.Live, news.Withdrawn)
		if err != nil {
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
// as it reads now.
func (s *Store) Restore(ctx context.Context, id string) error {
	return s.inTx(ctx, func(t tx) error {
		placed, err := t.move(ctx, id, news.Withdrawn, news.Live)
		if err != nil {
			return err
		}
		a, err := scanArticle(t.QueryRowContext(ctx, `SELECT `+articleFields+` FROM articles WHERE id = $1`, id))
		if err != nil {
			return err
		}
		updated, err := t.freeTime(ctx, "updated", max(t.now, ms(a.Updated)+1))
		if err != nil {
			return err
		}
		for _, statement := range []string{
			`UPDATE articles SET updated = $2 WHERE id = $1`,
			`UPDATE article_revisions SET updated = $2 WHERE article_id = $1 AND revision = (SELECT revision FROM articles WHERE id = $1)`,
		} {
			if _, err := t.ExecContext(ctx, statement, id, updated); err != nil {
				return err
			}
		}
		if _, err := t.ExecContext(ctx, `UPDATE collection_archive SET revision = $2 WHERE placed = $1`, placed, a.Revision); err != nil {
			return err
		}
		t.index(a)
		return nil
	})
}

// move changes the state of an article and gives its place.
func (t tx) move(ctx context.Context, id string, from, to news.ArticleState) (placed int64, err error) {
	var state news.ArticleState
	err = t.QueryRowContext(ctx, `SELECT state, placed FROM articles WHERE id = $1`, id).Scan(&state, &placed)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return 0, news.Errorf(news.NotFound, "there is no article %s", id)
	case err != nil:
		return 0, err
	case state != from:
		return 0, news.Errorf(news.Conflict, "the article is %s already", state)
	}
	seq, err := t.nextSeq(ctx)
	if err != nil {
		return 0, err
	}
	withdrawn := int64(0)
	if to == news.Withdrawn {
		withdrawn = t.now
	}
	_, err = t.ExecContext(ctx, `UPDATE articles SET state = $2, seq = $3, changed = $4, withdrawn = $5 WHERE id = $1`, id, to, seq, t.now, withdrawn)
	return placed, err
}

// withdrawalsRead bounds how many withdrawn articles are looked through for
// those of a feed.
const withdrawalsRead = 500

// Withdrawals lists the articles of the filter that were withdrawn last, the
// newest first, at most limit, leaving out what would not have been shown yet.
func (s *Store) Withdrawals(ctx context.Context, f news.Filter, now time.Time, limit int) ([]news.Article, error) {
	// The + keeps the engine from going through all that were placed before now.
	rows, err := s.read.QueryContext(ctx, `SELECT `+articleFields+` FROM articles WHERE state = 'withdrawn' AND +placed <= $1 ORDER BY withdrawn DESC, placed DESC LIMIT $2`,
		ms(now), withdrawalsRead)
	all, err := collect(rows, err, scanArticle)
	var found []news.Article
	for _, a := range all {
		if f.Match(a) && len(found) < limit {
			found = append(found, a)
		}
	}
	return found, err
}
