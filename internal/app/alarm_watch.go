package app

import (
	"context"
	"time"

	"jianxun/internal/news"
	"jianxun/internal/store"
)

// storeAnswers asks the store, and tells of it when it was away.
func (l *alarms) storeAnswers(ctx context.Context) bool {
	asking, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	err := l.ping(asking)
	if ctx.Err() != nil {
		return false
	}
	l.mu.Lock()
	over := l.away
	switch {
	case err == nil:
		l.away = outage{}
	case over.since.IsZero():
		l.away = outage{since: l.now(), err: err}
	}
	l.mu.Unlock()
	if now := l.now(); err == nil && !over.since.IsZero() && now.Sub(over.since) >= storeFor {
		l.raise(kindStore, func(d desk) (string, string) {
			return d.p.T("jianxun: the store did not answer"),
				d.p.T("The store did not answer from %s to %s: %v", over.since.In(d.zone).Format(time.DateTime), now.In(d.zone).Format(time.DateTime), over.err) + "\n" +
					d.p.T("Feeds were served as they were, and no mail was sent. It goes on by itself.")
		})
	}
	return err == nil
}

// endedJob is the job whose last fire is the end of the last issue that was looked at.
const endedJob = alarmJobs + "ended"

// lookForEnded tells of issues that came to their end and did not reach everybody,
// wherever they were sent from. Each end is looked at by one replica.
func (l *alarms) lookForEnded(ctx context.Context) error {
	now := l.now()
	last, err := l.store.Anchor(ctx, endedJob, now)
	if err != nil {
		return err
	}
	if oldest := now.Add(-endedSince); last.Before(oldest) {
		last = oldest
	}
	ended, err := l.store.EndedIssues(ctx, last, now.Add(-endedFor))
	if err != nil {
		return err
	}
	for len(ended) > 0 {
		n := 1
		for n < len(ended) && ended[n].At.Equal(ended[0].At) {
			n++
		}
		mine, err := l.store.ClaimFire(ctx, endedJob, ended[0].At, l.token, turnLease)
		if err != nil {
			return err
		}
		if mine {
			for _, e := range ended[:n] {
				l.ended(e)
			}
			if err := l.store.FinishFire(ctx, endedJob, ended[0].At); err != nil {
				return err
			}
		}
		ended = ended[n:]
	}
	return nil
}

func (l *alarms) ended(e store.EndedIssue) {
	failed, uncertain := e.Tally[news.Failed], e.Tally[news.Uncertain]
	if failed+uncertain == 0 {
		return
	}
	l.raise(kindEnded+e.Digest, func(d desk) (string, string) {
		ref := e.Digest + "/" + e.Ref()
		text := d.p.T("%s of %s has been sent: %d delivered, %d failed, %d uncertain.", e.Label(), e.Title, e.Tally[news.Delivered], failed, uncertain) + "\n" +
			d.p.T("To whom, and what their servers said: %s", "jianxun issue show "+ref)
		if uncertain > 0 {
			text += "\n" + d.p.T("What is uncertain is not sent again by itself; settle it with: %s", "jianxun issue settle "+ref)
		}
		return d.p.T("jianxun: %s of %s did not reach everybody", e.Label(), e.Title), text
	})
}
