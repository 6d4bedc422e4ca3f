package app

import (
	"context"
	"sync"

	"jianxun/internal/news"
	"jianxun/internal/outbox"
)

// welcome counts how the mails of issues fare with the relay. One that refuses
// most people of an issue for good has a fault of its own: a directory that is gone,
// say. Only the first few are then taken for dead.
type welcome struct {
	mu    sync.Mutex
	issue map[int64]*fares
}

type fares struct{ taken, refused int }

// believed is how many refusals for good in an issue are believed whatever becomes
// of the others.
const believed = 10

// believe counts a mail that came to rest, and tells whether its refusal for good
// says something about the address.
func (r *welcome) believe(d news.Delivery) bool {
	hard := d.State == news.Failed && outbox.HardReply(d.Reply)
	if !hard && d.State != news.Delivered {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.issue == nil {
		r.issue = map[int64]*fares{}
	}
	f := r.issue[d.IssueID]
	if f == nil {
		f = &fares{}
		r.issue[d.IssueID] = f
	}
	if !hard {
		f.taken++
		return false
	}
	f.refused++
	return f.refused <= believed || f.refused <= f.taken
}

// unwelcome records that the relay said of an address what a bounce would say.
func (a *App) unwelcome(d news.Delivery) {
	if !a.welcome.believe(d) {
		return
	}
	effect, err := a.store.RecordRefusal(context.Background(), d)
	if err != nil {
		a.log.Error("a refusal for good cannot be recorded, so the address goes on getting mail", "to", d.Subscriber.Email, "error", err)
		return
	}
	if effect.New {
		a.metrics.bounces.WithLabelValues(string(news.HardBounce)).Inc()
	}
}
