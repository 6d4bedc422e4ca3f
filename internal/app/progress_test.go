package app

import (
	"testing"
	"time"

	"jianxun/internal/news"
)

func TestPaceIsThatOfTheLastWhile(t *testing.T) {
	start := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	var p pace
	for _, c := range []struct {
		after        time.Duration
		sent, queued int
		rate         float64
		left         time.Duration
	}{
		{0, 0, 1000, 0, 0},
		{time.Second, 100, 900, 100, 9 * time.Second},
		{10 * time.Second, 600, 400, 60, 7 * time.Second},
		{20 * time.Second, 600, 400, 0, 0}, // nothing in the last ten seconds
		{30 * time.Second, 700, 300, 10, 30 * time.Second},
	} {
		g := p.progress(start.Add(c.after), Deliveries{Sent: c.sent, Queued: c.queued})
		if g.Rate != c.rate || g.Left != c.left {
			t.Errorf("after %v: %v a second, %v left; want %v and %v", c.after, g.Rate, g.Left, c.rate, c.left)
		}
	}
}

func TestOnlyIssuesThatMoveAreTold(t *testing.T) {
	var l progressLog
	l.settled(news.Delivery{IssueID: 1})
	l.settled(news.Delivery{IssueID: 2})
	first := l.take()
	l.settled(news.Delivery{IssueID: 2})
	if second := l.take(); len(first) != 2 || len(second) != 1 || second[2] != first[2] {
		t.Errorf("%v, then %v", first, second)
	}
	if third := l.take(); len(third) != 0 {
		t.Errorf("%v", third)
	}
}
