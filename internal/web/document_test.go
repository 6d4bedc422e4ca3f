package web

import (
	"bytes"
	"compress/gzip"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
)

// The tests bear the numbers of the requirements of feeds.md.

var feedFiles = []string{"/feeds/yaowen.rss", "/feeds/yaowen.atom", "/feeds/yaowen.json"}

func TestRequirement21IfNoneMatch(t *testing.T) {
	s := filled(t, 5)
	for _, target := range append(feedFiles, "/feeds.opml", "/", "/feeds/yaowen", "/articles/"+idOf(page(1)), "/style.css") {
		tag := s.get(target).Header.Get("Etag")
		hash := strings.Trim(tag, `"`)
		for field, want := range map[string]int{
			tag: 304, "W/" + tag: 304, `"x", W/"y", ` + tag + `, "z"`: 304, "*": 304, " " + tag + " ": 304,
			`"` + hash + `-gzip"`: 304, `W/"` + hash + `-gzip"`: 304, `"` + hash + `-br"`: 304, `"` + hash + `--gzip"`: 304, `"` + hash + `-br-gzip"`: 304, `"` + hash + `;gzip"`: 304,
			"": 200, `""`: 200, `"x"`: 200, hash: 200, `"` + hash: 200, `"` + hash + `x"`: 200, `"` + hash[1:] + `"`: 200, `"` + hash + `-"`: 200, `"` + hash + `-gzipx"`: 200,
			`W/`: 200, `"-gzip"`: 200, ",": 200,
		} {
			if r := s.get(target, "If-None-Match: "+field); r.StatusCode != want {
				t.Errorf("%s with If-None-Match: %s is %d, want %d", target, field, r.StatusCode, want)
			}
		}
		wantStatus(t, s.get(target, `If-None-Match: "x"`, "If-None-Match: "+tag), 304)
	}
}

func TestRequirement21IfNoneMatchBeatsIfModifiedSince(t *testing.T) {
	s := filled(t, 5)
	for _, target := range feedFiles {
		r := s.get(target)
		tag, modified := r.Header.Get("Etag"), r.Header.Get("Last-Modified")
		since, err := http.ParseTime(modified)
		if err != nil {
			t.Fatal(err)
		}
		at := func(d time.Duration) string { return "If-Modified-Since: " + since.Add(d).Format(http.TimeFormat) }
		for _, c := range []struct {
			fields []string
			want   int
		}{
			{[]string{at(0)}, 304}, {[]string{at(time.Hour)}, 304}, {[]string{at(-time.Second)}, 200}, {[]string{"If-Modified-Since: yesterday"}, 200},
			{[]string{`If-None-Match: "x"`, at(time.Hour)}, 200}, {[]string{"If-None-Match: ", at(time.Hour)}, 200}, {[]string{"If-None-Match: " + tag, at(-time.Hour)}, 304},
		} {
			if r := s.get(target, c.fields...); r.StatusCode != c.want {
				t.Errorf("%s with %v is %d, want %d", target, c.fields, r.StatusCode, c.want)
			}
		}
	}
}

func TestRequirement21ANotModifiedKeepsItsHeaderAndHasNoBody(t *testing.T) {
	s := filled(t, 5)
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		for _, coding := range []string{"", "gzip", "br"} {
			full := s.get("/feeds/yaowen.atom", "Accept-Encoding: "+coding)
			r := s.do(method, "/feeds/yaowen.atom", "Accept-Encoding: "+coding, "If-None-Match: "+full.Header.Get("Etag"))
			wantStatus(t, r, 304)
			for _, name := range []string{"Etag", "Vary", "Cache-Control", "Last-Modified"} {
				if got, want := r.Header.Get(name), full.Header.Get(name); got != want || got == "" {
					t.Errorf("%s of the 304 is %q, of the 200 %q", name, got, want)
				}
			}
			for _, name := range []string{"Content-Type", "Content-Length", "Content-Encoding"} {
				if r.Header.Get(name) != "" {
					t.Errorf("the 304 has %s: %s", name, r.Header.Get(name))
				}
			}
			if b := body(t, r); len(b) != 0 {
				t.Errorf("the 304 has a body of %d octets", len(b))
			}
		}
	}
}

// Within one second a time cannot tell two versions apart, so none is given.
func TestRequirement21ATimeTooFreshIsNotGiven(t *testing.T) {
	s := newSite(t)
	s.save(page(1))
	s.refresh()
	if r := s.get("/feeds/all.atom"); r.Header.Get("Last-Modified") != "" {
		t.Errorf("Last-Modified %s at %v", r.Header.Get("Last-Modified"), s.clock())
	}
	s.set(s.clock().Add(time.Second))
	if r := s.get("/feeds/all.atom"); r.Header.Get("Last-Modified") == "" {
		t.Error("there is no Last-Modified a second later")
	}
}

func TestRequirement22EachCodingHasItsTagAndTheSameOctets(t *testing.T) {
	s := filled(t, 50)
	for _, target := range feedFiles {
		plain := body(t, s.get(target))
		tags := map[string]bool{}
		for coding, decode := range map[string]func(io.Reader) io.Reader{
			"":     func(r io.Reader) io.Reader { return r },
			"gzip": gunzip(t),
			"br":   func(r io.Reader) io.Reader { return brotli.NewReader(r) },
		} {
			r := s.get(target, "Accept-Encoding: "+coding)
			b := body(t, r)
			if got := r.Header.Get("Content-Encoding"); got != coding {
				t.Errorf("%s: asked for %q, got %q", target, coding, got)
			}
			decoded, err := io.ReadAll(decode(bytes.NewReader(b)))
			if err != nil || !bytes.Equal(decoded, plain) {
				t.Errorf("%s in %q decodes to something else: %v", target, coding, err)
			}
			if coding != "" && len(b) >= len(plain)/2 {
				t.Errorf("%s in %s takes %d of %d octets", target, coding, len(b), len(plain))
			}
			if r.ContentLength != int64(len(b)) || r.Header.Get("Vary") != "Accept-Encoding" {
				t.Errorf("%s in %q: Content-Length %d, Vary %q", target, coding, r.ContentLength, r.Header.Get("Vary"))
			}
			tag := r.Header.Get("Etag")
			if tags[tag] || !strings.HasPrefix(tag, `"`) {
				t.Errorf("%s in %q has the tag %s", target, coding, tag)
			}
			tags[tag] = true
			// The version is the same in whatever coding the reader has it.
			wantStatus(t, s.get(target, "Accept-Encoding: br", "If-None-Match: "+tag), 304)
		}
	}
}

func gunzip(t *testing.T) func(io.Reader) io.Reader {
	return func(r io.Reader) io.Reader {
		z, err := gzip.NewReader(r)
		if err != nil {
			t.Fatal(err)
		}
		return z
	}
}

func TestRequirement22TheCodingIsOneThatIsAccepted(t *testing.T) {
	s := filled(t, 5)
	for accept, want := range map[string]string{
		"": "", "gzip": "gzip", "br": "br", "gzip, br": "br", "gzip, deflate, br, zstd": "br", "GZIP": "gzip", "deflate": "", "identity": "", "*": "br",
		"gzip;q=0": "", "br;q=0, gzip": "gzip", "br;q=0.000, gzip;q=0.5": "gzip", "*;q=0": "", "br;q=0, *": "gzip", "*;q=0, gzip": "gzip", "gzip ; q=0": "",
		"gzip;q=0.001": "gzip", "xgzip": "", "gzipx, brr": "", ",,": "", ";": "",
	} {
		if got := s.get("/feeds/all.rss", "Accept-Encoding: "+accept).Header.Get("Content-Encoding"); got != want {
			t.Errorf("Accept-Encoding: %s gives %q, want %q", accept, got, want)
		}
	}
	if got := s.get("/feeds/all.rss", "Accept-Encoding: br;q=0", "Accept-Encoding: gzip").Header.Get("Content-Encoding"); got != "gzip" {
		t.Errorf("two fields give %q", got)
	}
}

func TestRequirement24HEADHasTheHeaderOfGET(t *testing.T) {
	s := filled(t, 5)
	s.settings.URL = "http://127.0.0.1"
	s.settings.Mailbox = letters{}
	s.reload()
	token := s.subscribed("a@example.org")
	srv := httptest.NewServer(s)
	defer srv.Close()
	for _, target := range append(feedFiles, "/feeds.opml", "/", "/feeds/yaowen", "/articles/"+idOf(page(1)), "/issues/weekly", "/style.css", "/healthz",
		"/nothing", "/feeds/nothing.rss", "/u/"+token, "/u/x", "/mail", "/mail/1.eml", "/mail/1.eml/html", "/mail/1.eml/raw") {
		for _, coding := range []string{"identity", "gzip"} {
			got, head := fetch(t, srv, http.MethodGet, target, coding), fetch(t, srv, http.MethodHead, target, coding)
			if got.StatusCode != head.StatusCode || got.ContentLength != head.ContentLength || len(body(t, head)) != 0 {
				t.Errorf("%s: GET %d of %d octets, HEAD %d of %d", target, got.StatusCode, got.ContentLength, head.StatusCode, head.ContentLength)
			}
			got.Header.Del("Date")
			head.Header.Del("Date")
			if !maps.EqualFunc(got.Header, head.Header, slices.Equal) {
				t.Errorf("%s: GET has %v\nHEAD has %v", target, got.Header, head.Header)
			}
		}
	}
}

func fetch(t *testing.T, srv *httptest.Server, method, target, coding string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, srv.URL+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", coding)
	res, err := srv.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	b := body(t, res)
	_ = res.Body.Close()
	res.Body = io.NopCloser(bytes.NewReader(b))
	return res
}

func TestRequirement24Ranges(t *testing.T) {
	s := filled(t, 50)
	for _, coding := range []string{"", "gzip"} {
		accept := "Accept-Encoding: " + coding
		full := s.get("/feeds/all.rss", accept)
		whole, tag := body(t, full), full.Header.Get("Etag")
		n := len(whole)
		for _, c := range []struct {
			name   string
			fields []string
			status int
			want   []byte
		}{
			{"beginning", []string{"Range: bytes=0-99"}, 206, whole[:100]},
			{"end", []string{"Range: bytes=-7"}, 206, whole[n-7:]},
			{"rest", []string{"Range: bytes=100-"}, 206, whole[100:]},
			{"same version", []string{"Range: bytes=0-99", "If-Range: " + tag}, 206, whole[:100]},
			{"other version", []string{"Range: bytes=0-99", `If-Range: "x"`}, 200, whole},
			{"weak tag", []string{"Range: bytes=0-99", "If-Range: W/" + tag}, 200, whole},
			{"same time", []string{"Range: bytes=0-99", "If-Range: " + full.Header.Get("Last-Modified")}, 206, whole[:100]},
			{"other unit", []string{"Range: lines=0-99"}, 416, nil},
			{"beyond", []string{"Range: bytes=99999999-"}, 416, nil},
			{"known version", []string{"Range: bytes=0-99", "If-None-Match: " + tag}, 304, nil},
		} {
			r := s.get("/feeds/all.rss", append(c.fields, accept)...)
			b := body(t, r)
			if r.StatusCode != c.status || c.want != nil && !bytes.Equal(b, c.want) {
				t.Errorf("%s in %q: status %d with %d octets, want %d with %d", c.name, coding, r.StatusCode, len(b), c.status, len(c.want))
			}
			if c.want != nil && (r.ContentLength != int64(len(b)) || r.Header.Get("Etag") != tag || r.Header.Get("Content-Encoding") != coding) {
				t.Errorf("%s in %q: Content-Length %d, Etag %s, Content-Encoding %q", c.name, coding, r.ContentLength, r.Header.Get("Etag"), r.Header.Get("Content-Encoding"))
			}
		}
	}
}

func TestRequirement24OtherMethodsAreNotAllowed(t *testing.T) {
	s := filled(t, 5)
	for target, allow := range map[string]string{"/feeds/all.rss": "GET, HEAD", "/": "GET, HEAD", "/feeds.opml": "GET, HEAD", "/u/x": "GET, HEAD, POST", "/nothing": "GET, HEAD"} {
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions, "PROPFIND"} {
			if strings.Contains(allow, method) {
				continue
			}
			r := s.do(method, target)
			if r.StatusCode != 405 || r.Header.Get("Allow") != allow {
				t.Errorf("%s %s is %d with Allow: %s", method, target, r.StatusCode, r.Header.Get("Allow"))
			}
		}
	}
}

func TestRequirement25TypesAndCaching(t *testing.T) {
	s := filled(t, 5)
	for target, want := range map[string]string{
		"/feeds/all.rss": "application/rss+xml; charset=utf-8", "/feeds/all.atom": "application/atom+xml; charset=utf-8",
		"/feeds/all.json": "application/feed+json; charset=utf-8", "/feeds.opml": "text/x-opml; charset=utf-8",
	} {
		for _, accept := range []string{"*/*", "text/html,application/xhtml+xml;q=0.9", "application/json", "image/png"} {
			r := s.get(target, "Accept: "+accept)
			if r.StatusCode != 200 || r.Header.Get("Content-Type") != want || r.Header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s for Accept: %s is %d, %v", target, accept, r.StatusCode, r.Header)
			}
			wantCached(t, target, r)
		}
	}
}

// wantCached expects that readers may keep the answer, and caches in front too.
func wantCached(t *testing.T, target string, r *http.Response) {
	t.Helper()
	fields := strings.Split(r.Header.Get("Cache-Control"), ", ")
	for _, want := range []string{"public", "max-age=60", "s-maxage=30", "stale-while-revalidate=60", "stale-if-error=86400"} {
		if !slices.Contains(fields, want) {
			t.Errorf("%s: Cache-Control %q lacks %s", target, fields, want)
		}
	}
}

func TestRequirement25EveryFeedMayBeKept(t *testing.T) {
	s := archived(t, 51)
	for _, target := range slices.Concat([]string{"/feeds/all.rss", "/feeds/all.atom", "/feeds/all.json", "/feeds/all.deleted.atom", "/feeds.opml", "/feeds/search.rss?q=检察"},
		archives("rss", "1", "2-1"), archives("atom", "1", "2-1"), archives("json", "1", "2-1")) {
		r := s.get(target)
		wantStatus(t, r, 200)
		wantCached(t, target, r)
		known := s.get(target, "If-None-Match: "+r.Header.Get("Etag"))
		wantStatus(t, known, 304)
		wantCached(t, target, known)
		wantCached(t, target, s.do(http.MethodHead, target))
	}
}

func TestRequirement26UnknownFeedsAndJunkQueries(t *testing.T) {
	s := filled(t, 5)
	for _, target := range []string{"/feeds/nothing.rss", "/feeds/nothing", "/feeds/all.xml", "/feeds/all.rss.gz", "/feeds/", "/feeds/all.rss/x", "/feed", "/feeds/ALL.rss"} {
		wantStatus(t, s.get(target), 404)
	}
	want := s.get("/feeds/all.rss")
	for _, query := range []string{"?", "?utm_source=x", "?_=1&format=html", "?%zz", "?a=;b"} {
		r := s.get("/feeds/all.rss" + query)
		if r.StatusCode != 200 || r.Header.Get("Etag") != want.Header.Get("Etag") {
			t.Errorf("with %s it is %d, %s", query, r.StatusCode, r.Header.Get("Etag"))
		}
	}
}
