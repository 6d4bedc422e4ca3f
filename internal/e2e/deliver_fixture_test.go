package e2e

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"sync"
	"testing"
	"time"

	"jianxun/internal/news"
	"jianxun/internal/store"
)

// campaign is a site with an issue for so many people, and a relay that records
// everything.
type campaign struct {
	*site
	relay  *sink
	people int
}

const campaignSite = `
site: {url: "http://127.0.0.1:%d"}
digests: [{slug: weekly, title: 检察要闻周报, schedule: "0 8 1 1 *"}]
limits: {feeds: 0, searches: 0}
subscribers: subscribers.yaml
mail:
  from: 检察要闻周报 <digest@example.org>
  relay: smtp://%s
%s`

// newCampaign drafts the issue. mail is more of the configuration of mail, each
// line with two blanks before it.
func newCampaign(t testing.TB, people int, mail string) *campaign {
	t.Helper()
	return newSite(t, "").campaign(people, mail)
}

func (s *site) campaign(people int, mail string) *campaign {
	s.t.Helper()
	c := &campaign{site: s, relay: newSink(s.t, ""), people: people}
	c.configure(fmt.Sprintf(campaignSite, c.port, c.relay.addr, mail))
	c.write("subscribers.yaml", manyPeople(people))
	c.page(0)
	c.must("ingest", "pages")
	c.must("issue", "draft", "weekly")
	return c
}

// quick are retries that a test can wait for.
const quick = "  retry: {first: 1s, max: 2s}\n"

// command starts a command of the program, and does not wait for its end.
func (c *campaign) command(args ...string) *daemon {
	c.t.Helper()
	path, err := binary()
	if err != nil {
		c.t.Fatal(err)
	}
	return c.spawn(exec.Command(path, args...))
}

// begun leaves the issue half sent: it is begun in the foreground, and interrupted
// after a mail.
func (c *campaign) begun() {
	c.t.Helper()
	d := c.command("issue", "send", "weekly")
	c.relay.wait(c.t, 1)
	d.interrupt()
}

// states are those of the deliveries of the issue with the number, by address, as
// the ledger has them.
func (s *site) states(number int64) map[string]news.Delivery {
	s.t.Helper()
	ctx := s.t.Context()
	st, err := store.Open(ctx, "sqlite:"+s.store(), time.Now)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = st.Close() }()
	states := map[string]news.Delivery{}
	for _, state := range []news.DeliveryState{news.Queued, news.Leased, news.Committing, news.Delivered, news.Deferred, news.Failed, news.Uncertain, news.Suppressed} {
		rows, err := st.Deliveries(ctx, number, state, 1_000_000)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, d := range rows {
			states[d.Subscriber.Email] = d
		}
	}
	return states
}

// verdict is what the ledger and the relay say together.
type verdict struct{ sent, uncertain, without, other int }

// judge compares what the ledger says with what the relay has taken: nobody has
// two copies, who is called sent has one, who has none is listed, and all have a
// row. What other states there may be, the test knows.
func (c *campaign) judge() (v verdict) {
	c.t.Helper()
	copies, states := c.relay.copies(), c.states(1)
	if len(states) != c.people {
		c.t.Errorf("%d people have a row, of %d", len(states), c.people)
	}
	for who, d := range states {
		n := copies[who]
		switch {
		case n > 1:
			c.t.Errorf("%s got %d copies and is called %s", who, n, d.State)
		case d.State == news.Delivered && n == 0:
			c.t.Errorf("%s is called sent and got nothing", who)
		case n > 0 && d.State != news.Delivered && d.State != news.Uncertain:
			c.t.Errorf("%s got a copy and is called %s: %s", who, d.State, d.Reply)
		}
		switch d.State {
		case news.Delivered:
			v.sent++
		case news.Uncertain:
			if v.uncertain++; n == 0 {
				v.without++
			}
		default:
			v.other++
		}
	}
	return v
}

// ended waits until the issue is sent.
func (c *campaign) ended() {
	c.t.Helper()
	eventually(c.t, "the issue is sent", func() bool { return c.issue().State == "sent" })
}

// dice is a randomness that goroutines share.
type dice struct {
	mu sync.Mutex
	r  *rand.Rand
}

func (d *dice) n(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.r.IntN(n)
}

// upTo is a random time.
func (d *dice) upTo(most time.Duration) time.Duration {
	return time.Duration(d.n(int(most)))
}

// moment lets a random time pass: nothing is waited for, any moment will do.
func (d *dice) moment(most time.Duration) { <-time.After(d.upTo(most)) }

// unhurried makes the relay take up to most for each of its answers, so that all
// stages of a conversation are equally long.
func (s *sink) unhurried(random *dice, most time.Duration) {
	s.linger(func(string, string) { random.moment(most) })
}
