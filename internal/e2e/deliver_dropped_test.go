package e2e

import (
	"testing"

	"jianxun/internal/news"
)

// chosen are some people, by address.
func (d *dice) chosen(people, n int) map[string]bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	some := map[string]bool{}
	for _, i := range d.r.Perm(people)[:n] {
		some[person(i)] = true
	}
	return some
}

// misbehaviour is what a relay does at a stage to some people.
type misbehaviour struct{ stage, answer string }

// once gives a rule that misbehaves the first time only, for each of these people.
// The other stages know nobody yet, or nobody any more: there it is so often.
func (m misbehaviour) once(people map[string]bool) (rule func(stage, address string) string, done func() int) {
	left, n := map[string]bool{}, 0
	for who := range people {
		left[who] = true
	}
	return func(stage, address string) string {
		anybody := stage == "connect" || stage == "EHLO" || stage == "MAIL" || stage == "QUIT"
		if stage != m.stage || n >= len(people) || !anybody && !left[address] {
			return ""
		}
		delete(left, address)
		n++
		return m.answer
	}, func() int { return n }
}

// sentInTheEnd sends the issue in the foreground, again and again when a relay
// that misbehaved seemed to be down.
func (c *campaign) sentInTheEnd() {
	c.t.Helper()
	for range 10 {
		if _, _, code := c.run("issue", "send", "weekly"); code == 0 {
			return
		}
	}
	c.t.Errorf("the issue is not sent: %+v", c.issue())
}

// TestDroppedAtEveryStage hangs up on some people at each stage that comes before
// the final dot. They get their mail all the same.
func TestDroppedAtEveryStage(t *testing.T) {
	t.Parallel()
	random, people, n := &dice{r: chance(t)}, times(20, 400), times(3, 60)
	for _, stage := range []string{"connect", "EHLO", "MAIL", "RCPT", "DATA"} {
		some := random.chosen(people, n)
		t.Run(stage, func(t *testing.T) {
			t.Parallel()
			c := newCampaign(t, people, quick+"  connections: 4\n  mails_per_connection: 3\n")
			rule, done := misbehaviour{stage, "drop"}.once(some)
			c.relay.behave(rule)
			c.sentInTheEnd()
			if v := c.judge(); v.sent != people || done() != n {
				t.Errorf("%+v, hung up %d times", v, done())
			}
		})
	}
}

// TestDroppedInTheText hangs up on some people in the midst of their mail. Who
// sends may have written all of it by then, the dot as well, before the news
// arrives: then it is uncertain. Else it is sent again.
func TestDroppedInTheText(t *testing.T) {
	t.Parallel()
	people, n := times(20, 400), times(3, 60)
	some := (&dice{r: chance(t)}).chosen(people, n)
	c := newCampaign(t, people, quick+"  connections: 4\n")
	rule, done := misbehaviour{"text", "drop"}.once(some)
	c.relay.behave(rule)
	c.sentInTheEnd()
	v := c.judge()
	if v.sent+v.uncertain != people || v.uncertain != v.without || done() != n {
		t.Errorf("%+v, hung up %d times", v, done())
	}
	for _, trouble := range c.issue().Trouble {
		if !some[trouble.Email] {
			t.Errorf("%+v is listed", trouble)
		}
	}
}

// TestRequirement23DroppedAtTheDotIsUncertainAndNotSentAgain: whether the server
// had kept the mail or not, nobody can know.
func TestRequirement23DroppedAtTheDotIsUncertainAndNotSentAgain(t *testing.T) {
	t.Parallel()
	random, people, n := &dice{r: chance(t)}, times(20, 400), times(3, 60)
	for answer, copies := range map[string]int{"drop": 1, "lose": 0} {
		some := random.chosen(people, n)
		t.Run(answer, func(t *testing.T) {
			t.Parallel()
			c := newCampaign(t, people, quick+"  connections: 4\n")
			rule, _ := misbehaviour{"dot", answer}.once(some)
			c.relay.behave(rule)
			c.must("issue", "send", "weekly")
			c.must("issue", "send", "weekly")
			c.serve().interrupt()
			if v := c.judge(); v.uncertain != n || v.sent != people-n || v.without != n*(1-copies) {
				t.Errorf("%+v", v)
			}
			for _, trouble := range c.issue().Trouble {
				if trouble.State != "uncertain" || !some[trouble.Email] || trouble.Reply == "" {
					t.Errorf("%+v is listed", trouble)
				}
			}
		})
	}
}

// TestRequirement24DroppedAtTheEndIsSent hangs up where nothing is at stake any
// more: at QUIT, and at the RSET after a refusal.
func TestRequirement24DroppedAtTheEndIsSent(t *testing.T) {
	t.Parallel()
	random, people, n := &dice{r: chance(t)}, times(20, 400), times(5, 60)
	for _, stage := range []string{"QUIT", "RSET"} {
		some := random.chosen(people, n)
		t.Run(stage, func(t *testing.T) {
			t.Parallel()
			c := newCampaign(t, people, quick+"  connections: 4\n  mails_per_connection: 3\n")
			c.relay.behave(func(at, address string) string {
				switch {
				case at == stage:
					return "drop"
				case stage == "RSET" && at == "RCPT" && some[address]:
					return "550 5.1.1 no such user"
				}
				return ""
			})
			c.must("issue", "send", "weekly")
			refused := 0
			if stage == "RSET" {
				refused = len(some)
			}
			if v := c.judge(); v.sent != people-refused || v.other != refused {
				t.Errorf("%+v, want %d refused", v, refused)
			}
		})
	}
}

// TestWhomTheServerAlwaysHangsUpOnKeepsNobodyWaiting: the others have their mail
// before he is given up, and nobody has two.
func TestWhomTheServerAlwaysHangsUpOnKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	random := &dice{r: chance(t)}
	for _, stage := range []string{"RCPT", "DATA"} {
		some := random.chosen(40, 2)
		t.Run(stage, func(t *testing.T) {
			t.Parallel()
			c := newCampaign(t, 40, "  connections: 4\n  retry: {first: 1s, max: 1s, give_up: 3s}\n")
			c.relay.behave(func(at, address string) string {
				if at == stage && some[address] {
					return "drop"
				}
				return ""
			})
			d := c.command("issue", "send", "weekly")
			c.relay.wait(t, 38)
			d.wait()
			c.sentInTheEnd()
			v, states := c.judge(), c.states(1)
			for who := range some {
				if states[who].State != news.Failed || states[who].Reply == "" {
					t.Errorf("%s is %s: %q", who, states[who].State, states[who].Reply)
				}
			}
			if v.sent != 38 || v.other != 2 {
				t.Errorf("%+v", v)
			}
		})
	}
}
