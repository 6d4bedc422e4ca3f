package app

import (
	"context"
	"fmt"
	"time"
)

// turn is the right to one letter. The store gives it to one replica, by the
// means with which it gives due times: the last letter's time is that of the last
// fire, and the next may fire when enough time has passed since.
type turn struct {
	job string
	due time.Time
}

// alarmJobs begins the names of the jobs that stand for letters.
const alarmJobs = "alarm:"

// turnLease is how long a turn stays with a process that gives no sign of life.
const turnLease = 2 * postWithin

// turns are those that a letter of the kind needs: its kind's, and one of the
// day's. None means that there were enough letters when it was written.
func (l *alarms) turns(ctx context.Context, kind string, at time.Time) ([]turn, error) {
	own, ok, err := l.turn(ctx, alarmJobs+kind, at, ofAKind)
	if err != nil || !ok {
		return nil, err
	}
	for n := range inADay {
		daily, ok, err := l.turn(ctx, fmt.Sprintf("%sday:%d", alarmJobs, n), at, aDay)
		if ok {
			return []turn{own, daily}, nil
		}
		if err != nil {
			l.giveBack(ctx, []turn{own})
			return nil, err
		}
	}
	l.giveBack(ctx, []turn{own})
	return nil, nil
}

func (l *alarms) turn(ctx context.Context, job string, at time.Time, every time.Duration) (turn, bool, error) {
	last, err := l.store.Anchor(ctx, job, at.Add(-every))
	if err != nil || at.Before(last.Add(every)) {
		return turn{}, false, err
	}
	t := turn{job, last.Add(every)}
	ok, err := l.store.ClaimFire(ctx, job, t.due, l.token, turnLease)
	return t, ok, err
}

// finish records that the turns were taken at a time. Should the store not answer, they
// are free again when their lease has run out: a letter more, in the worst case.
func (l *alarms) finish(ctx context.Context, turns []turn, at time.Time) {
	for _, t := range turns {
		_, err := l.store.ClaimFire(ctx, t.job, at, l.token, turnLease)
		if err == nil {
			err = l.store.FinishFire(ctx, t.job, at)
		}
		if err != nil {
			l.log.Warn("it cannot be recorded that a letter was sent to the admins", "error", err)
		}
	}
}

func (l *alarms) giveBack(ctx context.Context, turns []turn) {
	for _, t := range turns {
		if err := l.store.ReleaseFire(ctx, t.job, t.due, l.token, l.now()); err != nil {
			l.log.Warn("a turn to write to the admins cannot be given back", "error", err)
		}
	}
}
