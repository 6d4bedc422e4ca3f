package store

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"jianxun/internal/news"
)

const (
	hubTopic = "https://news.example.org/feeds/all.atom"
	hubLease = time.Minute // of a claim
)

func roomy() news.HubBounds {
	return news.HubBounds{Subscriptions: 1000, PerHost: 1000, Pending: 1000}
}

// hubRequest is one of a subscriber of its own host.
func hubRequest(mode news.HubMode, name string) news.HubRequest {
	host := name + ".example.net"
	return news.HubRequest{Mode: mode, Topic: hubTopic, Callback: "https://" + host + "/cb", Host: host, Secret: "s", Lease: time.Hour}
}

func (s fixture) askHub(t testing.TB, r news.HubRequest) {
	t.Helper()
	wantCode(t, s.AddHubRequest(t.Context(), r, roomy()), "")
}

// request claims the request that is due, which is to be of the host.
func (s fixture) request(t testing.TB, name string) news.HubRequest {
	t.Helper()
	r, found, err := s.ClaimHubRequest(t.Context(), hubLease)
	if err != nil || found != (name != "") || found && r.Host != name+".example.net" {
		t.Fatalf("claimed %+v, %t, %v; want one of %q", r, found, err, name)
	}
	return r
}

// push claims the push that is due, which is to be for the subscriber.
func (s fixture) push(t testing.TB, name string) news.HubPush {
	t.Helper()
	p, found, err := s.ClaimHubPush(t.Context(), hubLease)
	if err != nil || found != (name != "") || found && p.Callback != "https://"+name+".example.net/cb" {
		t.Fatalf("claimed %+v, %t, %v; want one for %q", p, found, err, name)
	}
	return p
}

func (s fixture) settleRequest(t testing.TB, r news.HubRequest, v news.HubVerdict) {
	t.Helper()
	wantCode(t, s.SettleHubRequest(t.Context(), r, v), "")
}

func (s fixture) settlePush(t testing.TB, p news.HubPush, v news.HubVerdict) {
	t.Helper()
	wantCode(t, s.SettleHubPush(t.Context(), p, v), "")
}

func (s fixture) mark(t testing.TB, topics ...string) {
	t.Helper()
	wantCode(t, s.MarkHubTopics(t.Context(), topics), "")
}

// subscribed puts a subscription of an hour in force.
func (s fixture) subscribed(t testing.TB, name string) {
	t.Helper()
	s.askHub(t, hubRequest(news.HubSubscribe, name))
	s.confirm(t, name, s.clock.now().Add(time.Hour))
}

func (s fixture) confirm(t testing.TB, name string, expires time.Time) {
	t.Helper()
	r := s.request(t, name)
	r.Expires = expires
	s.settleRequest(t, r, news.HubDone)
}

func TestAHubRequestIsKeptWhole(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		want := hubRequest(news.HubSubscribe, "a")
		want.Callback += "?" + strings.Repeat("列", 600)
		want.Secret = "\x00\xff密"
		s.askHub(t, want)
		again := fixture{handle(t, s.address, s.clock), s.clock, s.address}
		got := again.request(t, "a")
		if want.ID = got.ID; got != want || got.ID == 0 {
			t.Errorf("the request is %+v, want %+v", got, want)
		}
	})
}

func TestAHubRequestIsClaimedOnceAndAgainWhenItsHolderDied(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.askHub(t, hubRequest(news.HubSubscribe, "a"))
		s.request(t, "a")
		s.clock.pass(hubLease - time.Millisecond)
		s.request(t, "")
		s.clock.pass(time.Millisecond)
		r := s.request(t, "a")
		r.Attempts, r.Next = 3, s.clock.now().Add(time.Hour)
		s.settleRequest(t, r, news.HubLater)
		s.clock.pass(time.Hour - time.Millisecond)
		s.request(t, "")
		s.clock.pass(time.Millisecond)
		if r = s.request(t, "a"); r.Attempts != 3 {
			t.Errorf("%d attempts are known, want 3", r.Attempts)
		}
		s.settleRequest(t, r, news.HubDropped)
		s.clock.pass(time.Hour)
		s.request(t, "")
		s.mark(t, hubTopic)
		s.push(t, "") // nothing came into force
	})
}

func TestANewerHubRequestReplacesAnOlder(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.askHub(t, hubRequest(news.HubSubscribe, "a"))
		older := s.request(t, "a")
		s.askHub(t, hubRequest(news.HubUnsubscribe, "a"))
		s.request(t, "") // its host is still being asked
		older.Expires = s.clock.now().Add(time.Hour)
		s.settleRequest(t, older, news.HubDone)
		s.mark(t, hubTopic)
		s.push(t, "")
		newer := s.request(t, "a")
		if newer.Mode != news.HubUnsubscribe || newer.ID == older.ID {
			t.Errorf("the request is %+v", newer)
		}
		s.settleRequest(t, newer, news.HubDone)
		s.askHub(t, hubRequest(news.HubSubscribe, "a"))
		s.settleRequest(t, newer, news.HubDropped) // too late: that one is done
		s.request(t, "a")
	})
}

func TestTheHubKeepsItsBounds(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		bounds := news.HubBounds{Subscriptions: 4, PerHost: 2, Pending: 3}
		ask := func(host, callback string, want news.ErrorCode) {
			t.Helper()
			r := hubRequest(news.HubSubscribe, host)
			r.Callback += callback
			wantCode(t, s.AddHubRequest(t.Context(), r, bounds), want)
		}
		s.subscribed(t, "a")
		ask("a", "/2", "")
		ask("a", "/3", news.Refused) // one in force, one waiting
		ask("a", "", "")             // a renewal
		ask("a", "", "")             // and once more
		ask("b", "", "")
		ask("c", "", news.TooLarge) // three wait
		s.clock.pass(time.Millisecond)
		for _, name := range []string{"a", "a", "b"} {
			s.confirm(t, name, s.clock.now().Add(time.Hour))
		}
		ask("c", "", "")
		ask("d", "", news.TooLarge) // four in all
		ask("b", "", "")            // known ones still find room
		s.clock.pass(time.Hour)
		s.push(t, "") // the leases have run out
		ask("d", "", "")
	})
}

func TestOneRequestAndOnePushOfAHostAtATime(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		for _, path := range []string{"", "/2"} {
			r := hubRequest(news.HubSubscribe, "a")
			r.Callback += path
			s.askHub(t, r)
		}
		s.askHub(t, hubRequest(news.HubSubscribe, "b"))
		a, b := s.request(t, "a"), s.request(t, "b")
		s.request(t, "")
		for _, r := range []news.HubRequest{a, b} {
			r.Expires = s.clock.now().Add(time.Hour)
			s.settleRequest(t, r, news.HubDone)
		}
		s.confirm(t, "a", s.clock.now().Add(time.Hour))
		s.mark(t, hubTopic)
		first := s.push(t, "a")
		s.push(t, "b")
		s.push(t, "")
		s.settlePush(t, first, news.HubDone)
		if p, found, err := s.ClaimHubPush(t.Context(), hubLease); err != nil || p.Callback != "https://a.example.net/cb/2" {
			t.Errorf("claimed %+v, %t, %v", p, found, err)
		}
	})
}

func TestAPushIsDueUntilItIsTaken(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.subscribed(t, "a")
		s.push(t, "")
		s.mark(t, "https://news.example.org/feeds/another.atom")
		s.push(t, "")
		s.mark(t, hubTopic)
		s.mark(t, hubTopic)
		p := s.push(t, "a")
		if p.Secret != "s" || p.Topic != hubTopic || p.Document != "" {
			t.Errorf("the push is %+v", p)
		}
		p.Attempts, p.Next = 1, s.clock.now().Add(10*time.Minute)
		s.settlePush(t, p, news.HubLater)
		s.mark(t, hubTopic) // does not shorten the wait
		s.push(t, "")
		s.clock.pass(10 * time.Minute)
		if p = s.push(t, "a"); p.Attempts != 1 {
			t.Errorf("%d attempts are known, want 1", p.Attempts)
		}
		p.Document = "hash"
		s.settlePush(t, p, news.HubDone)
		s.push(t, "")
		s.mark(t, hubTopic)
		if p = s.push(t, "a"); p.Document != "hash" || p.Attempts != 0 {
			t.Errorf("the next push is %+v", p)
		}
	})
}

func TestAMarkDuringAPushIsNotLost(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.subscribed(t, "a")
		s.mark(t, hubTopic)
		for _, verdict := range []news.HubVerdict{news.HubDone, news.HubDropped} {
			p := s.push(t, "a")
			p.Attempts = 7
			s.mark(t, hubTopic)
			s.push(t, "") // still on its way
			s.settlePush(t, p, verdict)
		}
		p := s.push(t, "a")
		if p.Attempts != 0 {
			t.Errorf("a new change begins with %d attempts", p.Attempts)
		}
		s.settlePush(t, p, news.HubDropped)
		s.push(t, "")
	})
}

func TestAPushThatIsSettledTwiceStaysSettled(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.subscribed(t, "a")
		s.mark(t, hubTopic)
		slow := s.push(t, "a")
		s.clock.pass(hubLease) // its holder was only slow
		heir := s.push(t, "a")
		s.settlePush(t, heir, news.HubDone)
		slow.Attempts, slow.Next = 7, s.clock.now()
		s.settlePush(t, slow, news.HubLater)
		s.push(t, "")
		s.mark(t, hubTopic)
		slow.Next = s.clock.now().Add(time.Hour)
		s.settlePush(t, slow, news.HubLater) // is not about the new change
		if p := s.push(t, "a"); p.Attempts != 0 {
			t.Errorf("%d attempts are known, want 0", p.Attempts)
		}
	})
}

func TestAHubSubscriptionEnds(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		for _, name := range []string{"expired", "gone", "unsubscribed", "renewed"} {
			s.subscribed(t, name)
		}
		s.mark(t, hubTopic)
		s.push(t, "expired") // and its holder dies
		s.settlePush(t, s.push(t, "gone"), news.HubGone)
		s.askHub(t, hubRequest(news.HubUnsubscribe, "unsubscribed"))
		s.confirm(t, "unsubscribed", time.Time{})
		renewal := hubRequest(news.HubSubscribe, "renewed")
		renewal.Secret = "new"
		s.askHub(t, renewal)
		s.confirm(t, "renewed", s.clock.now().Add(2*time.Hour))
		s.clock.pass(time.Hour)
		s.mark(t, hubTopic)
		p := s.push(t, "renewed")
		if p.Secret != "new" {
			t.Errorf("the secret is %q, want the new one", p.Secret)
		}
		s.settlePush(t, p, news.HubDone)
		s.push(t, "")
		s.wantSubscriptions(t, 1)
		s.clock.pass(time.Hour)
		s.push(t, "")
		s.wantSubscriptions(t, 0)
	})
}

func (s fixture) wantSubscriptions(t testing.TB, want int) {
	t.Helper()
	var n int
	if err := s.read.QueryRowContext(t.Context(), `SELECT count(*) FROM hub_subscriptions`).Scan(&n); err != nil || n != want {
		t.Errorf("%d subscriptions are kept, %v; want %d", n, err, want)
	}
}

func TestARenewalEndsTheWaitOfAPush(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.subscribed(t, "a")
		s.mark(t, hubTopic)
		p := s.push(t, "a")
		p.Attempts, p.Next = 5, s.clock.now().Add(30*time.Minute)
		s.settlePush(t, p, news.HubLater)
		s.subscribed(t, "a")
		if p = s.push(t, "a"); p.Attempts != 0 {
			t.Errorf("%d attempts are known, want 0", p.Attempts)
		}
	})
}

func TestManyClaimersTakeEachPushOnce(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		const subscribers = 50
		for n := range subscribers {
			s.subscribed(t, fmt.Sprint("s", n))
		}
		s.mark(t, hubTopic)
		handles := []*Store{s.Store, handle(t, s.address, s.clock)}
		var mu sync.Mutex
		got := map[string]int{}
		var wg sync.WaitGroup
		for n := range 4 {
			wg.Go(func() {
				for {
					p, found, err := handles[n%2].ClaimHubPush(t.Context(), hubLease)
					if err != nil || !found {
						if err != nil {
							t.Error(err)
						}
						return
					}
					mu.Lock()
					got[p.Callback]++
					mu.Unlock()
					if err := handles[n%2].SettleHubPush(t.Context(), p, news.HubDone); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		for callback, n := range got {
			if n != 1 {
				t.Errorf("%s was pushed to %d times", callback, n)
			}
		}
		if len(got) != subscribers {
			t.Errorf("%d were pushed to, want %d", len(got), subscribers)
		}
	})
}
