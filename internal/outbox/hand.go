package outbox

import (
	"slices"
	"sync"
	"time"

	"jianxun/internal/news"
)

// hand is the bounded number of rows that are leased and not yet sent.
type hand struct {
	limits *limiter
	now    func() time.Time

	mu      sync.Mutex
	changed *sync.Cond
	rows    []news.Delivery
	given   int          // to workers, and not done yet
	here    map[key]bool // all of them, waiting or given
	stopped bool
	over    chan struct{} // closed when stopped
	err     error
}

// key tells a row from others.
type key struct {
	issue      int64
	subscriber string
}

func keyOf(d news.Delivery) key { return key{d.IssueID, d.Subscriber.ID} }

func newHand(limits *limiter, now func() time.Time) *hand {
	h := &hand{limits: limits, now: now, here: map[key]bool{}, over: make(chan struct{})}
	h.changed = sync.NewCond(&h.mu)
	return h
}

// lacks gives those of the rows that are not in hand. One that is was leased anew
// because its lease had run out: the clock was set, or the machine slept. Given
// twice, it would be put back in the queue while its mail is on its way.
func (h *hand) lacks(rows []news.Delivery) []news.Delivery {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.DeleteFunc(rows, func(d news.Delivery) bool { return h.here[keyOf(d)] })
}

func (h *hand) add(rows []news.Delivery) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, d := range rows {
		h.here[keyOf(d)] = true
	}
	h.rows = append(h.rows, rows...)
	h.changed.Broadcast()
}

// next waits for a row whose domain bears another mail now. It gives false when
// all is over.
func (h *hand) next() (d news.Delivery, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for !h.stopped {
		soonest := time.Duration(-1)
		for i, d := range h.rows {
			wait := h.limits.take(d.Subscriber.Email, h.now())
			if wait == 0 {
				h.rows = append(h.rows[:i], h.rows[i+1:]...)
				h.given++
				h.changed.Broadcast()
				return d, true
			}
			if wait > 0 && (soonest < 0 || wait < soonest) {
				soonest = wait
			}
		}
		if soonest >= 0 {
			_, stop := alarm(h.changed, soonest)
			h.changed.Wait()
			stop()
		} else {
			h.changed.Wait()
		}
	}
	return d, false
}

// done tells that a worker is done with a row, back that it is to be given to
// another.
func (h *hand) done(d news.Delivery, back bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.limits.leave(d.Subscriber.Email)
	if h.given--; back {
		h.rows = append(h.rows, d)
	} else {
		delete(h.here, keyOf(d))
	}
	h.changed.Broadcast()
}

// wait waits until at most n rows are not given yet. It gives false when all is
// over.
func (h *hand) wait(n int) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for !h.stopped && len(h.rows) > n {
		h.changed.Wait()
	}
	return !h.stopped
}

// waitFor waits for a while, or until all rows are done.
func (h *hand) waitFor(most time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	late, stop := alarm(h.changed, most)
	defer stop()
	for !*late && !h.stopped && len(h.rows)+h.given > 0 {
		h.changed.Wait()
	}
}

// alarm wakes who waits for c after a while, unless it is stopped before; then late
// is true. late is guarded by the lock of c.
func alarm(c *sync.Cond, after time.Duration) (late *bool, stop func() bool) {
	late = new(bool)
	return late, time.AfterFunc(after, func() {
		c.L.Lock()
		defer c.L.Unlock()
		*late = true
		c.Broadcast()
	}).Stop
}

// leave takes those rows out of the hand that wait for a domain which bears nothing
// for long.
func (h *hand) leave(now time.Time) (left []news.Delivery) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rows = slices.DeleteFunc(h.rows, func(d news.Delivery) bool {
		if !h.limits.rests(d.Subscriber.Email, now) {
			return false
		}
		delete(h.here, keyOf(d))
		h.limits.unpark(d.Subscriber.Email)
		left = append(left, d)
		return true
	})
	h.changed.Broadcast()
	return left
}

func (h *hand) idle() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.rows)+h.given == 0
}

// busy is how many rows workers have.
func (h *hand) busy() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.given
}

// stop ends the giving of rows; the first cause counts.
func (h *hand) stop(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.stopped {
		h.stopped, h.err = true, err
		close(h.over)
	}
	h.changed.Broadcast()
}

func (h *hand) failure() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}
