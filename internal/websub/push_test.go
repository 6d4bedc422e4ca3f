package websub_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"jianxun/internal/news"
)

// Each push that ends makes room for the next: no timer ends a wait here.
func TestManyPushesToOneHostFollowEachOther(t *testing.T) {
	s, sub := start(t), newSubscriber(t)
	const many = 10
	for n := range many {
		s.ask(t, "subscribe", fmt.Sprint(sub.URL, "/", n))
	}
	for range many {
		<-s.store.settled
	}
	s.change(t, topic, "2")
	for range many {
		<-s.store.settled
	}
	if n := len(sub.pushes()); n != many {
		t.Errorf("%d pushes came, want %d", n, many)
	}
}

func TestAHangingCallbackHoldsUpNobodyElse(t *testing.T) {
	s, slow, quick := start(t), newSubscriber(t), subscribers(t, "127.0.0.2")
	release := make(chan struct{})
	defer close(release)
	for n := range 10 { // more than there are workers
		s.ask(t, "subscribe", fmt.Sprint(slow.URL, "/", n))
	}
	s.ask(t, "subscribe", quick.URL)
	s.calm()
	reached := make(chan struct{}, 10)
	slow.set(nil, func(http.ResponseWriter, *http.Request) { reached <- struct{}{}; <-release })
	took := make(chan struct{})
	quick.set(nil, func(http.ResponseWriter, *http.Request) { close(took) })
	s.change(t, topic, "2")
	<-reached
	<-took
	quick.wantPushes(t, "2")
	for _, inHand := s.store.counts(); inHand != 1; _, inHand = s.store.counts() { // until the quick one is recorded
		s.round()
	}
	s.round()
	if n := len(slow.pushes()); n != 1 {
		t.Errorf("%d pushes are on their way to one host at the same time, want 1", n)
	}
}

func TestHangingRequestsHoldUpNoPush(t *testing.T) {
	s, sub := start(t), newSubscriber(t)
	s.ask(t, "subscribe", sub.URL)
	s.calm()
	release, reached := make(chan struct{}), make(chan struct{})
	defer close(release)
	for n := range 8 {
		hanging := subscribers(t, fmt.Sprint("127.0.1.", n+1))
		hanging.set(func(http.ResponseWriter, *http.Request) {
			select {
			case reached <- struct{}{}:
			case <-release:
			}
			<-release
		}, nil)
		s.ask(t, "subscribe", hanging.URL)
	}
	for range 4 {
		<-reached // all workers for requests are busy
	}
	took := make(chan struct{})
	sub.set(nil, func(http.ResponseWriter, *http.Request) { close(took) })
	s.change(t, topic, "2")
	<-took
}

func TestAnExchangeIsBoundedInTime(t *testing.T) {
	for name, hang := range map[string]http.HandlerFunc{
		"before the answer": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"in the middle of it": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, sub := start(t, func(with *setup) { with.limits.Timeout = 20 * time.Millisecond }), newSubscriber(t)
			sub.set(hang, nil)
			s.ask(t, "subscribe", sub.URL)
			if got := <-s.store.settled; got != news.HubLater {
				t.Errorf("the request is %s, want later", got)
			}
		})
	}
}

func TestAFailedPushIsTriedAgainAndThenGivenUp(t *testing.T) {
	for name, fail := range map[string]http.HandlerFunc{
		"an error":  status(http.StatusInternalServerError),
		"a refusal": status(http.StatusForbidden),
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusPermanentRedirect)
		},
		"nothing": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			s, sub := start(t), newSubscriber(t)
			s.ask(t, "subscribe", sub.URL)
			s.calm()
			take := sub.take
			sub.set(nil, fail)
			s.change(t, topic, "2")
			s.calm()
			want := []string{"2"}
			for wait := time.Minute; len(want) < 8; wait *= 2 {
				s.clock.pass(wait/2 + wait/8) // less than the wait with the most jitter
				s.calm()
				sub.wantPushes(t, want...)
				s.clock.pass(wait/2 - wait/8)
				s.calm()
				want = append(want, "2")
				sub.wantPushes(t, want...)
			}
			s.clock.pass(24 * time.Hour)
			s.calm()
			sub.wantPushes(t, want...)

			sub.set(nil, take) // the subscription stays, and the next change is pushed
			s.change(t, topic, "3")
			s.calm()
			sub.wantPushes(t, append(want, "3")...)
			for _, p := range sub.pushes() {
				if p.path != "/" {
					t.Errorf("a redirect to %s was followed", p.path)
				}
			}
		})
	}
}

func TestGoneEndsASubscription(t *testing.T) {
	s, sub := start(t), newSubscriber(t)
	s.ask(t, "subscribe", sub.URL)
	s.calm()
	sub.set(nil, status(http.StatusGone))
	s.change(t, topic, "2")
	s.calm()
	sub.set(nil, status(http.StatusOK))
	s.change(t, topic, "3")
	s.calm()
	sub.wantPushes(t, "2")
}

func TestChangesWhileAPushWaitsBecomeOne(t *testing.T) {
	s, sub := start(t), newSubscriber(t)
	s.ask(t, "subscribe", sub.URL)
	s.calm()
	take := sub.take
	sub.set(nil, status(http.StatusServiceUnavailable))
	s.change(t, topic, "2")
	s.calm()
	s.change(t, topic, "3")
	s.change(t, topic, "4")
	s.calm()
	sub.wantPushes(t, "2")
	sub.set(nil, take)
	s.clock.pass(time.Minute)
	s.calm()
	sub.wantPushes(t, "2", "4")
}

func TestAChangeDuringAPushIsNotLost(t *testing.T) {
	s, sub := start(t), newSubscriber(t)
	s.ask(t, "subscribe", sub.URL)
	s.calm()
	take, reached, release := sub.take, make(chan struct{}), make(chan struct{})
	sub.set(nil, func(http.ResponseWriter, *http.Request) { close(reached); <-release })
	s.change(t, topic, "2")
	<-reached
	sub.set(nil, take)
	s.change(t, topic, "3")
	s.change(t, topic, "4")
	close(release)
	s.calm()
	sub.wantPushes(t, "2", "4")
}

func TestTheSameDocumentIsPushedOnce(t *testing.T) {
	s, sub := start(t), newSubscriber(t)
	s.ask(t, "subscribe", sub.URL)
	s.calm()
	for _, body := range []string{"2", "2", "3", "3", "2"} {
		s.change(t, topic, body)
		s.calm()
	}
	sub.wantPushes(t, "2", "3", "2")
}

func TestAFeedThatIsNoMoreIsNotPushed(t *testing.T) {
	s, sub := start(t), newSubscriber(t)
	s.ask(t, "subscribe", sub.URL)
	s.calm()
	s.mu.Lock()
	delete(s.pages, topic)
	s.mu.Unlock()
	if err := s.Publish(t.Context(), []string{topic}); err != nil {
		t.Fatal(err)
	}
	s.calm()
	sub.wantPushes(t)
	s.change(t, topic, "back")
	s.calm()
	sub.wantPushes(t, "back")
}

// Whatever the reason is called, it is ours and ends nobody's subscription.
func TestADocumentThatCannotBeHadIsPushedLater(t *testing.T) {
	for _, code := range []news.ErrorCode{news.Unavailable, news.Conflict, news.Refused} {
		s, sub := start(t), newSubscriber(t)
		s.ask(t, "subscribe", sub.URL)
		s.calm()
		s.mu.Lock()
		s.broken = news.Errorf(code, "the shelf is empty")
		s.mu.Unlock()
		s.change(t, topic, "2")
		s.calm()
		s.mu.Lock()
		s.broken = nil
		s.mu.Unlock()
		s.clock.pass(time.Minute)
		s.calm()
		sub.wantPushes(t, "2")
	}
}

func TestAPushBrokenOffByTheEndCostsNoAttempt(t *testing.T) {
	s, sub := start(t), newSubscriber(t)
	s.ask(t, "subscribe", sub.URL)
	s.calm()
	reached, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	sub.set(nil, func(http.ResponseWriter, *http.Request) { close(reached); <-release })
	s.change(t, topic, "2")
	<-reached
	<-s.store.settled // of the request
	s.stop()
	if got := <-s.store.settled; got != news.HubLater || strings.Contains(s.log.String(), "tried again") {
		t.Errorf("the push is %s:\n%s", got, s.log)
	}
}

func TestTheHubWorksAgainWhenTheStoreDoes(t *testing.T) {
	s, sub := start(t), newSubscriber(t)
	s.store.fail(errors.New("disk full"))
	s.round()
	s.ask(t, "subscribe", sub.URL)
	s.round()
	s.round()
	s.store.fail(nil)
	s.calm()
	if n := len(sub.questions()); n != 1 {
		t.Errorf("asked %d times, want 1", n)
	}
	if n := strings.Count(s.log.String(), "level=ERROR"); n != 1 {
		t.Errorf("the trouble is logged %d times, want once:\n%s", n, s.log)
	}
}
