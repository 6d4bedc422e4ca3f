package websub_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"jianxun/internal/dial"
	"jianxun/internal/news"
	"jianxun/internal/store"
	"jianxun/internal/websub"
)

const (
	hubURL = "https://news.example.org/hub"
	topic  = "https://news.example.org/feeds/all.atom"
	other  = "https://news.example.org/feeds/all.json"
)

// clock stands still until it is moved.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 9, 28, 9, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// watched is a store that counts what is in hand and can be made to fail.
type watched struct {
	*store.Store
	settled chan news.HubVerdict

	mu      sync.Mutex
	claims  int
	settles int
	down    error
}

func (w *watched) ClaimHubRequest(ctx context.Context, lease time.Duration) (news.HubRequest, bool, error) {
	if err := w.claimed(false); err != nil {
		return news.HubRequest{}, false, err
	}
	r, found, err := w.Store.ClaimHubRequest(ctx, lease)
	return r, found, firstOf(err, w.claimed(found))
}

func (w *watched) ClaimHubPush(ctx context.Context, lease time.Duration) (news.HubPush, bool, error) {
	p, found, err := w.Store.ClaimHubPush(ctx, lease)
	return p, found, firstOf(err, w.claimed(found))
}

func (w *watched) SettleHubRequest(ctx context.Context, r news.HubRequest, v news.HubVerdict) error {
	err := w.Store.SettleHubRequest(ctx, r, v)
	w.settle(v)
	return err
}

func (w *watched) SettleHubPush(ctx context.Context, p news.HubPush, v news.HubVerdict) error {
	err := w.Store.SettleHubPush(ctx, p, v)
	w.settle(v)
	return err
}

func (w *watched) claimed(found bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if found {
		w.claims++
	}
	return w.down
}

func (w *watched) settle(v news.HubVerdict) {
	w.mu.Lock()
	w.settles++
	w.mu.Unlock()
	w.settled <- v
}

func (w *watched) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down = err
}

func (w *watched) counts() (claims, inHand int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.claims, w.claims - w.settles
}

func firstOf(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// site is a hub at work with all that belongs to it.
type site struct {
	*websub.Hub
	clock *clock
	store *watched
	log   *lockedBuffer
	ticks chan time.Time
	stop  func() // ends the work and waits for it

	mu     sync.Mutex
	pages  map[string]page
	broken error // why no document can be had
}

type page struct{ body, kind string }

// setup is what a test may want otherwise.
type setup struct {
	file   string // of the store
	clock  *clock
	limits websub.Limits
	allow  []netip.Prefix
}

func loopback() []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }

func start(t *testing.T, change ...func(*setup)) *site {
	t.Helper()
	with := setup{file: filepath.Join(t.TempDir(), "jianxun.db"), clock: newClock(), limits: websub.DefaultLimits(), allow: loopback()}
	for _, f := range change {
		f(&with)
	}
	kept, err := store.Open(t.Context(), "sqlite:"+with.file, with.clock.now)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{
		clock: with.clock, store: &watched{Store: kept, settled: make(chan news.HubVerdict, 1000)}, log: &lockedBuffer{}, ticks: make(chan time.Time),
		pages: map[string]page{topic: {"<feed>1</feed>", "application/atom+xml; charset=utf-8"}, other: {"{}", "application/feed+json"}},
	}
	s.Hub = websub.NewHub(websub.HubOptions{
		Store: s.store, URL: hubURL, Content: s.content, Limits: with.limits, Now: with.clock.now, Agent: "jianxun/test",
		Topic: func(topic string) bool { return s.page(topic) != page{} },
		// This client would follow redirects, and the hub must not.
		Client: dial.NewClient(dial.Options{Allow: with.allow, Timeout: time.Minute, Redirects: 5}),
		After:  func(time.Duration) <-chan time.Time { return s.ticks },
		Log:    slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	ctx, cancel := context.WithCancel(t.Context())
	var work sync.WaitGroup
	work.Go(func() { s.Run(ctx) })
	s.stop = func() { cancel(); work.Wait(); _ = kept.Close() }
	t.Cleanup(s.stop)
	return s
}

func (s *site) page(topic string) page {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pages[topic]
}

func (s *site) content(_ context.Context, topic string) ([]byte, string, error) {
	s.mu.Lock()
	err := s.broken
	s.mu.Unlock()
	if err != nil {
		return nil, "", err
	}
	p := s.page(topic)
	if p == (page{}) {
		return nil, "", news.Errorf(news.NotFound, "no such feed")
	}
	return []byte(p.body), p.kind, nil
}

// change puts a new document up and tells the hub.
func (s *site) change(t *testing.T, topic, body string) {
	t.Helper()
	s.mu.Lock()
	s.pages[topic] = page{body, s.pages[topic].kind}
	s.mu.Unlock()
	if err := s.Publish(t.Context(), []string{topic}); err != nil {
		t.Fatal(err)
	}
}

// round lets the hub look once for all that is due: the second tick is taken
// only when what the first set off has been started.
func (s *site) round() {
	s.ticks <- time.Time{}
	s.ticks <- time.Time{}
}

// calm waits until nothing is in hand and a whole round found nothing due.
func (s *site) calm() {
	for {
		before, busy := s.store.counts()
		s.round()
		if after, still := s.store.counts(); after == before && busy == 0 && still == 0 {
			return
		}
	}
}

// post sends a form to the hub and gives the answer.
func (s *site) post(form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/hub", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// ask sends a request that is to be accepted; more are pairs of names and values.
func (s *site) ask(t *testing.T, mode, callback string, more ...string) {
	t.Helper()
	form := url.Values{"hub.mode": {mode}, "hub.topic": {topic}, "hub.callback": {callback}}
	for pair := range slices.Chunk(more, 2) {
		form.Set(pair[0], pair[1])
	}
	if w := s.post(form); w.Code != http.StatusAccepted || w.Body.Len() > 0 {
		t.Fatalf("the hub answers %d %q, want 202 and nothing", w.Code, w.Body)
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
