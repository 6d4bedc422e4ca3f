package store

import (
	"context"
	"time"

	"jianxun/internal/news"
)

// A feed may carry an image as enclosure only when its length is known. Which
// articles have an image that must be asked for is kept until it is known, or
// was asked for in vain too often.

// triesToMeasure is how often an image is asked for.
const triesToMeasure = 4

// measureLater notes down whether an article has an image of unknown length.
func (t tx) measureLater(ctx context.Context, a news.Article) error {
	statement, args := `DELETE FROM unmeasured WHERE article_id = $1`, []any{a.ID}
	if _, ok := a.Unmeasured(); ok {
		statement = `INSERT INTO unmeasured (article_id, tries, next_try) VALUES ($1, 0, $2)
			ON CONFLICT (article_id) DO UPDATE SET tries = 0, next_try = excluded.next_try`
		args = append(args, t.now)
	}
	_, err := t.ExecContext(ctx, statement, args...)
	return err
}

// ClaimUnmeasured gives articles with an image of unknown length that are due,
// at most limit, and keeps them from others until the time until.
func (s *Store) ClaimUnmeasured(ctx context.Context, until time.Time, limit int) (claimed []news.Article, err error) {
	var due bool
	if err := s.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM unmeasured WHERE next_try <= $1)`, ms(s.now())).Scan(&due); err != nil || !due {
		return nil, err
	}
	err = s.inTx(ctx, articleLock, func(ctx context.Context, t tx) error {
		if _, err := t.ExecContext(ctx, `DELETE FROM unmeasured WHERE tries >= $1 AND next_try <= $2`, triesToMeasure, t.now); err != nil {
			return err
		}
		rows, err := t.QueryContext(ctx, `UPDATE unmeasured SET tries = tries + 1, next_try = $1 WHERE article_id IN
			(SELECT article_id FROM unmeasured WHERE next_try <= $2 ORDER BY next_try LIMIT $3) RETURNING article_id`, ms(until), t.now, limit)
		ids, err := collect(rows, err, func(row scanner) (id string, err error) {
			err = row.Scan(&id)
			return id, err
		})
		for _, id := range ids {
			a, err := scanArticle(t.QueryRowContext(ctx, `SELECT `+articleFields+` FROM articles WHERE id = $1`, id))
			if err != nil {
				return err
			}
			claimed = append(claimed, a)
		}
		return err
	})
	return claimed, err
}

// Measured tells an article what is known of its image now. The content that
// the source gave, and so its hash, revision and updated time, stay as they are;
// so does an archive that holds the revision. An article that was revised
// meanwhile is left alone.
func (s *Store) Measured(ctx context.Context, a news.Article, image news.Image) error {
	return s.inTx(ctx, articleLock, func(ctx context.Context, t tx) error {
		for i := range a.Images {
			if a.Images[i].URL == image.URL {
				a.Images[i].Type, a.Images[i].Length = image.Type, image.Length
			}
		}
		var same bool
		if err := t.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM articles WHERE id = $1 AND revision = $2)`, a.ID, a.Revision).Scan(&same); err != nil || !same {
			return err
		}
		seq, err := t.nextSeq(ctx)
		if err != nil {
			return err
		}
		content := toJSON(a.Content)
		for _, step := range []struct {
			statement string
			args      []any
		}{
			{`UPDATE articles SET content = $2, seq = $3, changed = $4 WHERE id = $1`, []any{a.ID, content, seq, t.now}},
			{`UPDATE article_revisions SET content = $3 WHERE article_id = $1 AND revision = $2
				AND NOT EXISTS (SELECT 1 FROM collection_archive c WHERE c.placed = $4)`, []any{a.ID, a.Revision, content, ms(a.Placed)}},
			{`DELETE FROM unmeasured WHERE article_id = $1`, []any{a.ID}},
		} {
			if _, err := t.ExecContext(ctx, step.statement, step.args...); err != nil {
				return err
			}
		}
		return nil
	})
}

// Unmeasurable gives an image up.
func (s *Store) Unmeasurable(ctx context.Context, id string) error {
	return s.inTx(ctx, articleLock, func(ctx context.Context, t tx) error {
		_, err := t.ExecContext(ctx, `DELETE FROM unmeasured WHERE article_id = $1`, id)
		return err
	})
}
