package schedule

import (
	"time"

	"github.com/robfig/cron/v3"
)

// zoned is a schedule in a zone, whatever zone it is asked in.
//
// The library counts in real time, so where clocks are changed it leaves out
// the times that a clock jumps over and comes twice to those that it shows
// twice. Here it only ever counts in UTC, and this makes the times of the zone
// of it.
type zoned struct {
	cron.Schedule
	zone *time.Location
}

const everyHour = 1<<24 - 1 // the bits of a line's hours

// Next is the first due time after t. A line that chooses hours goes by what the
// clock shows: each of its times is due once, when the clock first shows it or
// jumps past it; those that it jumps past together are due together, once. A
// line of every hour goes on by real time: it must not rest while an hour is
// repeated. The zone is nothing to @every.
func (z zoned) Next(t time.Time) time.Time {
	t = t.In(z.zone)
	line, ok := z.Schedule.(*cron.SpecSchedule)
	switch {
	case !ok:
		return z.Schedule.Next(t)
	case line.Hour&everyHour == everyHour:
		return z.inRealTime(t)
	}
	for wall := line.Next(wallOf(t)); !wall.IsZero(); wall = line.Next(wall) {
		if due := z.shows(wall); due.After(t) { // otherwise the clock shows it for the second time
			return due
		}
	}
	return time.Time{}
}

// wallOf is what a clock shows at t, as a time of UTC.
func wallOf(t time.Time) time.Time {
	_, offset := t.Zone()
	return t.Add(time.Duration(offset) * time.Second).UTC()
}

// instant is when a clock so far ahead of UTC as that of t shows wall.
func instant(wall, t time.Time) time.Time {
	_, offset := t.Zone()
	return wall.Add(-time.Duration(offset) * time.Second).In(t.Location())
}

// shows is when the clock first shows wall, or jumps past it.
func (z zoned) shows(wall time.Time) time.Time {
	t := wall.Add(-26 * time.Hour).In(z.zone) // no zone is further from UTC
	for {
		due, end := instant(wall, t), steady(t)
		if due.Before(t) {
			return t // t is the jump
		}
		if end.IsZero() || due.Before(end) {
			return due
		}
		t = end
	}
}

// inRealTime is the first due time after t, from one change of the clock to the next.
func (z zoned) inRealTime(t time.Time) time.Time {
	wall := wallOf(t)
	for {
		next := z.Schedule.Next(wall)
		if next.IsZero() {
			return next
		}
		due, end := instant(next, t), steady(t)
		if end.IsZero() || due.Before(end) {
			return due
		}
		t = end
		wall = wallOf(t).Add(-time.Nanosecond) // the change itself may be a due time
	}
}

// steady is until when the clock goes on as at t, at least; zero when for ever.
func steady(t time.Time) time.Time {
	_, end := t.ZoneBounds()
	if !end.IsZero() && !end.After(t) {
		// The time package ends every year after 365 days, and is then wrong
		// about the last day of a leap year.
		return t.Truncate(24 * time.Hour).Add(24 * time.Hour)
	}
	return end
}
