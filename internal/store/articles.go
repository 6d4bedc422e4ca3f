package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"jianxun/internal/news"
)

// SaveArticles saves a batch in one transaction and tells for each article
// whether it was new, changed or same. An article that is known keeps its id,
// dates and state; changed content becomes its next revision.
func (s *Store) SaveArticles(ctx context.Context, batch []news.Article) ([]news.SaveResult, error) {
	results := make([]news.SaveResult, len(batch))
	err := s.inTxWithin(ctx, s.dialect.patience*long, articleLock, func(ctx context.Context, t tx) error {
		for i, a := range batch {
			r, err := t.saveArticle(ctx, a)
			if err != nil {
				return err
			}
			results[i] = r
		}
		return nil
	})
	return results, err
}

func (t tx) saveArticle(ctx context.Context, a news.Article) (news.SaveResult, error) {
	a.Identity = news.IdentityOf(a)
	a.ID = news.ArticleID(a.Identity)
	hash := a.Hash()
	var oldHash string
	var updated, placed int64
	err := t.QueryRowContext(ctx, `SELECT hash, revision, updated, placed, state FROM articles WHERE id = $1`, a.ID).Scan(&oldHash, &a.Revision, &updated, &placed, &a.State)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return news.SavedNew, t.insertArticle(ctx, a, hash)
	case err != nil:
		return "", err
	case oldHash == hash:
		return news.SavedSame, nil
	}
	// An article dated in the future may be revised before its day, and a clock
	// may be set back: readers take a version for new only if its time grows.
	a.Placed = at(placed)
	return news.SavedChanged, t.reviseArticle(ctx, a, hash, max(t.now, updated+1))
}

func (t tx) insertArticle(ctx context.Context, a news.Article, hash string) error {
	seq, err := t.nextSeq(ctx)
	if err != nil {
		return err
	}
	published := ms(a.Published)
	placed, err := t.place(ctx, published, a.DateOnly)
	if err != nil {
		return err
	}
	updated, err := t.freeTime(ctx, "updated", placed)
	if err != nil {
		return err
	}
	available, err := t.availableFrom(ctx, placed)
	if err != nil {
		return err
	}
	_, err = t.ExecContext(ctx, `INSERT INTO articles (id, identity, seq, source, url, column_name, title, content, hash,
		published, date_only, first_seen, available, placed, updated, changed, state, revision)
		VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,1)`,
		a.ID, a.Identity, seq, a.Source, a.URL, a.Column, a.Title, toJSON(a.Content), hash,
		published, boolInt(a.DateOnly), t.now, available, placed, updated, t.now, news.Live)
	if err != nil {
		return err
	}
	a.Placed = at(placed)
	t.index(a)
	if _, ok := a.Unmeasured(); ok {
		if err := t.measureLater(ctx, a); err != nil {
			return err
		}
	}
	return t.keepRevision(ctx, a.ID, 1, updated, a.Content)
}

// availableFrom is from when on issues may choose an article that is placed there:
// after every cut-off so far, also of a replica whose clock is ahead of ours. An
// issue that was drafted without it will not look for it again.
func (t tx) availableFrom(ctx context.Context, placed int64) (int64, error) {
	cut, ok := t.free["cut"]
	if !ok { // drafts are saved under the lock that this transaction holds
		if err := t.QueryRowContext(ctx, `SELECT coalesce(max(window_to), 0) FROM issues`).Scan(&cut); err != nil {
			return 0, err
		}
		t.free["cut"] = cut
	}
	return max(t.now, placed, cut+1), nil
}

func (t tx) reviseArticle(ctx context.Context, a news.Article, hash string, from int64) error {
	seq, err := t.nextSeq(ctx)
	if err != nil {
		return err
	}
	updated, err := t.freeTime(ctx, "updated", from)
	if err != nil {
		return err
	}
	_, err = t.ExecContext(ctx, `UPDATE articles SET seq = $2, column_name = $3, title = $4, content = $5, hash = $6,
		updated = $7, changed = $8, revision = $9 WHERE id = $1`,
		a.ID, seq, a.Column, a.Title, toJSON(a.Content), hash, updated, t.now, a.Revision+1)
	if err != nil {
		return err
	}
	if a.State == news.Live {
		t.unindex(ms(a.Placed))
		t.index(a)
	}
	if err := t.measureLater(ctx, a); err != nil {
		return err
	}
	return t.keepRevision(ctx, a.ID, a.Revision+1, updated, a.Content)
}

func (t tx) keepRevision(ctx context.Context, id string, revision int, updated int64, c news.Content) error {
	_, err := t.ExecContext(ctx, `INSERT INTO article_revisions (article_id, revision, saved, updated, content) VALUES ($1,$2,$3,$4,$5)`,
		id, revision, t.now, updated, toJSON(c))
	return err
}

func (t tx) nextSeq(ctx context.Context) (seq int64, err error) {
	t.told[articlesTopic] = true
	err = t.QueryRowContext(ctx, `UPDATE counters SET value = value + 1 WHERE name = 'article_seq' RETURNING value`).Scan(&seq)
	return seq, err
}

// place gives an article its time in the stable order: its published time,
// made unique. Pages with a date only follow each other by a second, in the
// order in which they came.
func (t tx) place(ctx context.Context, published int64, dateOnly bool) (int64, error) {
	step := int64(1)
	if dateOnly {
		step = 1000
	}
	var last sql.NullInt64
	if err := t.QueryRowContext(ctx, `SELECT max(placed) FROM articles WHERE date_only = $2 AND published = $1`, published, boolInt(dateOnly)).Scan(&last); err != nil {
		return 0, err
	}
	if last.Valid {
		published = last.Int64 + step
	}
	return t.freeTime(ctx, "placed", published)
}

// freeTime is the first millisecond from want on that no article has in the
// column placed or updated.
func (t tx) freeTime(ctx context.Context, column string, want int64) (int64, error) {
	asked := fmt.Sprint(column, want)
	if next, ok := t.free[asked]; ok { // a batch asks for the same time again and again
		want = next
	}
	for {
		var taken bool
		if err := t.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM articles WHERE `+column+` = $1)`, want).Scan(&taken); err != nil {
			return 0, err
		}
		if !taken {
			t.free[asked] = want + 1
			return want, nil
		}
		want++
	}
}

const articleFields = `id, identity, seq, source, url, content, published, date_only, first_seen, placed, updated, changed, withdrawn, state, revision`

func scanArticle(row scanner) (news.Article, error) {
	var a news.Article
	var content string
	var published, firstSeen, placed, updated, changed, withdrawn int64
	err := row.Scan(&a.ID, &a.Identity, &a.Seq, &a.Source, &a.URL, &content,
		&published, &a.DateOnly, &firstSeen, &placed, &updated, &changed, &withdrawn, &a.State, &a.Revision)
	if err != nil {
		return a, err
	}
	a.Published, a.FirstSeen, a.Placed = at(published), at(firstSeen), at(placed)
	a.Updated, a.Changed, a.Withdrawn = at(updated), at(changed), at(withdrawn)
	return a, json.Unmarshal([]byte(content), &a.Content)
}

// Article finds an article by its id or by a beginning of it of eight
// characters or more that fits no other.
func (s *Store) Article(ctx context.Context, id string) (news.Article, error) {
	low, high := id, id+"~" // '~' sorts after every character of a UUID
	if len(id) < 8 {
		high = id
	}
	rows, err := s.read.QueryContext(ctx, `SELECT `+articleFields+` FROM articles WHERE id >= $1 AND id <= $2 LIMIT 2`, low, high)
	found, err := collect(rows, err, scanArticle)
	switch {
	case err != nil:
		return news.Article{}, err
	case len(found) == 0:
		return news.Article{}, news.Errorf(news.NotFound, "there is no article %s", id)
	case len(found) > 1:
		return news.Article{}, news.Errorf(news.Invalid, "%s is the beginning of several ids; write more of it", id)
	}
	return found[0], nil
}

// Head is the newest change of the store: what ChangedSince counts from.
func (s *Store) Head(ctx context.Context) (seq int64, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT value FROM counters WHERE name = 'article_seq'`).Scan(&seq)
	return seq, err
}

// ChangedSince lists the articles that changed after seq, and those that a
// future date kept back and whose time came in (then, now], oldest change
// first, at most limit.
func (s *Store) ChangedSince(ctx context.Context, seq int64, then, now time.Time, limit int) ([]news.Article, error) {
	// With OR in the place of UNION, SQLite reads the whole table.
	rows, err := s.read.QueryContext(ctx, `SELECT `+articleFields+` FROM articles WHERE seq > $1
		UNION SELECT `+articleFields+` FROM articles WHERE available > $2 AND available <= $3
		ORDER BY seq LIMIT $4`, seq, ms(then), ms(now), limit)
	return collect(rows, err, scanArticle)
}
