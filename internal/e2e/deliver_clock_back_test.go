package e2e

import (
	"testing"
	"time"
)

// TestClockSetBackKeepsNobodyWaiting: what was put off, and what the relay was
// handed, was noted by a clock that has been set back since. Nobody waits for it
// to come there again.
func TestClockSetBackKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	for name, limits := range map[string]string{"deferred": "", "within the relay's limits": "  limits: {minute: 40}\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := &wrongClock{}
			c := newCampaign(t, 40, quick+"  connections: 4\n"+limits)
			refused, said := make(chan struct{}), false
			c.relay.behave(func(stage, address string) string {
				if stage == "RCPT" && address == person(7) && !said {
					said = true
					close(refused)
					return "450 4.2.1 mailbox busy"
				}
				return ""
			})
			d := c.command("issue", "send", "weekly")
			<-refused
			d.interrupt()
			clock.move(-time.Hour)
			stop := c.within(clock)
			c.ended()
			stop()
			if v := c.judge(); v.sent != 40 {
				t.Errorf("%+v", v)
			}
		})
	}
}
