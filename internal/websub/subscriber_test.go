package websub_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"
)

// subscriber is a server that confirms and takes everything, and notes it.
type subscriber struct {
	*httptest.Server
	mu      sync.Mutex
	asked   []*http.Request // with the raw query of the question
	pushed  []push
	confirm http.HandlerFunc
	take    http.HandlerFunc
}

type push struct {
	http.Header
	path, body string
}

func subscribers(t *testing.T, address string) *subscriber {
	t.Helper()
	s := &subscriber{
		confirm: func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.FormValue("hub.challenge")) },
		take:    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
	}
	l, err := net.Listen("tcp", address+":0")
	if err != nil {
		t.Fatal(err)
	}
	s.Server = &httptest.Server{Listener: l, Config: &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}}
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func newSubscriber(t *testing.T) *subscriber { return subscribers(t, "127.0.0.1") }

func (s *subscriber) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	answer := s.take
	if r.Method == http.MethodGet {
		answer = s.confirm
		s.asked = append(s.asked, r)
	} else {
		s.pushed = append(s.pushed, push{r.Header, r.URL.RequestURI(), string(body)})
	}
	s.mu.Unlock()
	answer(w, r)
}

func (s *subscriber) set(confirm, take http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if confirm != nil {
		s.confirm = confirm
	}
	if take != nil {
		s.take = take
	}
}

func (s *subscriber) questions() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

func (s *subscriber) pushes() []push {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.pushed)
}

// wantPushes expects the bodies that came, in order.
func (s *subscriber) wantPushes(t *testing.T, bodies ...string) {
	t.Helper()
	got := []string{}
	for _, p := range s.pushes() {
		got = append(got, p.body)
	}
	if fmt.Sprint(got) != fmt.Sprint(bodies) {
		t.Errorf("%d pushes came: %q, want %q", len(got), got, bodies)
	}
}

// status answers with a status and nothing else.
func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}
