package e2e

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"jianxun/internal/news"
)

// attempts notes when each person was tried.
type attempts struct {
	mu sync.Mutex
	at map[string][]time.Time
}

func (a *attempts) note(address string) (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.at[address] = append(a.at[address], time.Now())
	return len(a.at[address])
}

// TestRequirement26RefusalsAreTakenAsTheyAreMeant: what is temporary is tried
// again, later each time; what is permanent is not.
func TestRequirement26RefusalsAreTakenAsTheyAreMeant(t *testing.T) {
	t.Parallel()
	script := []struct {
		stage, reply string
		times        int // that it is said
		sent         bool
	}{
		{"RCPT", "421 4.3.2 going down for a moment", 1, true},
		{"RCPT", "450 4.2.1 mailbox busy", 2, true},
		{"DATA", "451 4.7.1 greylisted", 1, true},
		{"dot", "452 4.3.1 no room", 2, true},
		{"RCPT", "550 5.1.1 no such user", 1, false},
		{"dot", "554 5.7.1 content refused", 1, false},
	}
	c := newCampaign(t, 20, "  connections: 2\n  retry: {first: 1s, max: 2s}\n")
	tried := attempts{at: map[string][]time.Time{}}
	c.relay.behave(func(stage, address string) string {
		for i, s := range script {
			if stage == s.stage && address == person(i) && tried.note(address) <= s.times {
				return s.reply
			}
		}
		return ""
	})
	c.must("issue", "send", "weekly")
	c.judge()
	states := c.states(1)
	for i, s := range script {
		d, at := states[person(i)], tried.at[person(i)]
		if s.sent != (d.State == news.Delivered) || !s.sent && (d.State != news.Failed || d.Reply != s.reply) {
			t.Errorf("after %q at %s it is %s: %q", s.reply, s.stage, d.State, d.Reply)
		}
		want := s.times
		if s.sent {
			want++
		}
		if len(at) != want || d.Attempts != want {
			t.Errorf("after %q at %s it was tried %d times, %d are counted, want %d", s.reply, s.stage, len(at), d.Attempts, want)
		}
		// The waits are 1 s, 2 s, 2 s, each up to a quarter less; a busy machine may
		// have kept the first answer back.
		for n := 1; n < len(at); n++ {
			if wait := at[n].Sub(at[n-1]); wait < time.Duration(min(n, 2))*time.Second/2 {
				t.Errorf("after %q at %s attempt %d came after %v", s.reply, s.stage, n+1, wait)
			}
		}
	}
}

// TestRequirement26TooFrequentIsLaterWhateverItsCode: QQ Mail answers its limits
// with the permanent 550. The domain is left alone for a minute, which the clock
// jumps over; other domains are not.
func TestRequirement26TooFrequentIsLaterWhateverItsCode(t *testing.T) {
	t.Parallel()
	c := newCampaign(t, 0, "  connections: 2\n"+quick)
	c.lists("qq.com", 10, "example.org", 20)
	refused := make(chan struct{})
	var once sync.Once
	c.relay.behave(func(stage, address string) (reply string) {
		if stage == "RCPT" && strings.HasSuffix(address, "@qq.com") {
			once.Do(func() {
				reply = "550 Ip frequency limited. http://service.mail.qq.com/"
				close(refused)
			})
		}
		return reply
	})
	d := c.command("issue", "send", "weekly")
	<-refused
	eventually(t, "the others have had theirs", func() bool { return len(c.relay.to("example.org")) == 20 })
	d.interrupt()
	if n := len(c.relay.to("qq.com")); n > 1 { // on the other connection
		t.Errorf("%d mails went to the domain after all", n)
	}
	for who, d := range c.states(1) {
		if d.State == news.Failed {
			t.Errorf("%s is given up: %s", who, d.Reply)
		}
	}
	clock := &wrongClock{}
	clock.move(2 * time.Minute)
	stop := c.within(clock)
	c.ended()
	stop()
	if v := c.judge(); v.sent != 30 {
		t.Errorf("%+v", v)
	}
}

// to are the mails to a domain.
func (s *sink) to(domain string) (mails []received) {
	for _, m := range s.all() {
		if strings.HasSuffix(m.to, "@"+domain) {
			mails = append(mails, m)
		}
	}
	return mails
}

// lists lists so many people of each domain in the place of those listed.
func (c *campaign) lists(domains ...any) {
	var list strings.Builder
	list.WriteString("subscribers:\n")
	c.people = 0
	for i := 0; i+1 < len(domains); i += 2 {
		for n := range domains[i+1].(int) {
			fmt.Fprintf(&list, "  - {email: p%d@%s}\n", n, domains[i])
			c.people++
		}
	}
	c.write("subscribers.yaml", list.String())
}
