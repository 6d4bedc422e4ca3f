package e2e

import (
	"fmt"
	"syscall"
	"testing"
	"time"
)

// TestRequirement25KilledAtRandomMoments kills what sends an issue, in the
// background and in the foreground by turns, as power cuts would: after some mails
// or before the first, at any stage of any conversation.
func TestRequirement25KilledAtRandomMoments(t *testing.T) {
	t.Parallel()
	people, kills := times(200, 2000), times(20, 200)
	random := &dice{r: chance(t)}
	c := newCampaign(t, people, fmt.Sprintf("  connections: %d\n", crowd))
	c.relay.unhurried(random, 10*time.Millisecond)
	began, open, most := time.Now(), 0, 0
	for n := range kills {
		d := c.child([]string{"send", "serve"}[n%2])
		c.relay.forget()
		mails := random.n(4)
		if n == 0 {
			mails++ // an issue that was not begun is nothing that serve would go on with
		}
		if mails > 0 {
			c.relay.wait(t, mails)
			random.moment(20 * time.Millisecond)
		} else {
			random.moment(100 * time.Millisecond) // it may still be starting
		}
		if err := d.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		now := c.relay.connections() // it stands still while they are counted
		open, most = open+now, max(most, now)
		d.kill()
	}
	if c.issue().State == "sent" {
		t.Fatal("the issue was sent before the last kill: some hit nothing")
	}
	t.Logf("%d kills in %v", kills, time.Since(began).Round(time.Millisecond))
	if d := c.child("send"); d.wait() != 0 {
		t.Errorf("the last one, which nobody killed:\n%s", d.output())
	}
	v := c.judge()
	t.Logf("%d people: %d sent, %d uncertain, of whom %d without a copy; %d connections were open at the kills, at most %d at once; %v",
		people, v.sent, v.uncertain, v.without, open, most, time.Since(began).Round(time.Millisecond))
	if v.sent+v.uncertain != people || v.uncertain > open {
		t.Errorf("%+v, and %d connections were open", v, open)
	}
	if is := c.issue(); is.State != "sent" || is.Deliveries.Uncertain != v.uncertain {
		t.Errorf("the issue is %+v", is)
	}
}

// crowd is how many connections an issue is sent over.
const crowd = 8

// forget drops the signals of the mails taken before now.
func (s *sink) forget() {
	for {
		select {
		case <-s.got:
		default:
			return
		}
	}
}

// TestTerminatedAtRandomMoments ends the program by SIGTERM, as a service manager
// does: mails in hand are finished, so everybody is known to have theirs.
func TestTerminatedAtRandomMoments(t *testing.T) {
	t.Parallel()
	people, ends := times(200, 2000), times(20, 200)
	random := &dice{r: chance(t)}
	c := newCampaign(t, people, "  connections: 4\n")
	c.relay.unhurried(random, 20*time.Millisecond)
	began := time.Now()
	for n := range ends {
		command := [][]string{{"issue", "send", "weekly"}, {"serve"}}[n%2]
		c.relay.forget()
		d := c.command(command...)
		c.relay.wait(t, 1+random.n(2))
		random.moment(20 * time.Millisecond)
		// A foreground sending says by its exit code that something is left.
		if code := d.end(syscall.SIGTERM); code != 1-n%2 {
			t.Errorf("%v: exit %d\n%s", command, code, d.output())
		}
	}
	if c.issue().State == "sent" {
		t.Fatal("the issue was sent before the last signal: some hit nothing")
	}
	c.must("issue", "send", "weekly")
	v := c.judge()
	t.Logf("%d people: %d signals, %d sent, %d uncertain, %v", people, ends, v.sent, v.uncertain, time.Since(began).Round(time.Millisecond))
	if v.sent != people {
		t.Errorf("%+v", v)
	}
}
