package web

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"
)

// minimal is the least that net/http can do to give the same answer: it knows
// beforehand which coding comes.
type minimal struct{ c *coding }

func (m minimal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	if r.Header.Get("If-None-Match") == m.c.etag {
		for _, f := range m.c.same {
			h[f.name] = f.value
		}
		w.WriteHeader(http.StatusNotModified)
		return
	}
	for _, f := range m.c.full {
		h[f.name] = f.value
	}
	_, _ = w.Write(m.c.body)
}

// rounds is how many requests go to one handler before it is the other's turn.
const rounds = 50

// BenchmarkFeed compares our whole handler with the minimal one, in one run and
// by turns, over a connection each that is kept open. ratio is the minimal
// one's time by ours: the goal is 0.95.
func BenchmarkFeed(b *testing.B) {
	s := filled(b, 50, func(set *Settings) {
		set.Limits = Limits{Feeds: 300, Searches: 60, Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}}
	})
	doc := s.state.Load().shelf.documents["all.rss"]
	last := len(doc.codings) - 1
	for name, c := range map[string]struct {
		coding *coding
		fields []string
		status int
	}{
		"200 plain": {&doc.codings[last], []string{"Accept-Encoding: identity"}, 200},
		"200 gzip":  {&doc.codings[last-1], []string{"Accept-Encoding: gzip"}, 200},
		"304":       {&doc.codings[last-1], []string{"Accept-Encoding: gzip", "If-None-Match: " + doc.codings[last-1].etag}, 304},
	} {
		b.Run(name, func(b *testing.B) {
			ours, theirs := newVisitor(b, s, c.status, c.fields), newVisitor(b, minimal{c.coding}, c.status, c.fields)
			for first, second := ours, theirs; b.Loop(); first, second = second, first { // neither always goes first
				first.visit(b)
				second.visit(b)
			}
			b.ReportMetric(float64(theirs.took)/float64(ours.took), "ratio")
			b.ReportMetric(float64(ours.took.Nanoseconds())/float64(b.N*rounds), "ns/request")
		})
	}
}

// visitor asks one handler again and again, with as little work of its own as
// can be, so that what is measured is the handler.
type visitor struct {
	conn     net.Conn
	request  []byte
	response []byte // room for a whole answer
	took     time.Duration
}

func newVisitor(b *testing.B, h http.Handler, status int, fields []string) *visitor {
	b.Helper()
	srv := httptest.NewServer(h)
	b.Cleanup(srv.Close)
	return newVisitorOf(b, srv.URL, status, fields)
}

func newVisitorOf(b *testing.B, server string, status int, fields []string) *visitor {
	b.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, server+"/feeds/all.rss", nil)
	if err != nil {
		b.Fatal(err)
	}
	text := "GET /feeds/all.rss HTTP/1.1\r\nHost: news.example.org\r\n"
	for _, f := range fields {
		text += f + "\r\n"
	}
	v := &visitor{request: []byte(text + "\r\n")}
	if v.conn, err = net.Dial("tcp", r.URL.Host); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = v.conn.Close() })
	v.learn(b, r, status)
	return v
}

// learn finds out how long an answer is: all are, as the date has one length.
func (v *visitor) learn(b *testing.B, r *http.Request, status int) {
	b.Helper()
	if _, err := v.conn.Write(v.request); err != nil {
		b.Fatal(err)
	}
	var seen bytes.Buffer
	res, err := http.ReadResponse(bufio.NewReader(io.TeeReader(v.conn, &seen)), r)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != status {
		b.Fatalf("status %d, want %d; %v", res.StatusCode, status, err)
	}
	v.response = seen.Bytes()
}

func (v *visitor) visit(b *testing.B) {
	begin := time.Now()
	for range rounds {
		if _, err := v.conn.Write(v.request); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(v.conn, v.response); err != nil {
			b.Fatal(err)
		}
	}
	v.took += time.Since(begin)
}
