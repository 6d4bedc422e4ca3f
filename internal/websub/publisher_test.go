package websub_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"jianxun/internal/dial"
	"jianxun/internal/news"
	"jianxun/internal/websub"
)

// publisher is one at work, with a clock that moves when it waits.
type publisher struct {
	*websub.Publisher
	clock *clock
	waits chan time.Duration // asked for
	ticks chan time.Time     // ends a wait
	log   *lockedBuffer
}

func publish(t *testing.T, hubs ...string) publisher {
	t.Helper()
	p := publisher{clock: newClock(), waits: make(chan time.Duration, 100), ticks: make(chan time.Time), log: &lockedBuffer{}}
	p.Publisher = websub.NewPublisher(websub.PublisherOptions{
		Hubs: hubs, Client: dial.NewClient(dial.Options{Allow: loopback(), Timeout: time.Minute, Redirects: 5}), Agent: "jianxun/test", Now: p.clock.now,
		After: func(d time.Duration) <-chan time.Time { p.waits <- d; return p.ticks },
		Log:   slog.New(slog.NewTextHandler(p.log, nil)),
	})
	return p
}

func (p publisher) start(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var work sync.WaitGroup
	work.Go(func() { p.Run(ctx) })
	t.Cleanup(func() { cancel(); work.Wait() })
}

func (p publisher) tell(t *testing.T, topics ...string) {
	t.Helper()
	if err := p.Publish(t.Context(), topics); err != nil {
		t.Error(err)
	}
}

// nextTry expects a wait of d, less a jitter of a quarter at most, and ends it.
func (p publisher) nextTry(t *testing.T, d time.Duration) {
	t.Helper()
	if got := <-p.waits; got > d || got < d*3/4 {
		t.Errorf("the next try is in %v, want %v less a quarter at most", got, d)
	}
	p.clock.pass(d)
	p.ticks <- time.Time{}
}

// elsewhere is a hub of somebody else. It waits for a status to answer each
// notice with.
type elsewhere struct {
	*httptest.Server
	told   chan notice
	answer chan int
}

type notice struct {
	url.Values
	kind string
}

func newElsewhere(t *testing.T) elsewhere {
	e := elsewhere{told: make(chan notice), answer: make(chan int)}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		form, _ := url.ParseQuery(string(body))
		select {
		case e.told <- notice{form, r.Header.Get("Content-Type")}:
		case <-r.Context().Done():
			return
		}
		select {
		case code := <-e.answer:
			w.Header().Set("Location", e.URL+"/moved")
			w.WriteHeader(code)
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(e.Close)
	return e
}

// want expects a notice of the topic and answers it.
func (e elsewhere) want(t *testing.T, topic string, code int) {
	t.Helper()
	if got := <-e.told; got.Get("hub.url") != topic {
		t.Errorf("told of %s, want %s", got.Get("hub.url"), topic)
	}
	e.answer <- code
}

func TestEveryHubIsToldOfEveryTopic(t *testing.T) {
	one, two := newElsewhere(t), newElsewhere(t)
	p := publish(t, one.URL, two.URL)
	p.start(t)
	p.tell(t, topic, other)
	for _, e := range []elsewhere{one, two} {
		for _, want := range []string{topic, other} {
			got := <-e.told
			e.answer <- http.StatusNoContent
			if fmt.Sprint(got.Values) != fmt.Sprintf("map[hub.mode:[publish] hub.topic:[%s] hub.url:[%s]]", want, want) || got.kind != formKind {
				t.Errorf("told %v as %s, want of %s", got.Values, got.kind, want)
			}
		}
	}
}

func TestAHubThatFailsIsToldAgain(t *testing.T) {
	e := newElsewhere(t)
	p := publish(t, e.URL)
	p.start(t)
	p.tell(t, topic)
	e.want(t, topic, http.StatusServiceUnavailable)
	p.nextTry(t, 10*time.Second)
	e.want(t, topic, http.StatusTooManyRequests)
	p.nextTry(t, 20*time.Second)
	e.want(t, topic, http.StatusAccepted)
	p.tell(t, other) // which finds nothing waiting before it
	e.want(t, other, http.StatusAccepted)
	log := p.log.String()
	if strings.Count(log, "WARN") != 1 || strings.Count(log, "INFO") != 1 {
		t.Errorf("the trouble is to be logged once, and its end:\n%s", log)
	}
}

func TestAHubIsToldSomeTimesAndThenNoMore(t *testing.T) {
	e := newElsewhere(t)
	p := publish(t, e.URL)
	p.start(t)
	p.tell(t, topic)
	for try := range 8 {
		if try > 0 {
			p.nextTry(t, 10*time.Second<<(try-1))
		}
		e.want(t, topic, http.StatusInternalServerError)
	}
	p.tell(t, other)
	e.want(t, other, http.StatusOK)
	if !strings.Contains(p.log.String(), "was not told") {
		t.Errorf("giving up is not logged:\n%s", p.log)
	}
}

func TestARefusalOfAHubIsTakenForFinal(t *testing.T) {
	e := newElsewhere(t)
	p := publish(t, e.URL, "http://192.168.0.1/hub", "nonsense:")
	p.start(t)
	for _, code := range []int{http.StatusBadRequest, http.StatusNotFound, http.StatusPermanentRedirect} {
		p.tell(t, topic)
		e.want(t, topic, code)
	}
	p.tell(t, topic, other)
	e.want(t, topic, http.StatusOK)
	e.want(t, other, http.StatusOK)
}

func TestAChangeThatWaitsIsToldOnce(t *testing.T) {
	e := newElsewhere(t)
	p := publish(t, e.URL)
	p.tell(t, topic, topic)
	p.tell(t, topic)
	p.start(t)
	<-e.told
	for range 3 { // changes after the hub may have looked: it must look again
		p.tell(t, topic)
	}
	p.tell(t, other)
	e.answer <- http.StatusOK
	e.want(t, topic, http.StatusOK)
	e.want(t, other, http.StatusOK)
}

func TestANewChangeGivesANoticeItsTriesBack(t *testing.T) {
	e := newElsewhere(t)
	p := publish(t, e.URL)
	p.start(t)
	p.tell(t, topic)
	for try := range 7 {
		if try > 0 {
			p.nextTry(t, 10*time.Second<<(try-1))
		}
		e.want(t, topic, http.StatusInternalServerError)
	}
	wait := <-p.waits
	p.tell(t, topic) // does not shorten the wait
	p.clock.pass(wait)
	p.ticks <- time.Time{}
	e.want(t, topic, http.StatusInternalServerError)
	p.nextTry(t, 10*time.Second)
	e.want(t, topic, http.StatusOK)
}

func TestAHangingHubHoldsUpNoOther(t *testing.T) {
	hanging, quick := newElsewhere(t), newElsewhere(t)
	p := publish(t, hanging.URL, quick.URL)
	p.start(t)
	p.tell(t, topic)
	<-hanging.told
	quick.want(t, topic, http.StatusOK)
	p.tell(t, other)
	quick.want(t, other, http.StatusOK)
}

func TestPublishingNeverBlocks(t *testing.T) {
	p := publish(t, "https://hub.example.net/") // and nobody works
	for n := range 1000 {
		p.tell(t, fmt.Sprint(topic, n))
	}
	if err := p.Publish(t.Context(), []string{topic}); err == nil || news.CodeOf(err) != news.TooLarge {
		t.Errorf("one too many: %v", err)
	}
	p.tell(t, topic+"7") // waits already
}
