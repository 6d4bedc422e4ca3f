package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"jianxun/internal/pgtest"
)

// outage is a way to lose the database.
type outage struct {
	name      string
	cut, heal func(*pgtest.Cluster, *proxy) error
	others    bool // can reach the database meanwhile
}

// Bounds of what a replica does without its database.
const (
	prompt  = 2 * time.Second  // what is in memory
	bounded = 15 * time.Second // what has to ask: patience with the store is 10 s
)

// TestReplicaCutOffFromTheDatabase takes the database away in the middle of an
// issue. What was taken by the relay was recorded before, readers are served, and
// when the database is back the replica goes on by itself.
func TestReplicaCutOffFromTheDatabase(t *testing.T) {
	t.Parallel()
	for _, o := range []outage{
		{"Refused", func(_ *pgtest.Cluster, p *proxy) error { p.refuse(); return nil }, func(_ *pgtest.Cluster, p *proxy) error { return p.heal() }, true},
		{"BlackHole", func(_ *pgtest.Cluster, p *proxy) error { p.swallow(); return nil }, func(_ *pgtest.Cluster, p *proxy) error { return p.heal() }, true},
		{"Frozen", func(c *pgtest.Cluster, _ *proxy) error { return c.Freeze() }, func(c *pgtest.Cluster, _ *proxy) error { return c.Thaw() }, false},
	} {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			cutOff(t, o)
		})
	}
}

func cutOff(t *testing.T, o outage) {
	const people = 300
	cluster := pgtest.Own(t, pgtest.Options{Durable: true})
	store, err := cluster.Database()
	if err != nil {
		t.Fatal(err)
	}
	p := newProxy(t, cluster.Port())
	desk := queued(t, store, people)
	relay := newSink(t, "")
	relay.slow(time.Second) // until the replica is up
	replica := newReplica(t, strings.Replace(store, fmt.Sprintf("127.0.0.1:%d", cluster.Port()), p.addr, 1), relay.addr, people)
	d := replica.serve()
	article := "/articles/" + desk.articleID("第003号案件办结")
	before, feed := get(t, replica.url("/feeds/all.atom"))
	relay.slow(20 * time.Millisecond) // there are mails in every stage
	relay.wait(t, 20)

	if err := o.cut(cluster, p); err != nil {
		t.Fatal(err)
	}
	since, taken := time.Now(), len(relay.all())
	var recorded []string
	if o.others {
		recorded = ask(t, store, `SELECT s.email FROM deliveries d JOIN subscribers s ON s.id = d.subscriber_id WHERE d.state IN ('committing', 'sent')`)
		desk.page(8)
		desk.must("ingest", "pages")
	}
	errorPages(t, replica, article, "/", "/issues/weekly", "/search?q=%E6%A3%80%E5%AF%9F")
	saysSo(t, replica)
	eventually(t, "the sending of mail finds out", func() bool {
		said := d.output()
		return strings.Contains(said, "cannot be recorded yet") || strings.Contains(said, "does not take the record of a mail")
	})
	if soaking() {
		eventually(t, "the cut outlasts a lease", func() bool { return time.Since(since) > 40*time.Second })
	}
	stillServes(t, replica, before.Header.Get("ETag"), feed)
	late := relay.all()[taken:]
	if len(late) > connections {
		t.Errorf("%d mails were taken after the cut, through %d connections", len(late), connections)
	}
	for _, m := range relay.all() {
		if o.others && !slices.Contains(recorded, m.to) {
			t.Errorf("%s has a mail that was not recorded first", m.to)
		}
	}
	t.Logf("cut for %v; mails before it: %d, just after it: %d", time.Since(since).Round(time.Millisecond), taken, len(late))

	relay.slow(0)
	if err := o.heal(cluster, p); err != nil {
		t.Fatal(err)
	}
	recovers(t, desk, replica, relay, people)
}

// saysSo asks whether the replica is ready, until it is not.
func saysSo(t *testing.T, replica *site) {
	t.Helper()
	var state struct {
		Ready  bool
		Store  string
		Behind time.Time `json:"feeds_behind_since"`
	}
	eventually(t, "it says that it is not ready, and since when its feeds are behind", func() bool {
		asked := time.Now()
		resp, body := get(t, fmt.Sprintf("http://127.0.0.1:%d/readyz", replica.ops))
		if took := time.Since(asked); took > 2*prompt {
			t.Errorf("/readyz took %v", took)
		}
		if err := json.Unmarshal([]byte(body), &state); err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode == http.StatusServiceUnavailable && !state.Behind.IsZero()
	})
	if state.Ready || !strings.Contains(state.Store, "does not answer") {
		t.Errorf("/readyz says %+v", state)
	}
}

// stillServes asks for a feed as readers do.
func stillServes(t *testing.T, replica *site, tag, feed string) {
	t.Helper()
	for range 5 {
		asked := time.Now()
		resp, body := get(t, replica.url("/feeds/all.atom"))
		again, _ := get(t, replica.url("/feeds/all.atom"), "If-None-Match", tag)
		if resp.StatusCode != http.StatusOK || body != feed || again.StatusCode != http.StatusNotModified {
			t.Errorf("the feed: %s, and then %s", resp.Status, again.Status)
		}
		if took := time.Since(asked); took > prompt {
			t.Errorf("the feed took %v", took)
		}
	}
}

// errorPages asks for pages that need the store, all at once.
func errorPages(t *testing.T, replica *site, paths ...string) {
	t.Helper()
	asked := time.Now()
	var asking sync.WaitGroup
	for _, path := range paths {
		asking.Go(func() {
			resp, err := http.Get(replica.url(path))
			if err != nil {
				t.Error(err)
				return
			}
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusServiceUnavailable || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
				t.Errorf("%s: %s", path, resp.Status)
			}
			if took := time.Since(asked); took > bounded {
				t.Errorf("%s took %v", path, took)
			}
		})
	}
	asking.Wait()
	t.Logf("error pages within %v", time.Since(asked).Round(time.Millisecond))
}

// recovers waits until everything is as if the database had never been away.
func recovers(t *testing.T, desk, replica *site, relay *sink, people int) {
	t.Helper()
	healed := time.Now()
	desk.page(9)
	desk.must("ingest", "pages")
	eventually(t, "a new article is in the feed", func() bool {
		_, feed := get(t, replica.url("/feeds/all.atom"))
		return strings.Contains(feed, "第009号案件办结")
	})
	t.Logf("a new article was visible %v after the cut", time.Since(healed).Round(time.Millisecond))
	eventually(t, "the issue is sent", func() bool { return desk.issue().State == "sent" })
	t.Logf("the issue was sent %v after the cut", time.Since(healed).Round(time.Millisecond))
	if is := desk.issue(); is.Deliveries.Sent != people {
		t.Errorf("%+v", is.Deliveries)
	}
	for i := range people {
		if n := relay.copies()[person(i)]; n != 1 {
			t.Errorf("%s got %d copies", person(i), n)
		}
	}
	eventually(t, "it is ready again", func() bool {
		resp, body := get(t, fmt.Sprintf("http://127.0.0.1:%d/readyz", replica.ops))
		return resp.StatusCode == http.StatusOK && !strings.Contains(body, "feeds_behind_since")
	})
}
