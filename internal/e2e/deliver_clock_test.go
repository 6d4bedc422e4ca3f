package e2e

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"jianxun/internal/app"
)

// wrongClock goes as fast as the right one, and may be set.
type wrongClock struct{ ahead atomic.Int64 }

func (c *wrongClock) Now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *wrongClock) move(by time.Duration) { c.ahead.Add(int64(by)) }

// within runs the site within the test, by such a clock, until stop is called.
func (s *site) within(clock *wrongClock) (stop func()) {
	s.t.Helper()
	ctx := s.t.Context()
	a, err := app.New(ctx, app.Options{ConfigFile: filepath.Join(s.dir, "jianxun.yaml"), Now: clock.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		s.t.Fatal(err)
	}
	if err := a.Start(ctx); err != nil {
		s.t.Fatal(err)
	}
	return func() {
		if err := a.Stop(context.WithoutCancel(ctx)); err != nil {
			s.t.Error(err)
		}
	}
}

// TestClockIsSetWhileSending sets the clock back an hour in the midst of an issue,
// or forward, or to and fro. Leases seem to last for an hour then, or to have run
// out while their rows are in hand.
func TestClockIsSetWhileSending(t *testing.T) {
	t.Parallel()
	for name, moves := range map[string][]time.Duration{
		"back":       {-time.Hour},
		"forward":    {time.Hour},
		"to and fro": {-time.Hour, time.Hour, time.Hour, -time.Hour, -time.Hour, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			people := times(200, 2000)
			random, clock := &dice{r: chance(t)}, &wrongClock{}
			c := newCampaign(t, people, fmt.Sprintf("  connections: %d\n", crowd))
			c.relay.unhurried(random, 10*time.Millisecond)
			c.begun()
			stop := c.within(clock)
			for _, by := range moves {
				c.relay.forget()
				c.relay.wait(t, 1+random.n(people/2/len(moves)))
				random.moment(20 * time.Millisecond)
				clock.move(by)
			}
			c.ended()
			stop()
			if v := c.judge(); v.sent != people {
				t.Errorf("%+v", v)
			}
		})
	}
}

// TestALeaseThatRunsOutWithItsHolderAliveCostsNobodyASecondCopy: the clock is set
// forward, or the machine slept, while somebody's mail is on its way, and the relay
// takes long over it. His row is leased anew by the same process meanwhile.
func TestALeaseThatRunsOutWithItsHolderAliveCostsNobodyASecondCopy(t *testing.T) {
	t.Parallel()
	const people = 200
	clock := &wrongClock{}
	c := newCampaign(t, people, fmt.Sprintf("  connections: %d\n", crowd))
	c.begun()
	before := len(c.relay.all())
	var slow atomic.Pointer[string]
	c.relay.linger(func(stage, address string) {
		taken := func(n int) func() bool { return func() bool { return len(c.relay.all()) >= n } }
		switch {
		case stage == "DATA" && slow.CompareAndSwap(nil, &address):
			clock.move(time.Hour)
			eventually(t, "others have had theirs", taken(before+people/2))
		case stage == "dot" && slow.Load() != nil && *slow.Load() == address:
			eventually(t, "all have had theirs", taken(people))
		}
	})
	stop := c.within(clock)
	c.ended()
	stop()
	if v := c.judge(); v.sent != people {
		t.Errorf("%+v", v)
	}
}
