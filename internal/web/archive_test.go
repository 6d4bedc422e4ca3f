package web

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"jianxun/feedgen"
	"jianxun/internal/news"
)

// archived is a site with one feed, of ten items, that n articles have left
// beside. The first of them is page(n+9), the last page(10).
func archived(t *testing.T, n int, change ...func(*Settings)) *site {
	return filled(t, n+10, append([]func(*Settings){func(set *Settings) {
		set.Feeds = []news.Feed{{Slug: news.AllFeed, Title: "全部", Items: 10}}
	}}, change...)...)
}

func readAgain(b []byte) io.ReadCloser { return io.NopCloser(bytes.NewReader(b)) }

// archives are the addresses of archive documents of the feed all.
func archives(format feedgen.Format, names ...string) []string {
	var list []string
	for _, n := range names {
		list = append(list, "/feeds/all/archive/"+n+"."+string(format))
	}
	return list
}

func TestRequirement19ArchiveDocumentsNameTheirNeighbours(t *testing.T) {
	s := archived(t, 115)
	for _, format := range feedgen.Formats() {
		at := func(name string) string {
			if name == "" {
				return ""
			}
			return address + archives(format, name)[0]
		}
		feed := address + "/feeds/all." + string(format)
		for target, want := range map[string]told{
			feed:              {prev: at("3-15")},
			at("1"):           {next: at("2"), current: feed, archive: true},
			at("2"):           {prev: at("1"), next: at("3"), current: feed, archive: true},
			at("3-15"):        {prev: at("2"), current: feed}, // not for ever, so not marked
			at("3-1"):         {prev: at("2"), current: feed},
			at("1-49"):        {current: feed},
			at("2-1"):         {prev: at("1"), current: feed},
			at("3-15") + "?x": {prev: at("2"), current: feed},
		} {
			r := s.get(target)
			wantStatus(t, r, 200)
			link, d := linked(r), parse(t, r)
			self := strings.TrimSuffix(target, "?x")
			for rel, want := range map[string]string{"self": self, "current": want.current, "prev-archive": want.prev, "next-archive": want.next} {
				if got := strings.Join(link[rel], " "); got != want {
					t.Errorf("%s: the header names as %s %q, want %q", target, rel, got, want)
				}
			}
			if d.self != self || d.prev != want.prev {
				t.Errorf("%s: it calls itself %s, and what was before it %s", target, d.self, d.prev)
			}
			// JSON Feed has words for these two only.
			if format != feedgen.JSON && (d.current != want.current || d.next != want.next || d.archive != want.archive) {
				t.Errorf("%s: current %q, next %q, marked %v; want %+v", target, d.current, d.next, d.archive, want)
			}
		}
	}
}

func TestRequirement19APageHoldsFiftyArticlesTheLastToLeaveFirst(t *testing.T) {
	s := archived(t, 55)
	for name, want := range map[string][2]int{"1": {15, 64}, "1-49": {16, 64}, "1-1": {64, 64}, "2-5": {10, 14}, "2-1": {14, 14}} {
		d := s.read(archives(feedgen.JSON, name)[0])
		var pages []string
		for n := want[0]; n <= want[1]; n++ {
			pages = append(pages, urn(page(n)))
		}
		if !slices.Equal(d.items, pages) {
			t.Errorf("%s holds %v", name, d.titles)
		}
	}
}

// A full page names the next one before there is one.
func TestRequirement19TheNextPageLeadsToWhatThereIsOfIt(t *testing.T) {
	s := archived(t, 50)
	for added, want := range []string{"/feeds/all.%", "/feeds/all/archive/2-1.%", "/feeds/all/archive/2-2.%"} {
		if added > 0 {
			s.save(page(-added))
			s.refresh()
		}
		for _, format := range feedgen.Formats() {
			next := s.get(archives(format, "1")[0])
			to := linked(next)["next-archive"]
			if len(to) != 1 {
				t.Fatalf("%s: after it come %v", format, to)
			}
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				r := s.do(method, to[0])
				if got, want := r.Header.Get("Location"), address+strings.ReplaceAll(want, "%", string(format)); r.StatusCode != 302 || s.absolute(got) != want {
					t.Errorf("%s %s is %d and leads to %s, want %s", method, to[0], r.StatusCode, got, want)
				}
				if cache := r.Header.Get("Cache-Control"); cache != "no-cache" { // it leads elsewhere tomorrow
					t.Errorf("%s may be kept: %s", to[0], cache)
				}
			}
			s.read(s.get(to[0]).Header.Get("Location"))
		}
	}
}

// absolute is the address of a path on the site's host.
func (s *site) absolute(path string) string {
	s.t.Helper()
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") {
		s.t.Errorf("%q is no path on this host", path)
	}
	host, _, _ := strings.Cut(strings.TrimPrefix(s.settings.URL, "https://"), "/")
	return "https://" + host + path
}

func TestRequirement19NamesThatDoNotExistAreNotFound(t *testing.T) {
	s := archived(t, 55)
	for name, want := range map[string]int{
		"1": 200, "1-1": 200, "1-49": 200, "2-1": 200, "2-5": 200, "2": 302,
		"0": 404, "01": 404, "00": 404, "0-1": 404, "-1": 404, "+1": 404, "1-0": 404, "1-01": 404, "1-50": 404, "1-51": 404, "1-99": 404, "1-100": 404, "2-6": 404, "2-49": 404,
		"3": 404, "3-1": 404, "99": 404, "999999999": 404, "1000000000": 404, "9223372036854775807": 404, "99999999999999999999": 404, "184467440737095517-1": 404,
		"1-": 404, "-": 404, "1-1-1": 404, "1.1": 404, "1e1": 404, "0x1": 404, "%31": 200, "1%20": 404, "%EF%BC%91": 404, "1%00": 404, "1%0a": 404, "a": 404, "": 404, "..": 301, "1/2": 404,
	} {
		for _, format := range feedgen.Formats() {
			target := archives(format, name)[0]
			if name == ".." {
				target = "/feeds/all/archive/../all." + string(format)
			}
			if r := s.get(target); r.StatusCode != want {
				t.Errorf("%s is %d, want %d", target, r.StatusCode, want)
			}
		}
	}
	for _, target := range []string{"/feeds/all/archive/1", "/feeds/all/archive/1.xml", "/feeds/all/archive/1.RSS", "/feeds/all/archive/1.rss.gz", "/feeds/all/archive/1.rssx",
		"/feeds/all/archive/1.deleted.atom", "/feeds/all/archive/1.html", "/feeds/all/archive/1.rss/", "/feeds/all/archive/", "/feeds/all/archive", "/feeds/all/1.rss",
		"/feeds/none/archive/1.rss", "/feeds/search/archive/1.rss", "/feeds/archive/1.rss"} {
		wantStatus(t, s.get(target), 404)
	}
}

func TestRequirement19ArchivesAreServedLikeFeeds(t *testing.T) {
	s := archived(t, 55)
	for _, format := range feedgen.Formats() {
		for _, target := range archives(format, "1", "2-5") {
			for _, coding := range []string{"", "gzip", "br"} {
				accept := "Accept-Encoding: " + coding
				got, head := s.get(target, accept), s.do(http.MethodHead, target, accept)
				tag := got.Header.Get("Etag")
				if b := body(t, got); got.StatusCode != 200 || got.ContentLength != int64(len(b)) || got.Header.Get("Content-Encoding") != coding || got.Header.Get("Content-Type") != format.ContentType() {
					t.Errorf("%s in %q: status %d, header %v", target, coding, got.StatusCode, got.Header)
				}
				if len(body(t, head)) > 0 || head.Header.Get("Etag") != tag || head.ContentLength != got.ContentLength {
					t.Errorf("%s in %q: HEAD has %v, GET %v", target, coding, head.Header, got.Header)
				}
				for _, known := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
					if r := s.get(target, accept, "If-None-Match: "+known); r.StatusCode != 304 || r.Header.Get("Etag") != tag || len(body(t, r)) > 0 {
						t.Errorf("%s with If-None-Match: %s is %d", target, known, r.StatusCode)
					}
				}
				wantStatus(t, s.get(target, accept, `If-None-Match: "x"`), 200)
				wantStatus(t, s.get(target, accept, "Range: bytes=0-9"), 206)
			}
			// It may lose an article at any time, and no time would show that.
			wantStatus(t, s.get(target, "If-Modified-Since: "+s.clock().Add(time.Hour).Format(http.TimeFormat)), 200)
			if r := s.do(http.MethodPost, target); r.StatusCode != 405 || r.Header.Get("Allow") != "GET, HEAD" {
				t.Errorf("POST %s is %d with Allow: %s", target, r.StatusCode, r.Header.Get("Allow"))
			}
		}
	}
}
