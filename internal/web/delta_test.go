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
		if r := s.newer("/feeds/all.rss", tag, "Accept-Encoding: gzip"); r.StatusCode != want {
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
		fields []string
		want   int
	}{
		{[]string{"A-IM: feed"}, 226}, {[]string{"A-IM: FEED"}, 226}, {[]string{"A-IM: gzip, feed"}, 226}, {[]string{"A-IM: vcdiff;q=0.9, feed;q=0.5"}, 226},
		{[]string{"A-IM: vcdiff", "A-IM: feed"}, 226}, {[]string{"A-IM: feed;q=0.001"}, 226}, {[]string{"A-IM: feed", "User-Agent: newsboat/2.21"}, 226},
		{nil, 200}, {[]string{"A-IM: "}, 200}, {[]string{"A-IM: vcdiff, diffe, gzip"}, 200}, {[]string{"A-IM: feeds"}, 200}, {[]string{"A-IM: xfeed"}, 200}, {[]string{"A-IM: feed;q=0"}, 200},
		{[]string{"A-IM: feed; q=0.000"}, 200}, {[]string{"IM: feed"}, 200}, {[]string{"A-IM: feed", "User-Agent: rss2email/3.13 (https://github.com/rss2email/rss2email)"}, 200},
	} {
		r := s.get("/feeds/all.atom", append(c.fields, "If-None-Match: "+tag)...)
		if r.StatusCode != c.want {
			t.Errorf("with %v the status is %d, want %d", c.fields, r.StatusCode, c.want)
		}
		if told := manipulation(r) != ""; told != (c.want == 226) {
			t.Errorf("with %v the answer says IM: %v", c.fields, told)
		}
		wantStatus(t, s.get("/feeds/all.atom", append(c.fields, "If-None-Match: "+s.tag("/feeds/all.atom"))...), 304)
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
