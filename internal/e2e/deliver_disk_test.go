package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestDiskFullWhileSending: what cannot be recorded is not sent, and how the mails
// in hand ended is remembered until it can be recorded.
func TestDiskFullWhileSending(t *testing.T) {
	t.Parallel()
	people, rounds := times(200, 2000), times(2, 10)
	random := &dice{r: chance(t)}
	s := newSite(t, "")
	smallDisk(t, filepath.Join(s.dir, "var"), "16m")
	c := s.campaign(people, "  connections: 4\n"+quick)
	c.relay.unhurried(random, 20*time.Millisecond)
	c.begun()
	d := c.serve()
	filler := filepath.Join(s.dir, "var", "filler")
	for range rounds {
		c.relay.forget()
		c.relay.wait(t, 1+random.n(people/4/rounds))
		for len(d.lines) > 0 { // said of the last time
			<-d.lines
		}
		fill(t, filler)
		d.waitFor("is full") // and so nothing is sent
		if n := len(c.relay.all()); n >= people {
			t.Errorf("%d mails were sent before the disk was full", n)
		}
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
	}
	c.ended()
	if code := d.interrupt(); code != 0 {
		t.Errorf("exit %d\n%s", code, d.output())
	}
	if v := c.judge(); v.sent != people {
		t.Errorf("%+v\n%s", v, d.output())
	}
}
