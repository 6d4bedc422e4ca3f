package outbox

import (
	"context"
	"sync"
	"time"

	"jianxun/internal/news"
)

// settleWithin bounds how long a known result is kept trying to be recorded.
const settleWithin = time.Hour

// recorder writes what the workers have to record, together: while one record is
// being kept, what comes is gathered for the next. The order of one worker's steps
// is kept, so that it has one mail at most between its dot and its record.
type recorder struct {
	*Relay
	ctx  context.Context
	busy func() int // workers with a mail in hand, each of which may have one more step

	mu        sync.Mutex
	changed   *sync.Cond
	waiting   []step
	beginning int // of them
	closing   bool
	ended     chan struct{}
	took      time.Duration // to keep the last record
	shared    int           // mails that began with it
}

type step struct {
	news.Step
	answer chan error // of a Committing, nil of others
	since  time.Time
	tries  int // after which nobody knows whether it is recorded
}

func newRecorder(ctx context.Context, r *Relay, busy func() int) *recorder {
	rec := &recorder{Relay: r, ctx: ctx, busy: busy, ended: make(chan struct{})}
	rec.changed = sync.NewCond(&rec.mu)
	go rec.run()
	return rec
}

func (r *recorder) put(e step) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting = append(r.waiting, e)
	if e.answer != nil {
		r.beginning++
	}
	r.changed.Broadcast()
}

// begin has it recorded that the final dot of d is about to be sent, and waits for
// that. Without an error it must be sent or taken back.
func (r *recorder) begin(d news.Delivery) error {
	d.State = news.Committing
	e := step{Step: news.Step{Delivery: d}, answer: make(chan error, 1)}
	r.put(e)
	return <-e.answer
}

// settle has the result of a delivery recorded, and does not wait. A store that
// fails now must not turn a mail that is known to be delivered into an uncertain
// one, so it is tried again for long.
func (r *recorder) settle(d news.Delivery, tried int) {
	r.put(step{Step: news.Step{Delivery: d, Tried: tried}, since: r.opt.Now()})
}

// catchUp waits until little waits to be recorded.
func (r *recorder) catchUp() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.waiting) >= most && !r.closing {
		r.changed.Wait()
	}
}

// close waits until all is recorded, or given up.
func (r *recorder) close() {
	r.mu.Lock()
	r.closing = true
	r.changed.Broadcast()
	r.mu.Unlock()
	<-r.ended
}

func (r *recorder) run() {
	defer close(r.ended)
	const first = 50 * time.Millisecond
	wait := first
	for {
		batch := r.gather()
		if len(batch) == 0 {
			return
		}
		if err := r.record(batch); err == nil {
			wait = first
			continue
		}
		<-time.After(wait)
		wait = min(2*wait, 5*time.Second)
	}
}

// most bounds the steps of one record.
const most = 400

// gatherMost bounds how long a record waits for more steps. It waits as long as the
// last one took to be kept, when that one was shared: when little is recorded nobody
// waits.
const gatherMost = 3 * time.Millisecond

// gather waits for steps and takes them; none mean that all is over.
func (r *recorder) gather() []step {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.waiting) == 0 && !r.closing {
		r.changed.Wait()
	}
	wait := min(r.took, gatherMost)
	if r.shared < 2 {
		wait = 0
	}
	late, stop := alarm(r.changed, wait)
	defer stop()
	for !*late && !r.closing && r.beginning < r.busy() {
		r.changed.Wait()
	}
	batch := r.waiting[:min(most, len(r.waiting))]
	r.waiting = append([]step(nil), r.waiting[len(batch):]...)
	r.changed.Broadcast()
	r.shared = 0
	for _, e := range batch {
		if e.answer != nil {
			r.beginning--
			r.shared++
		}
	}
	return batch
}

// record writes a batch. Its error means that the results in it wait to be written
// again; beginnings have been answered with it.
func (r *recorder) record(batch []step) error {
	steps := make([]news.Step, len(batch))
	for i, e := range batch {
		steps[i] = e.Step
	}
	begin := r.opt.Now()
	said, err := r.opt.Ledger.Record(r.ctx, r.holder, steps)
	r.took = r.opt.Now().Sub(begin)
	var left []step
	for i, e := range batch {
		switch {
		case e.answer != nil && err != nil:
			e.answer <- err
		case e.answer != nil:
			e.answer <- said[i]
		case err != nil:
			e.tries++
			if r.keep(e, err) {
				left = append(left, e)
			}
		default:
			r.recorded(e, said[i])
		}
	}
	if len(left) == 0 {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting = append(left, r.waiting...)
	return err
}

// takeBacks is how often it is tried to put a row back in the queue once all else
// is done: some ten seconds. If its record was taken, it then becomes uncertain.
const takeBacks = 8

// keep tells whether to try a result again.
func (r *recorder) keep(e step, err error) bool {
	r.mu.Lock()
	idle := r.closing && e.State == news.Queued && e.tries >= r.takeBacks
	r.mu.Unlock()
	keep := r.opt.Now().Sub(e.since) < settleWithin && !idle
	r.opt.Log.Error("the result of a delivery cannot be recorded yet", "to", e.Subscriber.Email, "state", e.State, "given_up", !keep, "error", err)
	return keep
}

// recorded tells of a row that came to rest. That it is no longer ours may mean that
// it was recorded before, and only the answer was lost.
func (r *recorder) recorded(e step, err error) {
	if err != nil && !(e.tries > 0 && news.CodeOf(err) == news.Conflict) {
		if e.State != news.Queued { // what was to be queued again is another's already
			r.opt.Log.Error("the result of a delivery was not recorded", "to", e.Subscriber.Email, "state", e.State, "error", err)
		}
		return
	}
	if e.State != news.Queued && !putOff(e.Step) {
		r.opt.Settled(e.Delivery)
	}
}

// putOff tells a row that waits for its domain from one that was refused.
func putOff(s news.Step) bool { return s.State == news.Deferred && s.Tried == 0 && s.Reply == "" }
