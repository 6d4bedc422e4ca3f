package web

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"

	"jianxun/internal/news"
)

// newer asks for what is newer than the version with the tag, as newsboat and
// feedparser do.
func (s *site) newer(target, tag string, fields ...string) *http.Response {
	return s.get(target, append(fields, "A-IM: feed", "If-None-Match: "+tag)...)
}

// tag is the entity tag of what stands at the address.
func (s *site) tag(target string, fields ...string) string {
	return s.get(target, fields...).Header.Get("Etag")
}

// publish brings an article onto the site a minute later.
func (s *site) publish(list ...news.Article) {
	s.t.Helper()
	s.set(s.clock().Add(time.Minute))
	s.save(list...)
	s.refresh()
}

// manipulation is the field IM, which is written so on the wire and not Im.
func manipulation(r *http.Response) string {
	var all []string
	for name, values := range r.Header {
		if strings.EqualFold(name, "IM") {
			all = append(all, values...)
		}
	}
	return strings.Join(all, ", ")
}

// wantNewer expects a partial answer with the articles of these titles.
func (s *site) wantNewer(r *http.Response, titles ...string) {
	s.t.Helper()
	if r.StatusCode != http.StatusIMUsed {
		s.t.Errorf("status %d, want 226", r.StatusCode)
		return
	}
	if d := parse(s.t, r); !slices.Equal(d.titles, titles) {
		s.t.Errorf("the newer ones are %v, want %v", d.titles, titles)
	}
}

func revised(n int) news.Article {
	a := page(n)
	a.Title = "更正"
	return a
}

func TestRequirement28AReaderIsGivenWhatIsNewerOrChanged(t *testing.T) {
	s := filled(t, 5)
	before := map[string]string{}
	codings := map[string]func(io.Reader) io.Reader{
		"": func(r io.Reader) io.Reader { return r }, "gzip": gunzip(t), "br": func(r io.Reader) io.Reader { return brotli.NewReader(r) },
	}
	for _, target := range yaowenAndAll {
		for coding := range codings {
			before[target+coding] = s.tag(target, "Accept-Encoding: "+coding)
		}
	}
	s.publish(page(-1), revised(3))
	for _, target := range yaowenAndAll {
		whole := s.read(target)
		for coding, decode := range codings {
			accept := "Accept-Encoding: " + coding
			r := s.newer(target, before[target+coding], accept)
			now := s.get(target, accept).Header
			if r.StatusCode != http.StatusIMUsed || manipulation(r) != "feed" || r.Header.Get("Delta-Base") != before[target+coding] {
				t.Errorf("%s in %q: status %d, header %v", target, coding, r.StatusCode, r.Header)
			}
			if r.Header.Get("Etag") != now.Get("Etag") || r.Header.Get("Content-Encoding") != coding || r.Header.Get("Content-Type") != now.Get("Content-Type") ||
				r.Header.Get("Vary") != now.Get("Vary") || r.Header.Get("Last-Modified") != now.Get("Last-Modified") || !slices.Equal(r.Header["Link"], now["Link"]) {
				t.Errorf("%s in %q: header %v, of the whole %v", target, coding, r.Header, now)
			}
			if cache := r.Header.Get("Cache-Control"); !strings.Contains(cache, "no-store") || strings.Contains(cache, "public") {
				t.Errorf("%s in %q may be kept: %s", target, coding, cache)
			}
			b := body(t, r)
			if r.ContentLength != int64(len(b)) {
				t.Errorf("%s in %q: %d octets, Content-Length %d", target, coding, len(b), r.ContentLength)
			}
			r.Body = io.NopCloser(decode(bytes.NewReader(b)))
			d := parse(t, r)
			if !slices.Equal(d.items, []string{urn(page(-1)), urn(page(3))}) || !slices.Equal(d.titles, []string{page(-1).Title, "更正"}) {
				t.Errorf("%s in %q: the newer ones are %v", target, coding, d.titles)
			}
			if d.self != whole.self || d.id != whole.id || d.prev != whole.prev {
				t.Errorf("%s in %q: it says of itself %+v, the whole %+v", target, coding, d, whole)
			}
			// With the tag it was given the reader is up to date.
			wantStatus(t, s.newer(target, r.Header.Get("Etag"), accept), 304)
		}
	}
}

func TestRequirement28AReaderMayBeSeveralVersionsBehind(t *testing.T) {
	s := filled(t, 3, func(set *Settings) { set.Feeds = set.Feeds[:1] })
	const target = "/feeds/all.json"
	tags, added := []string{s.tag(target)}, []string{}
	for n := range versionsKept + 1 {
		a := page(-n - 1)
		s.publish(a)
		tags, added = append(tags, s.tag(target)), slices.Insert(added, 0, a.Title)
	}
	last := len(tags) - 1
	for back := 1; back <= versionsKept; back++ {
		s.wantNewer(s.newer(target, tags[last-back]), added[:back]...)
	}
	wantStatus(t, s.newer(target, tags[0]), 200) // it is forgotten
	wantStatus(t, s.newer(target, tags[last]), 304)
	// Whoever names several versions has one of them; which, the answer says.
	r := s.newer(target, `"x", `+tags[last-2]+", "+tags[last-1])
	if base := r.Header.Get("Delta-Base"); base != tags[last-2] {
		t.Errorf("what is newer than %s", base)
	}
	s.wantNewer(r, added[:2]...)
	s.wantNewer(s.get(target, "A-IM: feed", `If-None-Match: "x"`, "If-None-Match: "+tags[last-1]), added[:1]...)
}

func TestRequirement28TagsAreKnownAsProxiesMangleThem(t *testing.T) {
	s := filled(t, 3)
	plain, br := s.tag("/feeds/all.rss"), s.tag("/feeds/all.rss", "Accept-Encoding: br")
	s.publish(page(-1))
	hash := strings.Trim(plain, `"`)
	for tag, want := range map[string]int{
		plain: 226, br: 226, "W/" + plain: 226, `"` + hash + `-gzip"`: 226, `W/"` + hash + `-gzip"`: 226, `"` + hash + `-br-gzip"`: 226, `"` + hash + `;gzip"`: 226,
		`"` + hash + `x"`: 200, hash: 200, `"` + hash[1:] + `"`: 200, "*": 304,
	} {
		if r := s.newer("/feeds/all.rss", tag, "Accept-Encoding: gzip", "User-Agent: reader of "+tag); r.StatusCode != want {
			t.Errorf("with the tag %s the status is %d, want %d", tag, r.StatusCode, want)
		}
	}
}

func TestRequirement28OnlyWhoAsksIsGivenAPart(t *testing.T) {
	s := filled(t, 3)
	tag := s.tag("/feeds/all.atom")
	since := s.get("/feeds/all.atom").Header.Get("Last-Modified")
	s.publish(page(-1))
	for _, c := range []struct {
		asks []string
		want int
	}{
		{[]string{"feed"}, 226}, {[]string{"FEED"}, 226}, {[]string{"gzip, feed"}, 226}, {[]string{"vcdiff;q=0.9, feed;q=0.5"}, 226}, {[]string{"vcdiff", "feed"}, 226}, {[]string{"feed;q=0.001"}, 226},
		{nil, 200}, {[]string{""}, 200}, {[]string{"vcdiff, diffe, gzip"}, 200}, {[]string{"feeds"}, 200}, {[]string{"xfeed"}, 200}, {[]string{"feed;q=0"}, 200}, {[]string{"feed; q=0.000"}, 200},
	} {
		fields := []string{"IM: feed", "User-Agent: reader of " + strings.Join(c.asks, "|")} // IM itself asks for nothing
		for _, field := range c.asks {
			fields = append(fields, "A-IM: "+field)
		}
		r := s.get("/feeds/all.atom", append(fields, "If-None-Match: "+tag)...)
		if told := manipulation(r) != ""; r.StatusCode != c.want || told != (c.want == 226) {
			t.Errorf("with A-IM: %q the status is %d, want %d; IM: %v", c.asks, r.StatusCode, c.want, told)
		}
		wantStatus(t, s.get("/feeds/all.atom", append(fields, "If-None-Match: "+s.tag("/feeds/all.atom"))...), 304)
	}
	for _, fields := range [][]string{{}, {`If-None-Match: "x"`}, {"If-None-Match: "}, {"If-Modified-Since: " + since}} {
		if r := s.get("/feeds/all.atom", append(fields, "A-IM: feed")...); r.StatusCode != 200 || len(parse(t, r).items) != 4 {
			t.Errorf("with %v, which name no version, the status is %d", fields, r.StatusCode)
		}
	}
}

func TestRequirement28HEADHasTheHeaderOfGET(t *testing.T) {
	s := filled(t, 3)
	tag := s.tag("/feeds/all.rss")
	s.publish(page(-1), revised(1))
	r, head := s.newer("/feeds/all.rss", tag), s.do(http.MethodHead, "/feeds/all.rss", "A-IM: feed", "If-None-Match: "+tag)
	if head.StatusCode != 226 || len(body(t, head)) > 0 || !maps.EqualFunc(head.Header, r.Header, slices.Equal) {
		t.Errorf("HEAD is %d with %v, GET has %v", head.StatusCode, head.Header, r.Header)
	}
}

// Some ask for a part through their library and take it for an error.
func TestRequirement28WhoeverMisreadsAPartIsGivenTheWhole(t *testing.T) {
	s := filled(t, 3)
	tag := s.tag("/feeds/all.rss")
	since := "If-Modified-Since: " + s.get("/feeds/all.rss").Header.Get("Last-Modified")
	s.publish(page(-1))
	for _, c := range []struct {
		agent, since string
		want         int
	}{
		{"newsboat/2.21", since, 226}, {"feedparser/6.0.10", "", 226}, {"feedparser/6.0.10", since, 200}, {"rss2email/3.14 (https://github.com/rss2email/rss2email)", "", 200},
	} {
		fields := []string{"User-Agent: " + c.agent}
		if c.since != "" {
			fields = append(fields, c.since)
		}
		if r := s.newer("/feeds/all.rss", tag, fields...); r.StatusCode != c.want {
			t.Errorf("%s with %q is given %d, want %d", c.agent, c.since, r.StatusCode, c.want)
		}
	}
}

// And any other who comes back with the version it had, again and again.
func TestRequirement28WhoeverMakesNothingOfAPartIsGivenTheWhole(t *testing.T) {
	s := filled(t, 3, limited(0, 0))
	tags := []string{s.tag("/feeds/all.rss")}
	s.publish(page(-1))
	tags = append(tags, s.tag("/feeds/all.rss"))
	s.publish(page(-2))
	ask := func(remote, tag string, want int, fields ...string) {
		t.Helper()
		wantStatus(t, s.from(remote, "/feeds/all.rss", append(fields, "A-IM: feed", "If-None-Match: "+tag)...), want)
	}
	for range givenAtMost {
		ask(reader, tags[0], 226)
	}
	ask(reader, tags[0], 200)
	ask("203.0.113.7:50000", tags[0], 200) // over another connection
	ask(reader, tags[1], 226)              // it has come on
	ask(neighbour, tags[0], 226)
	ask(reader, tags[0], 226, "User-Agent: newsboat/2.21")     // another program
	ask(reader, tags[0], 226, "X-Forwarded-For: 198.51.100.1") // for another
	ask(reader, s.tag("/feeds/all.rss"), 304)
	ask(reader, tags[0], 226, "User-Agent: "+strings.Repeat("x", 60_000))
	for key := range s.state.Load().shelf.documents["all.rss"].past.given {
		if len(key) > 100 {
			t.Errorf("%d octets are kept of a reader", len(key))
		}
	}
	s.publish(page(-3)) // another part is tried anew
	ask(reader, tags[0], 226)
}
