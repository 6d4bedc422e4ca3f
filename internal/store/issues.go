package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"jianxun/internal/news"
)

// Candidates lists the live articles of the columns that became available in
// (from, to] and that no other issue of the digest holds, newest first, at most
// limit, and counts all of them. A zero from is open. Those of the open issue,
// if its id is given, are candidates again.
func (s *Store) Candidates(ctx context.Context, digest string, open int64, columns []string, from, to time.Time, limit int) ([]news.Article, int, error) {
	where, args := `state = 'live' AND available > $1 AND available <= $2 AND NOT EXISTS (SELECT 1 FROM issue_items i
		WHERE i.digest = $3 AND i.article_id = articles.id AND i.issue_id <> $4)`, []any{ms(from), ms(to), digest, open}
	if len(columns) > 0 {
		var these string
		args, these = list(args, columns)
		where += ` AND column_name IN (` + these + `)`
	}
	var count int
	if err := s.read.QueryRowContext(ctx, `SELECT count(*) FROM articles WHERE `+where, args...).Scan(&count); err != nil {
		return nil, 0, err
	}
	args = append(args, limit)
	rows, err := s.read.QueryContext(ctx, `SELECT `+articleFields+` FROM articles WHERE `+where+
		` ORDER BY placed DESC LIMIT `+placeholder(len(args)), args...)
	list, err := collect(rows, err, scanArticle)
	return list, count, err
}

// SaveIssue stores a draft with its items and gives it its numbers; a draft
// that has an ID replaces what was drafted before and keeps them. It fails with
// Busy when articles of its window have come or changed since they were Seen,
// and with Conflict when another issue has taken its window.
func (s *Store) SaveIssue(ctx context.Context, is news.Issue) (news.Issue, error) {
	err := s.inTxWithin(ctx, s.dialect.patience*long, articleLock, func(ctx context.Context, t tx) error {
		if err := t.unchanged(ctx, is); err != nil {
			return err
		}
		if is.ID == 0 {
			if err := t.insertIssue(ctx, &is); err != nil {
				return err
			}
		} else if err := t.replaceDraft(ctx, is); err != nil {
			return err
		}
		return t.insertItems(ctx, is)
	})
	return is, err
}

// unchanged tells whether the window of a draft is as it was when its items were
// chosen. Nothing comes into it later: the lock of the articles is held.
func (t tx) unchanged(ctx context.Context, is news.Issue) error {
	if is.Seen == 0 {
		return nil
	}
	var more bool
	err := t.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM articles WHERE seq >= $1 AND available > $2 AND available <= $3)`,
		is.Seen, ms(is.WindowFrom), ms(is.WindowTo)).Scan(&more)
	if err == nil && more {
		err = news.Errorf(news.Busy, "articles came while the issue of %s was drafted; draft it again", is.Digest)
	}
	return err
}

func (t tx) insertIssue(ctx context.Context, is *news.Issue) error {
	var open int
	if err := t.QueryRowContext(ctx, `SELECT count(*) FROM issues WHERE digest = $1 AND state IN ('draft', 'review', 'approved')`,
		is.Digest).Scan(&open); err != nil {
		return err
	}
	if open > 0 {
		return news.Errorf(news.Conflict, "the digest %s has an unsent issue already", is.Digest)
	}
	var last int64
	err := t.QueryRowContext(ctx, `SELECT window_to FROM issues WHERE digest = $1 ORDER BY id DESC LIMIT 1`, is.Digest).Scan(&last)
	switch {
	case err == nil && is.Seen > 0 && last != ms(is.WindowFrom):
		return news.Errorf(news.Conflict, "another issue of %s has been drafted meanwhile", is.Digest)
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return err
	}
	err = t.QueryRowContext(ctx, `SELECT (SELECT coalesce(max(id), 0) + 1 FROM issues),
		(SELECT coalesce(max(number), 0) + 1 FROM issues WHERE digest = $1 AND year = $2),
		(SELECT coalesce(max(total), 0) + 1 FROM issues WHERE digest = $1)`, is.Digest, is.Year).Scan(&is.ID, &is.Number, &is.Total)
	if err != nil {
		return err
	}
	is.State = news.Draft
	_, err = t.ExecContext(ctx, `INSERT INTO issues (id, digest, title, year, number, total, state, window_from, window_to, left_out, changed)
		VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11)`, is.ID, is.Digest, is.Title, is.Year, is.Number, is.Total, is.State,
		ms(is.WindowFrom), ms(is.WindowTo), is.LeftOut, t.now)
	return err
}

func (t tx) replaceDraft(ctx context.Context, is news.Issue) error {
	res, err := t.ExecContext(ctx, `UPDATE issues SET title = $2, window_from = $3, window_to = $4, left_out = $5, changed = $6
		WHERE id = $1 AND state = 'draft'`, is.ID, is.Title, ms(is.WindowFrom), ms(is.WindowTo), is.LeftOut, t.now)
	if err := oneRow(res, err, news.Errorf(news.Conflict, "%s of %s is no longer a draft", is.Label(), is.Digest)); err != nil {
		return err
	}
	_, err = t.ExecContext(ctx, `DELETE FROM issue_items WHERE issue_id = $1`, is.ID)
	return err
}

// insertItems puts all items in with one statement: while drafts are numbered
// others wait.
func (t tx) insertItems(ctx context.Context, is news.Issue) error {
	if len(is.Items) == 0 {
		return nil
	}
	var rows [][]any
	for i, it := range is.Items {
		rows = append(rows, []any{is.ID, i + 1, is.Digest, it.ArticleID, it.Title, it.Column, it.Lead, it.Score})
	}
	values, args := tuples(rows)
	_, err := t.ExecContext(ctx, `INSERT INTO issue_items (issue_id, position, digest, article_id, title, column_name, lead, score) VALUES `+values, args...)
	return err
}

// MoveIssue takes an issue one legal step on.
func (s *Store) MoveIssue(ctx context.Context, id int64, next news.IssueState) error {
	return s.inTx(ctx, noLock, func(ctx context.Context, t tx) error { return t.moveIssue(ctx, id, next) })
}

func (t tx) moveIssue(ctx context.Context, id int64, next news.IssueState) error {
	var state news.IssueState
	err := t.QueryRowContext(ctx, `SELECT state FROM issues WHERE id = $1`+t.forUpdate, id).Scan(&state)
	if errors.Is(err, sql.ErrNoRows) {
		return news.Errorf(news.NotFound, "there is no issue %d", id)
	} else if err != nil {
		return err
	}
	if !state.CanBecome(next) {
		return news.Errorf(news.Conflict, "an issue that is %s cannot become %s", state, next)
	}
	_, err = t.ExecContext(ctx, `UPDATE issues SET state = $2, changed = $3 WHERE id = $1`, id, next, t.now)
	return err
}

const issueFields = `id, digest, title, year, number, total, state, window_from, window_to, left_out,
	(SELECT count(*) FROM issue_items i WHERE i.issue_id = issues.id)`

func scanIssue(row scanner) (news.Issue, error) {
	var is news.Issue
	var from, to int64
	err := row.Scan(&is.ID, &is.Digest, &is.Title, &is.Year, &is.Number, &is.Total, &is.State, &from, &to, &is.LeftOut, &is.Count)
	is.WindowFrom, is.WindowTo = at(from), at(to)
	return is, err
}

// Issues lists the issues of a digest, or of all when digest is empty, newest
// first, without their items.
func (s *Store) Issues(ctx context.Context, digest string, limit int) ([]news.Issue, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT `+issueFields+` FROM issues WHERE digest = $1 OR $1 = '' ORDER BY id DESC LIMIT $2`, digest, limit)
	return collect(rows, err, scanIssue)
}

// Issue finds an issue with its items. Year 0 means the newest year that has
// the number; number 0 the newest issue.
func (s *Store) Issue(ctx context.Context, digest string, year, number int) (news.Issue, error) {
	row := s.read.QueryRowContext(ctx, `SELECT `+issueFields+` FROM issues WHERE digest = $1 AND (year = $2 OR $2 = 0) AND (number = $3 OR $3 = 0)
		ORDER BY id DESC LIMIT 1`, digest, year, number)
	return s.withItems(ctx, row, news.Errorf(news.NotFound, "the digest %s has no such issue", digest))
}

// LastIssue is the newest issue of the digest, without its items; ok is false
// when there is none.
func (s *Store) LastIssue(ctx context.Context, digest string) (is news.Issue, ok bool, err error) {
	list, err := s.Issues(ctx, digest, 1)
	if err != nil || len(list) == 0 {
		return is, false, err
	}
	return list[0], true, nil
}

// IssueByID finds an issue with its items.
func (s *Store) IssueByID(ctx context.Context, id int64) (news.Issue, error) {
	row := s.read.QueryRowContext(ctx, `SELECT `+issueFields+` FROM issues WHERE id = $1`, id)
	return s.withItems(ctx, row, news.Errorf(news.NotFound, "there is no issue %d", id))
}

func (s *Store) withItems(ctx context.Context, row scanner, absent error) (news.Issue, error) {
	is, err := scanIssue(row)
	if errors.Is(err, sql.ErrNoRows) {
		return is, absent
	} else if err != nil {
		return is, err
	}
	rows, err := s.read.QueryContext(ctx, `SELECT i.article_id, i.title, i.column_name, i.lead, i.score, a.url, a.content, a.published, a.date_only, a.state
		FROM issue_items i JOIN articles a ON a.id = i.article_id WHERE i.issue_id = $1 ORDER BY i.position`, is.ID)
	is.Items, err = collect(rows, err, func(row scanner) (it news.Item, err error) {
		var published int64
		var content struct {
			Origin string `json:"origin"`
		}
		var text string
		err = row.Scan(&it.ArticleID, &it.Title, &it.Column, &it.Lead, &it.Score, &it.URL, &text, &published, &it.DateOnly, &it.State)
		if err == nil {
			err = json.Unmarshal([]byte(text), &content)
		}
		it.Origin, it.Published = content.Origin, at(published)
		return it, err
	})
	return is, err
}

// oneRow turns "nothing was changed" into the error that explains it.
func oneRow(res sql.Result, err, otherwise error) error {
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return otherwise
}
