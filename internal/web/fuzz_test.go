package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// FuzzRequest holds that nobody can make the site stumble: whatever is asked,
// the answer is neither a panic nor a fault of ours, and leads to no other host.
func FuzzRequest(f *testing.F) {
	s := filled(f, 65, renamed, limited(1_000_000_000, 1_000_000_000), withMailbox)
	s.below("/news")
	s.withdraw(page(1))
	s.refresh()
	s.issue(2026, sent...)
	tag := s.tag("/feeds/all.rss")
	s.publish(page(-1))
	token := s.subscribed("a@example.org")
	for _, target := range []string{"/", "", "*", "/feeds/all.rss", "/news/feeds/all.atom?x=%zz", "/feeds/yaowen", "/feeds/yaowen.deleted.atom", "/feeds/yaowen/archive/1.rss", "/news/feeds/yaowen/archive/2-5.json", "/feeds/yaowen/archive/2.atom",
		"/feeds/jiancha.rss", "/feeds/zhongdian/archive/1.rss", "/feeds/tongzhi.rss", "/feeds.opml", "/search?q=检察", "/feeds/search.rss?q=%22%00%2a", "/search?q=" + strings.Repeat("a", 101), "/articles/" + idOf(page(0)), "/articles/" + idOf(page(1)),
		"/issues/weekly", "/issues/weekly/2026-1", "/u/" + token, "/mail", "/mail/1.eml/raw", "/hub", "/healthz", "/style.css", "//example.com/..", "/news//feeds/../..", "/news/%2F%2Fexample.com", `/\example.com`, "http://example.com//x", "/%ff%fe", "/feeds/jiancha.%0d%0ax"} {
		f.Add(http.MethodGet, target, "gzip;q=0, br", tag, "feed", "bytes=0-9", "198.51.100.1, 10.0.0.1", "localhost")
		f.Add(http.MethodPost, target, "*;q=", `W/"`, "feed;q=0", "bytes=-", "[::1]:x", "")
	}
	f.Fuzz(func(t *testing.T, method, target, accept, tag, im, ranges, forwarded, host string) {
		u, err := url.ParseRequestURI(target)
		if err != nil || strings.ContainsFunc(accept+tag+im+ranges+forwarded+host, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
			return // net/http does not let it through
		}
		r := httptest.NewRequest(http.MethodGet, "/", strings.NewReader(tag))
		r.Method, r.URL, r.Host, r.RemoteAddr = method, u, host, "127.0.0.1:1"
		r.Header = http.Header{"Accept-Encoding": {accept}, "Accept-Language": {accept}, "If-None-Match": {tag}, "If-Modified-Since": {tag}, "If-Range": {tag},
			"A-Im": {im}, "User-Agent": {im}, "Content-Type": {im}, "Range": {ranges}, "X-Forwarded-For": {forwarded, forwarded}}
		for name, values := range r.Header {
			if values[0] == "" {
				r.Header.Del(name)
			}
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		a := w.Result()
		if a.StatusCode >= 500 || a.StatusCode < 200 {
			t.Errorf("%s %q is answered %d", method, target, a.StatusCode)
		}
		if n := len(body(t, a)); n > 0 && (method == http.MethodHead || a.StatusCode == http.StatusNotModified) {
			t.Errorf("%s %q is answered %d with %d octets", method, target, a.StatusCode, n)
		}
		if to := a.Header.Get("Location"); to != "" && (!strings.HasPrefix(to, "/news") || strings.ContainsAny(to, "\r\n\\")) {
			t.Errorf("%s %q leads to %q", method, target, to)
		}
	})
}
