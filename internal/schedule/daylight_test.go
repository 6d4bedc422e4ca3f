package schedule

import (
	"fmt"
	"testing"
	"time"

	"github.com/robfig/cron/v3"
)

// Zones that change their clocks at two, at midnight on either side of
// Greenwich, by half an hour only, and never.
var changing = []string{"Europe/Berlin", "America/New_York", "America/Havana", "Asia/Beirut", "Australia/Lord_Howe", "Asia/Shanghai"}

func zoneOf(t *testing.T, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// A daily line is due on every day of the calendar, once. 2028 is a leap year.
func TestADailyLineIsDueOnceADay(t *testing.T) {
	for _, name := range changing {
		zone := zoneOf(t, name)
		for _, at := range []struct{ hour, minute int }{{0, 0}, {0, 30}, {1, 0}, {1, 30}, {1, 45}, {2, 0}, {2, 15}, {2, 30}, {3, 0}, {8, 0}, {23, 59}} {
			when, err := Parse(fmt.Sprintf("%d %d * * *", at.minute, at.hour), zone)
			if err != nil {
				t.Fatal(err)
			}
			due := time.Date(2025, 12, 31, 23, 59, 59, 0, zone)
			for day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() < 2029; day = day.AddDate(0, 0, 1) {
				due = when.Next(due)
				want, got := day.Format("2006-01-02"), due.Format("2006-01-02")
				early := due.Hour() < at.hour || due.Hour() == at.hour && due.Minute() < at.minute
				if late := due.Hour()*60 + due.Minute() - at.hour*60 - at.minute; got != want || early || late > 60 {
					t.Fatalf("%s, daily at %02d:%02d: due on %v, want the %s", name, at.hour, at.minute, due, want)
				}
			}
		}
	}
}

func TestALineOfChosenHoursAtAChangeOfTheClock(t *testing.T) {
	for _, c := range []struct {
		zone, spec, from string
		want             []string
	}{
		{"Europe/Berlin", "30 2 * * *", "2026-03-28T00:00:00Z", []string{"2026-03-28T02:30:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"}},
		{"Europe/Berlin", "30 2 * * *", "2026-10-24T00:00:00Z", []string{"2026-10-24T02:30:00+02:00", "2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"}},
		{"Europe/Berlin", "30 2 * * *", "2026-10-25T01:15:00Z", []string{"2026-10-26T02:30:00+01:00"}}, // asked while 02:15 comes again
		{"Europe/Berlin", "0 2 * * SUN", "2026-03-23T00:00:00Z", []string{"2026-03-29T03:00:00+02:00", "2026-04-05T02:00:00+02:00"}},
		{"Europe/Berlin", "0 2 * * SUN", "2026-10-20T00:00:00Z", []string{"2026-10-25T02:00:00+02:00", "2026-11-01T02:00:00+01:00"}},
		{"Europe/Berlin", "0 3 * * *", "2026-03-29T00:00:00Z", []string{"2026-03-29T03:00:00+02:00", "2026-03-30T03:00:00+02:00"}},
		{"Europe/Berlin", "0 3 * * *", "2026-10-25T00:00:00Z", []string{"2026-10-25T03:00:00+01:00", "2026-10-26T03:00:00+01:00"}},
		{"Europe/Berlin", "*/20 2 * * *", "2026-03-28T01:30:00Z", []string{"2026-03-28T02:40:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-30T02:00:00+02:00"}},
		{"Europe/Berlin", "*/20 2 * * *", "2026-10-24T22:00:00Z", []string{"2026-10-25T02:00:00+02:00", "2026-10-25T02:20:00+02:00", "2026-10-25T02:40:00+02:00", "2026-10-26T02:00:00+01:00"}},
		{"America/New_York", "30 2 * * *", "2026-03-08T00:00:00Z", []string{"2026-03-08T03:00:00-04:00", "2026-03-09T02:30:00-04:00"}},
		{"America/New_York", "30 1 * * *", "2026-11-01T00:00:00Z", []string{"2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00"}},
		{"America/Havana", "0 0 * * *", "2026-03-07T12:00:00Z", []string{"2026-03-08T01:00:00-04:00", "2026-03-09T00:00:00-04:00"}},
		{"America/Havana", "@daily", "2026-10-31T12:00:00Z", []string{"2026-11-01T00:00:00-04:00", "2026-11-02T00:00:00-05:00"}},
		{"Australia/Lord_Howe", "15 2 * * *", "2026-10-03T00:00:00Z", []string{"2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00"}},
		{"Australia/Lord_Howe", "45 1 * * *", "2026-04-04T00:00:00Z", []string{"2026-04-05T01:45:00+11:00", "2026-04-06T01:45:00+10:30"}},
		{"Asia/Shanghai", "0 8 * * MON", "2026-09-25T00:00:00Z", []string{"2026-09-28T08:00:00+08:00", "2026-10-05T08:00:00+08:00"}},
	} {
		from, err := time.Parse(time.RFC3339, c.from)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Next(c.spec, zoneOf(t, c.zone), from, len(c.want))
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range c.want {
			if got[i].Format(time.RFC3339) != want {
				t.Errorf("%s in %s: due %v, want %s", c.spec, c.zone, got[i], want)
			}
		}
	}
}

// A line of every hour goes on by real time while an hour is repeated.
func TestALineOfEveryHourNeitherRestsNorRepeats(t *testing.T) {
	for _, name := range changing {
		for spec, pause := range map[string]time.Duration{"*/10 * * * *": 10 * time.Minute, "*/30 0-23 * * *": 30 * time.Minute, "@every 50m": 50 * time.Minute} {
			when, err := Parse(spec, zoneOf(t, name))
			if err != nil {
				t.Fatal(err)
			}
			for _, month := range []time.Month{time.March, time.October} { // the changes of all zones lie in these and the next days
				begin := time.Date(2026, month, 1, 0, 0, 0, 0, time.UTC)
				due := when.Next(begin)
				for due.Before(begin.AddDate(0, 0, 40)) {
					next := when.Next(due)
					if next.Sub(due) != pause {
						t.Fatalf("%s in %s: due at %v and then at %v", spec, name, due, next)
					}
					due = next
				}
			}
		}
	}
}

// On a day whose midnight does not exist, a line of every hour of that weekday
// is due in the 23 hours that do.
func TestALineOfEveryHourOnADayWithoutMidnight(t *testing.T) {
	for name, noon := range map[string]string{"America/Havana": "2026-03-07T12:00:00Z", "Asia/Beirut": "2026-03-28T12:00:00Z"} {
		from, err := time.Parse(time.RFC3339, noon)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Next("0 * * * SUN", zoneOf(t, name), from, 24)
		if err != nil {
			t.Fatal(err)
		}
		for i, due := range got[:23] {
			if due.Hour() != i+1 || due.Sub(from) > 48*time.Hour {
				t.Errorf("%s: time %d is %v", name, i, due)
			}
		}
		if next := got[23]; next.Sub(from) < 7*24*time.Hour || next.Hour() != 0 {
			t.Errorf("%s: then it is due at %v", name, next)
		}
	}
}

func TestWhereNoClockChangesNothingDoes(t *testing.T) {
	zone := zoneOf(t, "Asia/Shanghai")
	for _, spec := range []string{"0 8 * * MON", "30 2 * * *", "0 0 29 2 *", "*/7 * * * *", "15 */5 1,15 * FRI", "59 23 31 12 *", "@monthly", "@hourly"} {
		plain, err := cron.ParseStandard(spec)
		if err != nil {
			t.Fatal(err)
		}
		when, err := Parse(spec, zone)
		if err != nil {
			t.Fatal(err)
		}
		at := time.Date(2026, 1, 1, 0, 0, 0, 123, zone)
		for range 2000 {
			next := when.Next(at)
			if want := plain.Next(at); !next.Equal(want) || next.IsZero() != want.IsZero() {
				t.Fatalf("%s after %v: %v, want %v", spec, at, next, want)
			}
			if next.IsZero() { // the library looks five years ahead
				break
			}
			at = next
		}
	}
}

func TestWhatWasMissedAtAChangeOfTheClock(t *testing.T) {
	zone := zoneOf(t, "Europe/Berlin")
	when, err := Parse("30 2 * * *", zone)
	if err != nil {
		t.Fatal(err)
	}
	at := func(s string) time.Time {
		x, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	jump, first := at("2026-03-29T03:00:00+02:00"), at("2026-10-25T02:30:00+02:00")
	for _, c := range []struct{ last, now, want time.Time }{
		{at("2026-03-28T02:30:00+01:00"), jump.Add(-time.Second), time.Time{}},
		{at("2026-03-28T02:30:00+01:00"), jump, jump},
		{at("2026-03-20T02:30:00+01:00"), jump.Add(9 * time.Hour), jump},
		{jump, jump.Add(23 * time.Hour), time.Time{}},
		{first, first.Add(time.Hour), time.Time{}}, // the clock shows 02:30 again
		{first.Add(-24 * time.Hour), first.Add(90 * time.Minute), first},
	} {
		if got := latestDue(when, c.last, c.now); !got.Equal(c.want) {
			t.Errorf("from %v to %v: due %v, want %v", c.last, c.now, got, c.want)
		}
	}
	for _, now := range []time.Time{jump, jump.Add(time.Hour), first.Add(time.Hour), first.Add(24 * time.Hour)} {
		want := jump
		if now.After(first) {
			want = first
		}
		if got := latestDue(when, missed(when, now), now); !got.Equal(want) {
			t.Errorf("at %v the latest is %v, want %v", now, got, want)
		}
	}
}
