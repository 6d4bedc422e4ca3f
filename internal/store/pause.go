package store

import (
	"context"
	"strconv"
	"strings"
	"time"

	"jianxun/internal/news"
)

// A pause is a mark: of one issue, or, for issue 0, of everything.
const pauseMark = "paused"

func pauseOf(issue int64) string {
	if issue == 0 {
		return pauseMark
	}
	return pauseMark + ":" + strconv.FormatInt(issue, 10)
}

// Pause stops the sending of an issue, or of all when it is 0, at once: no final
// dot is sent from the moment on that this returns, but for mails whose record was
// being written at that very moment. Pausing again changes nothing.
func (s *Store) Pause(ctx context.Context, issue int64) error {
	return s.inTx(ctx, noLock, func(ctx context.Context, t tx) error {
		t.told[deliveriesTopic] = true
		_, err := t.ExecContext(ctx, `INSERT INTO marks (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`,
			pauseOf(issue), strconv.FormatInt(t.now, 10))
		return err
	})
}

// Unpause lets the sending go on. It is a Conflict when it was not paused.
func (s *Store) Unpause(ctx context.Context, issue int64) error {
	return s.inTx(ctx, noLock, func(ctx context.Context, t tx) error {
		t.told[deliveriesTopic] = true
		res, err := t.ExecContext(ctx, `DELETE FROM marks WHERE name = $1`, pauseOf(issue))
		return oneRow(res, err, news.Errorf(news.Conflict, "sending is not paused"))
	})
}

// Paused tells since when the sending of an issue is paused, by itself or with
// everything else; the zero time: it is not. For issue 0 only all count.
func (s *Store) Paused(ctx context.Context, issue int64) (since time.Time, err error) {
	var value int64
	rows, err := s.read.QueryContext(ctx, `SELECT value FROM marks WHERE name IN ($1, $2)`, pauseMark, pauseOf(issue))
	values, err := collect(rows, err, func(row scanner) (text string, err error) {
		err = row.Scan(&text)
		return text, err
	})
	for _, text := range values {
		if v, err := strconv.ParseInt(text, 10, 64); err == nil && (value == 0 || v < value) {
			value = v
		}
	}
	return at(value), err
}

// stopped is what may not be sent now.
type stopped struct {
	all    bool
	issues []int64
}

func (t tx) stopped(ctx context.Context) (p stopped, err error) {
	rows, err := t.QueryContext(ctx, `SELECT name FROM marks WHERE name = '`+restoredMark+`' OR name LIKE '`+pauseMark+`%'`)
	names, err := collect(rows, err, func(row scanner) (name string, err error) {
		err = row.Scan(&name)
		return name, err
	})
	for _, name := range names {
		if id, found := strings.CutPrefix(name, pauseMark+":"); found {
			if issue, err := strconv.ParseInt(id, 10, 64); err == nil {
				p.issues = append(p.issues, issue)
			}
			continue
		}
		p.all = true
	}
	return p, err
}
