package web

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"testing"
	"time"
)

// from asks as a client does that has the address, through the proxies that
// the further fields tell of.
func (s *site) from(remote, target string, fields ...string) *http.Response {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.RemoteAddr = remote
	return s.send(r, fields...)
}

// limited is a site that gives a client so many feeds and searches a minute,
// behind proxies on this machine and in 10.0.0.0/8.
func limited(feeds, searches int) func(*Settings) {
	return func(set *Settings) {
		set.Limits = Limits{Feeds: feeds, Searches: searches, Proxies: []netip.Prefix{
			netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}}
	}
}

// reader is the address of some client, and neighbour that of another.
const (
	reader    = "203.0.113.7:40000"
	neighbour = "203.0.113.8:40000"
)

func TestRequirement27OnlyUnconditionalRequestsAreLimited(t *testing.T) {
	s := filled(t, 3, limited(2, 0))
	s.set(monday.Add(15 * time.Second))
	tag := s.tag("/feeds/all.rss")
	since := "If-Modified-Since: " + monday.AddDate(0, 0, -1).Format(http.TimeFormat)
	for range 2 {
		wantStatus(t, s.from(reader, "/feeds/all.rss"), 200)
	}
	for _, target := range yaowenAndAll { // the limit is one for all feeds
		r := s.from(reader, target)
		html(t, r, 429)
		if got := r.Header.Get("Retry-After"); got != "45" {
			t.Errorf("%s: Retry-After %q at 15 seconds past", target, got)
		}
		if r.Header.Get("Cache-Control") != "no-store" || r.Header.Get("Etag") != "" || r.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: the refusal has %v", target, r.Header)
		}
	}
	for _, c := range []struct {
		fields []string
		want   int
	}{
		{[]string{"If-None-Match: " + tag}, 304}, {[]string{`If-None-Match: "x"`}, 200}, {[]string{since}, 200}, {[]string{`If-None-Match: "x"`, "A-IM: feed"}, 200},
		{[]string{"A-IM: feed"}, 429}, {[]string{"Range: bytes=0-9"}, 429}, {[]string{`If-Match: "x"`}, 429}, {[]string{"User-Agent: newsboat/2.21"}, 429},
	} {
		if r := s.from(reader, "/feeds/all.rss", c.fields...); r.StatusCode != c.want {
			t.Errorf("with %v the status is %d, want %d", c.fields, r.StatusCode, c.want)
		}
	}
	head := httptest.NewRequest(http.MethodHead, "/feeds/all.rss", nil)
	head.RemoteAddr = reader
	wantStatus(t, s.send(head), 429)
	for _, target := range []string{"/", "/feeds/all", "/feeds.opml", "/articles/" + idOf(page(1)), "/search?q=检察", "/feeds/search.rss?q=检察"} {
		wantStatus(t, s.from(reader, target), 200) // they are not feeds that lie ready
	}
}

func TestRequirement27TheLimitIsOfOneClientAndOneMinute(t *testing.T) {
	s := filled(t, 3, limited(1, 0))
	ask := func(remote string, want int) {
		t.Helper()
		wantStatus(t, s.from(remote, "/feeds/all.atom"), want)
	}
	s.set(monday.Add(59 * time.Second))
	ask(reader, 200)
	ask(reader, 429)
	ask("203.0.113.7:50000", 429) // another port of it
	ask(neighbour, 200)
	ask(neighbour, 429)
	r := s.from(reader, "/feeds/all.atom")
	if got := r.Header.Get("Retry-After"); got != "1" {
		t.Errorf("Retry-After %q at 59 seconds past", got)
	}
	s.set(monday.Add(60 * time.Second))
	ask(reader, 200)
	ask(reader, 429)
	ask(neighbour, 200)
	s.reload() // is no way around it
	ask(reader, 429)
}

func TestRequirement27WithoutALimitThereIsNone(t *testing.T) {
	s := filled(t, 3, limited(0, 0))
	for range 100 {
		wantStatus(t, s.from(reader, "/feeds/all.rss"), 200)
	}
}

func TestRequirement27WhoAsks(t *testing.T) {
	set := Settings{}
	limited(1, 1)(&set)
	const nobody = "" // is not limited
	for _, c := range []struct {
		remote    string
		forwarded []string
		want      string
	}{
		{"203.0.113.7:1", nil, "203.0.113.7"},
		{"[2001:db8:1:2:3:4:5:6]:1", nil, "2001:db8:1:2::/64"},
		{"[2001:db8:1:2::9]:1", nil, "2001:db8:1:2::/64"},
		{"[2001:db8:1:3::9]:1", nil, "2001:db8:1:3::/64"},
		{"[::ffff:203.0.113.7]:1", nil, "203.0.113.7"},
		{"[fe80::1%eth0]:1", nil, "fe80::/64"},
		// Whoever is no proxy says of himself what he likes.
		{"203.0.113.7:1", []string{"198.51.100.1"}, "203.0.113.7"},
		{"[::ffff:203.0.113.7]:1", []string{"198.51.100.1"}, "203.0.113.7"},
		// This machine, and proxies, ask for others or for nobody.
		{"127.0.0.1:1", nil, nobody}, {"[::1]:1", nil, nobody}, {"127.8.8.8:1", nil, nobody}, {"10.1.2.3:1", nil, nobody}, {"[::ffff:127.0.0.1]:1", nil, nobody},
		{"127.0.0.1:1", []string{"198.51.100.1"}, "198.51.100.1"},
		{"[::1]:1", []string{"2001:db8::1"}, "2001:db8::/64"},
		{"[::ffff:10.0.0.1]:1", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		// What stands before the last that a proxy saw was written by anybody.
		{"127.0.0.1:1", []string{"192.0.2.66, 198.51.100.1"}, "198.51.100.1"},
		{"127.0.0.1:1", []string{"10.0.0.9,127.0.0.1,198.51.100.1"}, "198.51.100.1"},
		{"127.0.0.1:1", []string{"', \"<>, 198.51.100.1"}, "198.51.100.1"},
		{"127.0.0.1:1", []string{"192.0.2.66", "198.51.100.1"}, "198.51.100.1"}, // two fields are one list
		{"127.0.0.1:1", []string{"198.51.100.1", ""}, nobody},
		// Several of our own proxies.
		{"127.0.0.1:1", []string{"198.51.100.1, 10.0.0.2"}, "198.51.100.1"},
		{"127.0.0.1:1", []string{"192.0.2.66, 198.51.100.1 , 10.0.0.2,fd00::2"}, "198.51.100.1"},
		{"127.0.0.1:1", []string{"192.0.2.66, 198.51.100.1", "10.0.0.2"}, "198.51.100.1"},
		{"127.0.0.1:1", []string{"10.0.0.3, 10.0.0.2"}, nobody},
		// Proxies that do not know.
		{"127.0.0.1:1", []string{""}, nobody}, {"127.0.0.1:1", []string{"unknown"}, nobody}, {"127.0.0.1:1", []string{"_hidden"}, nobody},
		{"127.0.0.1:1", []string{"198.51.100.1:8080"}, "198.51.100.1"}, {"127.0.0.1:1", []string{"[2001:db8::1]"}, "2001:db8::/64"}, {"127.0.0.1:1", []string{"[2001:db8::1]:80"}, "2001:db8::/64"}, {"127.0.0.1:1", []string{"999.1.1.1"}, nobody},
		{"127.0.0.1:1", []string{"198.51.100.1, "}, nobody}, {"127.0.0.1:1", []string{"198.51.100.1, unknown"}, nobody},
		// Not from a network at all.
		{"@", nil, "@"}, {"", nil, nobody}, {"@", []string{"198.51.100.1"}, "@"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.remote
		for _, f := range c.forwarded {
			r.Header.Add("X-Forwarded-For", f)
		}
		if got := set.Limits.client(r); got != c.want {
			t.Errorf("from %s for %q asks %q, want %q", c.remote, c.forwarded, got, c.want)
		}
	}
}

func TestRequirement27ProxiesAskForTheirClients(t *testing.T) {
	s := filled(t, 3, limited(1, 0))
	for _, c := range []struct {
		remote, forwarded string
		want              int
	}{
		{"127.0.0.1:1", "198.51.100.1", 200}, {"127.0.0.1:1", "198.51.100.1", 429}, {"127.0.0.1:1", "192.0.2.1, 198.51.100.1", 429}, {"127.0.0.1:1", "198.51.100.2", 200},
		{"127.0.0.1:1", "2001:db8:0:1::1", 200}, {"127.0.0.1:1", "2001:db8:0:1::2", 429}, {"127.0.0.1:1", "2001:db8:0:2::1", 200},
		{"198.51.100.9:1", "192.0.2.1", 200}, {"198.51.100.9:1", "192.0.2.2", 429}, // no proxy of ours
	} {
		if r := s.from(c.remote, "/feeds/all.rss", "X-Forwarded-For: "+c.forwarded); r.StatusCode != c.want {
			t.Errorf("from %s for %s: status %d, want %d", c.remote, c.forwarded, r.StatusCode, c.want)
		}
	}
	for range 10 { // people and programs on this machine
		wantStatus(t, s.from("127.0.0.1:1", "/feeds/all.rss"), 200)
		wantStatus(t, s.from("[::1]:1", "/feeds/all.rss"), 200)
	}
}

func TestRequirement27TheCountsTakeBoundedMemory(t *testing.T) {
	var c counter
	for n := range clientsKept + 10 {
		c.allow(strconv.Itoa(n), 1, monday)
	}
	if len(c.counts) > clientsKept {
		t.Errorf("%d clients are kept, of %d at most", len(c.counts), clientsKept)
	}
	c.allow("x", 1, monday.Add(time.Minute))
	if len(c.counts) != 1 {
		t.Errorf("%d clients of the last minute are kept", len(c.counts)-1)
	}
}

func TestRequirement27WhenToComeBack(t *testing.T) {
	var got []int
	for _, second := range []int{0, 1, 30, 59} {
		got = append(got, retryAfter(monday.Add(time.Duration(second)*time.Second+999*time.Millisecond)))
	}
	if want := []int{60, 59, 30, 1}; !slices.Equal(got, want) {
		t.Errorf("after %v seconds, want %v", got, want)
	}
}
