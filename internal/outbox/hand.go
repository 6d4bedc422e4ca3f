package outbox

import (
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
	given   int // to workers, and not done yet
	stopped bool
	over    chan struct{} // closed when stopped
	err     error
}

func newHand(limits *limiter, now func() time.Time) *hand {
	h := &hand{limits: limits, now: now, over: make(chan struct{})}
	h.changed = sync.NewCond(&h.mu)
	return h
}

func (h *hand) add(rows []news.Delivery) {
	h.mu.Lock()
	defer h.mu.Unlock()
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
			alarm := time.AfterFunc(soonest, h.changed.Broadcast)
			h.changed.Wait()
			alarm.Stop()
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
	}
	h.changed.Broadcast()
}

// wait waits until at most n rows are not given yet, for 0 until all are done. It
// gives false when all is over.
func (h *hand) wait(n int) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for !h.stopped && (len(h.rows) > n || n == 0 && h.given > 0) {
		h.changed.Wait()
	}
	return !h.stopped
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
