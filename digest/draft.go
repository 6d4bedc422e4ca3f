// Package digest decides what an issue holds and how it reads for one person.
//
// It promises that an article comes at most once in a digest, that none of a
// window is forgotten without being counted, that the same articles and cut-off
// give the same issue, and that a mail is rendered whole before anybody sends
// it. A window that holds nothing is reported as NotFound and stays open.
package digest

import (
	"context"
	"time"

	"jianxun/internal/news"
)

// Store is what drafting reads and writes.
type Store interface {
	// LastIssue is the newest issue of the digest; ok is false when there is none.
	LastIssue(ctx context.Context, digest string) (is news.Issue, ok bool, err error)
	// Candidates lists and counts what a new issue may choose from; see Drafter.
	Candidates(ctx context.Context, digest string, open int64, columns []string, from, to time.Time, limit int) ([]news.Article, int, error)
	// Head is the newest change; SaveIssue fails with Busy when there was a later
	// one in the window of the issue.
	Head(ctx context.Context) (int64, error)
	SaveIssue(ctx context.Context, is news.Issue) (news.Issue, error)
}

// Drafter makes issues.
type Drafter struct{ Store Store }

// Draft makes the next issue of d with the cut-off given, or makes the open
// draft anew. Calling it again with a cut-off that has been dealt with gives
// that issue back and changes nothing.
func (dr Drafter) Draft(ctx context.Context, d news.Digest, cutoff time.Time) (news.Issue, error) {
	last, found, err := dr.Store.LastIssue(ctx, d.Slug)
	if err != nil {
		return news.Issue{}, err
	}
	is := news.Issue{Digest: d.Slug, Title: d.Title, WindowFrom: d.Start, WindowTo: cutoff, Year: cutoff.In(d.Zone).Year()}
	first := !found
	switch {
	case found && !cutoff.After(last.WindowTo):
		return last, nil
	case found && last.State == news.Draft:
		is.ID, is.Year, is.Number, is.Total, is.State = last.ID, last.Year, last.Number, last.Total, last.State
		is.WindowFrom, first = last.WindowFrom, last.Total == 1
	case found && last.State.Editable():
		return last, news.Errorf(news.Conflict, "%s of %s is under review; send or cancel it first", last.Label(), d.Slug)
	case found:
		is.WindowFrom = last.WindowTo
	}
	for try := 1; ; try++ {
		saved, err := dr.choose(ctx, d, is, first)
		if try == tries || err == nil || news.CodeOf(err) != news.Busy {
			return saved, err
		}
	}
}

// tries is how often items are chosen anew when articles come meanwhile.
const tries = 10

func (dr Drafter) choose(ctx context.Context, d news.Digest, is news.Issue, first bool) (news.Issue, error) {
	head, err := dr.Store.Head(ctx)
	if err != nil {
		return news.Issue{}, err
	}
	is.Seen = head + 1
	if err := dr.fill(ctx, d, &is, first); err != nil {
		return news.Issue{}, err
	}
	return dr.Store.SaveIssue(ctx, is)
}

// fill chooses the items. The first issue takes the best and newest of the
// archive; what it passes over counts as left out, and so does, in every issue,
// what found no room.
func (dr Drafter) fill(ctx context.Context, d news.Digest, is *news.Issue, first bool) error {
	articles, total, err := dr.Store.Candidates(ctx, d.Slug, is.ID, d.Columns, is.WindowFrom, is.WindowTo, candidates)
	if err != nil {
		return err
	}
	if first && d.MaxAge > 0 {
		articles = fresh(articles, is.WindowTo.Add(-d.MaxAge))
	}
	if len(articles) == 0 {
		return news.Errorf(news.NotFound, "there is no article for a new issue of %s", d.Slug)
	}
	w := window{to: newest(articles), length: 7 * 24 * time.Hour}
	if !is.WindowFrom.IsZero() {
		w.length = max(is.WindowTo.Sub(is.WindowFrom), 24*time.Hour)
	}
	items := rank(articles, d, w)
	items = items[:min(len(items), d.Items)]
	text := map[string]news.Article{}
	for _, a := range articles {
		text[a.ID] = a
	}
	for i := range items {
		items[i].Lead = Lead(text[items[i].ArticleID])
	}
	is.Items = byColumn(items, d.Columns)
	is.LeftOut = total - len(is.Items)
	return nil
}

// newest is the time from which freshness is measured: over an old archive the
// cut-off would make everything equally stale.
func newest(articles []news.Article) time.Time {
	var t time.Time
	for _, a := range articles {
		if a.Published.After(t) {
			t = a.Published
		}
	}
	return t
}

func fresh(articles []news.Article, since time.Time) []news.Article {
	var kept []news.Article
	for _, a := range articles {
		if !a.Published.Before(since) {
			kept = append(kept, a)
		}
	}
	return kept
}
