package outbox

import (
	"slices"
	"testing"
	"time"

	"jianxun/internal/news"
)

// The clock is set forward, or the machine sleeps, while rows are in hand: their
// leases have run out, and they are leased to us anew.
func TestARowThatIsLeasedAnewIsInHandOnce(t *testing.T) {
	var rows []news.Delivery
	for _, who := range []string{"a", "b", "c"} {
		rows = append(rows, news.Delivery{IssueID: 1, Subscriber: news.Subscriber{ID: who, Email: who}})
	}
	h := newHand(newLimiter(nil), func() time.Time { return time.Unix(1000, 0) })
	want := func(when string, n int) {
		t.Helper()
		if lacking := h.lacks(slices.Clone(rows)); len(lacking) != n {
			t.Errorf("%s: %d rows would be put in hand, want %d", when, len(lacking), n)
		}
	}
	want("empty", 3)
	h.add(rows)
	want("all wait", 0)
	d, _ := h.next()
	want("one is given to a worker", 0)
	h.done(d, true)
	want("he gave it back", 0)
	d, _ = h.next()
	h.done(d, false)
	want("one is done", 1)
}
