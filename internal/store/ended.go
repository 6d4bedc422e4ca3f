package store

import (
	"context"
	"time"

	"jianxun/internal/news"
)

// EndedIssue is an issue of which no mail is open any more, and since when.
type EndedIssue struct {
	news.Issue
	At    time.Time
	Tally news.Tally
}

// endedAtOnce bounds how many ended issues are looked at in one go.
const endedAtOnce = 1000

// EndedIssues lists what came to its end in (after, until], the oldest first.
func (s *Store) EndedIssues(ctx context.Context, after, until time.Time) ([]EndedIssue, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT changed, `+issueFields+` FROM issues
		WHERE state = 'sent' AND changed > $1 AND changed <= $2 ORDER BY changed, id LIMIT $3`, ms(after), ms(until), endedAtOnce)
	ended, err := collect(rows, err, func(row scanner) (e EndedIssue, err error) {
		var changed int64
		e.Issue, err = scanIssue(prefixed{row, &changed})
		e.At = at(changed)
		return e, err
	})
	for i := range ended {
		if err == nil {
			ended[i].Tally, err = s.Tally(ctx, ended[i].ID)
		}
	}
	return ended, err
}

// prefixed scans a column in front of those that another function scans.
type prefixed struct {
	row   scanner
	first any
}

func (p prefixed) Scan(dest ...any) error { return p.row.Scan(append([]any{p.first}, dest...)...) }
