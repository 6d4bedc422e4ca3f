package app

import (
	"context"
	"sync"
	"time"

	"jianxun/internal/news"
)

// Progress is how the sending of an issue goes.
type Progress struct {
	Deliveries
	Rate float64       // mails a second in the last while, 0 while that is not known
	Left time.Duration // at that rate, until none is queued
}

// pace measures how fast an issue is sent.
type pace struct{ seen []sample }

type sample struct {
	at   time.Time
	done int
}

// recent is the while that a rate is measured over.
const recent = 10 * time.Second

// progress takes the state of things now into account.
func (p *pace) progress(now time.Time, d Deliveries) Progress {
	p.seen = append(p.seen, sample{now, d.Sent + d.Failed + d.Uncertain + d.Suppressed + d.Deferred})
	for len(p.seen) > 2 && now.Sub(p.seen[1].at) >= recent {
		p.seen = p.seen[1:]
	}
	out := Progress{Deliveries: d}
	first, last := p.seen[0], p.seen[len(p.seen)-1]
	if took := last.at.Sub(first.at).Seconds(); took > 0 && last.done > first.done {
		out.Rate = float64(last.done-first.done) / took
		out.Left = time.Duration(float64(d.Queued) / out.Rate * float64(time.Second)).Round(time.Second)
	}
	return out
}

// tellEvery is how often the log says how an issue goes.
const tellEvery = 30 * time.Second

// progressLog says in the log how the issues go that mails were settled of.
type progressLog struct {
	mu    sync.Mutex
	moved map[int64]bool
	paces map[int64]*pace
}

func (l *progressLog) settled(d news.Delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.moved == nil {
		l.moved = map[int64]bool{}
	}
	l.moved[d.IssueID] = true
}

// take gives the issues that moved since it was last called.
func (l *progressLog) take() map[int64]*pace {
	l.mu.Lock()
	defer l.mu.Unlock()
	paces := map[int64]*pace{}
	for id := range l.moved {
		if paces[id] = l.paces[id]; paces[id] == nil {
			paces[id] = &pace{}
		}
	}
	l.moved, l.paces = nil, paces
	return paces
}

// logProgress runs until ctx ends.
func (a *App) logProgress(ctx context.Context) {
	tick := time.NewTicker(tellEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for id, p := range a.moving.take() {
			is, err := a.store.IssueByID(ctx, id)
			if err != nil {
				continue // progress is a courtesy
			}
			if v, err := a.issueView(ctx, is); err == nil {
				g := p.progress(a.opt.Now(), v.Deliveries)
				a.log.Info("an issue is on its way", "digest", is.Digest, "issue", is.Label(), "sent", g.Sent, "queued", g.Queued, "deferred", g.Deferred,
					"failed", g.Failed, "uncertain", g.Uncertain, "a_second", int(g.Rate+0.5), "left", g.Left)
			}
		}
	}
}
