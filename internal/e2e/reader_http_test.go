//go:build interop

package e2e

import (
	"bufio"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// curl asks with curl and gives the header and the octets as they came.
func curl(t *testing.T, address string, args ...string) (*http.Response, string) {
	t.Helper()
	program, file := tool(t, "curl"), filepath.Join(t.TempDir(), "body")
	write(t, file, "")
	out := command(t, "", program, append([]string{"-sS", "--http1.1", "-D", "-", "-o", file, address}, args...)...)
	resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(out)), &http.Request{Method: http.MethodHead}) // the body is in the file
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return resp, read(t, file)
}

// documents are what programs fetch, with their media types.
func documents() map[string]string {
	word := url.QueryEscape("公益诉讼")
	return map[string]string{
		"/feeds/all.rss":                "application/rss+xml; charset=utf-8",
		"/feeds/all.atom":               "application/atom+xml; charset=utf-8",
		"/feeds/all.json":               "application/feed+json; charset=utf-8",
		"/feeds/all.deleted.atom":       "application/atom+xml; charset=utf-8",
		"/feeds/yaowen.rss":             "application/rss+xml; charset=utf-8",
		"/feeds/search.atom?q=" + word:  "application/atom+xml; charset=utf-8",
		"/feeds.opml":                   "text/x-opml; charset=utf-8",
		"/feeds/all.rss?utm_source=x&y": "application/rss+xml; charset=utf-8",
	}
}

// settled waits until the last change is a second old: only from then on do
// answers bear its time, and two of them can be compared.
func settled(t *testing.T, s *site) {
	t.Helper()
	eventually(t, "the feeds bear a time", func() bool {
		resp, _ := get(t, s.url("/feeds/all.rss"))
		return resp.Header.Get("Last-Modified") != ""
	})
}

// TestInteropRequirement24HeadAndRange asks with curl for every document in
// every coding: HEAD has the header of GET, a part is a part of the whole, and
// other methods are refused by name.
func TestInteropRequirement24HeadAndRange(t *testing.T) {
	s := newsroom(t)
	s.serve()
	settled(t, s)
	for path := range documents() {
		for _, coding := range []string{"identity", "gzip", "br"} {
			t.Run(coding+path, func(t *testing.T) {
				address, accept := s.url(path), "Accept-Encoding: "+coding
				whole, body := curl(t, address, "-H", accept)
				if whole.StatusCode != 200 || body == "" || whole.Header.Get("Content-Length") != fmt.Sprint(len(body)) {
					t.Fatalf("%s, %d octets, %v", whole.Status, len(body), whole.Header)
				}
				tag := whole.Header.Get("Etag")
				sameHeader(t, whole, s, path, "-H", accept)
				same, none := curl(t, address, "-H", accept, "-H", "If-None-Match: "+tag)
				if same.StatusCode != 304 || none != "" {
					t.Errorf("the same version: %s, %d octets", same.Status, len(none))
				}
				sameHeader(t, same, s, path, "-H", accept, "-H", "If-None-Match: "+tag)

				part, some := curl(t, address, "-H", accept, "-r", "10-109", "-H", "If-Range: "+tag)
				if want := fmt.Sprintf("bytes 10-109/%d", len(body)); part.StatusCode != 206 || part.Header.Get("Content-Range") != want || some != body[10:110] {
					t.Errorf("a part: %s %s, want %s", part.Status, part.Header.Get("Content-Range"), want)
				}
				if part, some = curl(t, address, "-H", accept, "-r", "10-109", "-H", `If-Range: "old"`); part.StatusCode != 200 || some != body {
					t.Errorf("a part of another version: %s, %d octets", part.Status, len(some))
				}
				if part, _ = curl(t, address, "-H", accept, "-r", "9999999-"); part.StatusCode != 416 {
					t.Errorf("a part after the end: %s", part.Status)
				}
			})
		}
		for _, args := range [][]string{{"-d", "x=1"}, {"-X", "DELETE"}, {"-X", "PUT"}} {
			if resp, _ := curl(t, s.url(path), args...); resp.StatusCode != 405 || resp.Header.Get("Allow") != "GET, HEAD" {
				t.Errorf("%v %s: %s, Allow %q", args, path, resp.Status, resp.Header.Get("Allow"))
			}
		}
	}
}

// sameHeader asks with HEAD and compares everything but the clock.
func sameHeader(t *testing.T, want *http.Response, s *site, path string, args ...string) {
	t.Helper()
	head, _ := curl(t, s.url(path), append([]string{"-I"}, args...)...)
	head.Header.Del("Date")
	want.Header.Del("Date")
	if head.StatusCode != want.StatusCode || fmt.Sprint(head.Header) != fmt.Sprint(want.Header) {
		t.Errorf("HEAD gives %s %v\nGET gives %s %v", head.Status, head.Header, want.Status, want.Header)
	}
}

// TestInteropRequirement25TypesAndCaching asks curl what it was told.
func TestInteropRequirement25TypesAndCaching(t *testing.T) {
	s := newsroom(t)
	s.serve()
	for path, want := range documents() {
		// Some readers would take HTML, too: a feed stays a feed.
		resp, _ := curl(t, s.url(path), "-H", "Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")
		cache := strings.Split(resp.Header.Get("Cache-Control"), ", ")
		if got := resp.Header.Get("Content-Type"); got != want || resp.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s: %s, Vary %q", path, got, resp.Header.Get("Vary"))
		}
		for _, directive := range []string{"public", "max-age=", "stale-while-revalidate="} {
			if !slices.ContainsFunc(cache, func(c string) bool { return strings.HasPrefix(c, directive) }) {
				t.Errorf("%s: no %s in %q", path, directive, cache)
			}
		}
	}
	plain, _ := curl(t, s.url("/feeds/all.rss"))
	junk, _ := curl(t, s.url("/feeds/all.rss?utm_source=x&y"))
	if a, b := plain.Header.Get("Etag"), junk.Header.Get("Etag"); a == "" || a != b {
		t.Errorf("with junk after it the address gives version %s, else %s", b, a)
	}
}

// A feed before and after it gets another name and its neighbour is given up.
const (
	before = "feeds:\n  - {slug: yw, title: 要闻}\n  - {slug: gonggao, title: 公告}\n"
	after  = "feeds:\n  - {slug: yaowen, title: 检察要闻, was: [yw]}\n  - {slug: gonggao, title: 公告, retired: true}\n"
)

// TestInteropRequirement26AFeedMovesOrEnds renames one feed and retires another
// under their readers. They follow the first, which brings nothing twice.
func TestInteropRequirement26AFeedMovesOrEnds(t *testing.T) {
	s := newSite(t, before+"sources:\n  - {name: pages, kind: directory, path: pages, every: 24h}\n")
	for i, h := range headlines() {
		s.savePage(fmt.Sprint("page", i), h, "正文。")
	}
	s.serve()
	old, gone := s.url("/feeds/yw.rss"), s.url("/feeds/gonggao.rss")
	n, ended, r := newNewsboat(t, old), newNewsboat(t, gone), newRss2email(t, old)
	for range 2 {
		n.reload()
		ended.reload()
	}
	count := len(headlines())
	if got := r.run(); len(got) != count {
		t.Fatalf("rss2email has mailed %d articles, want %d", len(got), count)
	}
	n.markRead()
	ended.markRead()

	s.configure(after + "sources:\n  - {name: pages, kind: directory, path: pages, every: 24h}\n")
	eventually(t, "the new configuration is in force", func() bool {
		resp, _ := get(t, old)
		return resp.StatusCode != http.StatusOK
	})
	for path, want := range map[string]string{
		"/feeds/yw.rss": "301 /feeds/yaowen.rss", "/feeds/yw.atom": "301 /feeds/yaowen.atom", "/feeds/yw.json": "301 /feeds/yaowen.json", "/feeds/yw": "301 /feeds/yaowen",
		"/feeds/gonggao.rss": "410 ", "/feeds/gonggao.json": "410 ", "/feeds/gonggao": "410 ", "/feeds/nowhere.rss": "404 ", "/feeds/yaowen.xml": "404 ",
	} {
		if resp, _ := curl(t, s.url(path)); fmt.Sprint(resp.StatusCode, " ", resp.Header.Get("Location")) != want {
			t.Errorf("%s: %s %s, want %s", path, resp.Status, resp.Header.Get("Location"), want)
		}
	}
	if p := feedparse(t, old, "", ""); p.Bozo || p.Status != 301 || p.Address != s.url("/feeds/yaowen.rss") || len(p.Articles) != count {
		t.Errorf("feedparser: status %d, now at %s with %d entries, bozo %v", p.Status, p.Address, len(p.Articles), p.Bozo)
	}
	if p := feedparse(t, gone, "", ""); p.Status != 410 || len(p.Articles) != 0 {
		t.Errorf("feedparser, of the retired feed: status %d with %d entries", p.Status, len(p.Articles))
	}
	n.reload()
	ended.reload()
	for name, program := range map[string]newsboat{"moved": n, "retired": ended} {
		if all, unread := program.shows(); len(all) != count || len(unread) > 0 {
			t.Errorf("newsboat, %s: %d articles, new are %q", name, len(all), unread)
		}
	}
	if got := r.run(); len(got) > 0 {
		t.Errorf("rss2email has mailed %+v", got)
	}
	if kept := read(t, r.config()); !strings.Contains(kept, "url = "+s.url("/feeds/yaowen.rss")) {
		t.Errorf("rss2email has not taken the new address:\n%s", kept)
	}
}
