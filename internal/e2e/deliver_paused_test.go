package e2e

import (
	"net/http"
	"net/mail"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"jianxun/internal/news"
)

// TestPauseHoldsAtOnce pauses everything beside a running daemon, or one issue. When
// the command has returned, only those dots arrive that were under way.
func TestPauseHoldsAtOnce(t *testing.T) {
	t.Parallel()
	for name, commands := range map[string][2][]string{
		"everything": {{"mail", "pause"}, {"mail", "resume"}},
		"one issue":  {{"issue", "pause", "weekly"}, {"issue", "resume", "weekly"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const open = 4
			people, rounds := times(100, 2000), times(1, 20)
			random := &dice{r: chance(t)}
			c := newCampaign(t, people, "  connections: 4\n"+quick)
			c.relay.unhurried(random, 20*time.Millisecond)
			c.begun()
			d := c.serve()
			for range rounds {
				c.relay.forget()
				c.relay.wait(t, 1+random.n(people/4/rounds))
				random.moment(20 * time.Millisecond)
				c.must(commands[0]...)
				paused := len(c.relay.all())
				eventually(t, "nothing is in hand", func() bool { return c.inHand() == 0 })
				if code := d.end(syscall.SIGTERM); code != 0 {
					t.Errorf("exit %d\n%s", code, d.output())
				}
				d = c.serve() // which does not make it go on
				if n := len(c.relay.all()); n > paused+open || n == people {
					t.Errorf("%d mails came after the pause, of %d", n-paused, n)
				}
				if out, errs, code := c.run("issue", "send", "weekly"); code != 1 {
					t.Errorf("sending in the foreground: exit %d: %s%s", code, out, errs)
				}
				c.must(commands[1]...)
			}
			c.ended()
			if v := c.judge(); v.sent != people {
				t.Errorf("%+v", v)
			}
		})
	}
}

// inHand is how many rows somebody has leased.
func (c *campaign) inHand() (n int) {
	for _, d := range c.states(1) {
		if d.State == news.Leased || d.State == news.Committing {
			n++
		}
	}
	return n
}

// TestWhoLeavesWhileTheIssueIsSentGetsNothing: once the POST is answered, only a
// dot that was under way arrives, even if all else of the mail is at the relay.
func TestWhoLeavesWhileTheIssueIsSentGetsNothing(t *testing.T) {
	t.Parallel()
	const people = 60
	random := &dice{r: chance(t)}
	c := newCampaign(t, people, "  connections: 4\n"+quick)
	c.must("issue", "send", "weekly")
	leave := map[string]string{}
	for _, m := range c.relay.all() {
		msg, err := mail.ReadMessage(strings.NewReader(m.data))
		if err != nil {
			t.Fatal(err)
		}
		leave[m.to] = strings.Trim(msg.Header.Get("List-Unsubscribe"), "<>")
	}
	c.page(1)
	c.must("ingest", "pages")
	c.must("issue", "draft", "weekly")

	leaving, first := random.chosen(people, 20), len(c.relay.all())
	stages, said := map[string]string{}, sync.Map{}
	for who := range leaving {
		stages[who] = []string{"RCPT", "DATA", "dot"}[random.n(3)]
	}
	c.serve()
	c.relay.linger(func(stage, address string) {
		if stages[address] != stage {
			return
		}
		resp, _ := request(t, http.MethodPost, leave[address], "List-Unsubscribe=One-Click", "Content-Type", "application/x-www-form-urlencoded")
		said.Store(address, resp.StatusCode)
	})
	c.must("issue", "send", "weekly")
	copies := map[string]int{}
	for _, m := range c.relay.all()[first:] {
		copies[m.to]++
	}
	for who, d := range c.states(2) {
		want, state := 1, news.Delivered
		if leaving[who] && stages[who] != "dot" {
			want, state = 0, news.Suppressed
			if code, _ := said.Load(who); code != http.StatusOK {
				t.Errorf("%s left at %s: the answer is %v", who, stages[who], code)
			}
		}
		if copies[who] != want || d.State != state {
			t.Errorf("%s, who left at %q, has %d copies and is %s", who, stages[who], copies[who], d.State)
		}
	}
}
