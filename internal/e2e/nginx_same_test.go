//go:build interop

package e2e

import (
	"compress/gzip"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
)

// decoded is the body without its coding.
func decoded(t *testing.T, resp *http.Response, body string) string {
	t.Helper()
	var r io.Reader = strings.NewReader(body)
	switch resp.Header.Get("Content-Encoding") {
	case "gzip":
		zr, err := gzip.NewReader(r)
		if err != nil {
			t.Fatal(err)
		}
		r = zr
	case "br":
		r = brotli.NewReader(r)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(plain)
}

// wantSame expects of nginx what the daemon answers, in every coding.
func (n *nginx) wantSame(path string, status int) {
	n.t.Helper()
	for _, coding := range []string{"identity", "gzip", "br", "gzip, deflate, br"} {
		got, body := get(n.t, n.at(path), "Accept-Encoding", coding)
		want, served := get(n.t, n.inner(path), "Accept-Encoding", coding)
		if got.StatusCode != status || want.StatusCode != status {
			n.t.Errorf("%s: nginx %s, jianxun %s, want %d", path, got.Status, want.Status, status)
			continue
		}
		packed := got.Header.Get("Content-Encoding")
		if want := want.Header.Get("Content-Encoding"); want != "" && (packed != want || body != served) {
			n.t.Errorf("%s, asked for in %s: nginx gives %q, not the octets of %q", path, coding, packed, want)
		}
		plain := decoded(n.t, want, served)
		if decoded(n.t, got, body) != plain {
			n.t.Errorf("%s in %s: nginx gives something else", path, coding)
		}
		if best := coding[max(0, strings.LastIndex(coding, " ")+1):]; status == http.StatusOK && len(plain) >= 512 && packed != strings.TrimPrefix(best, "identity") {
			n.t.Errorf("%s, asked for in %s, comes in %q", path, coding, packed)
		}
		for _, field := range []string{"Content-Type", "Cache-Control", "X-Content-Type-Options", "Content-Security-Policy", "Referrer-Policy"} {
			if g, w := got.Header.Values(field), want.Header.Values(field); !slices.Equal(g, w) {
				n.t.Errorf("%s: %s is %q, want %q", path, field, g, w)
			}
		}
		if vary := strings.Join(got.Header.Values("Vary"), ","); status == http.StatusOK && !strings.Contains(vary, "Accept-Encoding") {
			n.t.Errorf("%s: Vary is %q", path, vary)
		}
		if status == http.StatusOK {
			n.wantConditional(path, coding, got)
		}
	}
}

// wantConditional expects 304 for who has the answer already, and the same
// fields for HEAD.
func (n *nginx) wantConditional(path, coding string, whole *http.Response) {
	n.t.Helper()
	for _, condition := range [][2]string{{"If-None-Match", whole.Header.Get("Etag")}, {"If-Modified-Since", whole.Header.Get("Last-Modified")}} {
		resp, body := get(n.t, n.at(path), "Accept-Encoding", coding, condition[0], condition[1])
		if resp.StatusCode != http.StatusNotModified || body != "" || resp.Header.Get("Etag") != whole.Header.Get("Etag") || resp.Header.Get("Cache-Control") != whole.Header.Get("Cache-Control") {
			n.t.Errorf("%s in %s with %s: %s, %v", path, coding, condition, resp.Status, resp.Header)
		}
	}
	head, _ := request(n.t, http.MethodHead, n.at(path), "", "Accept-Encoding", coding)
	for _, field := range []string{"Content-Length", "Content-Type", "Content-Encoding", "Etag", "Last-Modified", "Cache-Control", "Vary"} {
		if head.StatusCode != http.StatusOK || head.Header.Get(field) != whole.Header.Get(field) {
			n.t.Errorf("HEAD %s: %s, %s is %q, want %q", path, head.Status, field, head.Header.Get(field), whole.Header.Get(field))
		}
	}
}

func (n *nginx) wantStatus(method, path string, want int) *http.Response {
	n.t.Helper()
	resp, _ := request(n.t, method, n.at(path), "")
	if resp.StatusCode != want {
		n.t.Errorf("%s %s: %s, want %d", method, path, resp.Status, want)
	}
	return resp
}

func TestInteropNginxServesWhatTheDaemonServes(t *testing.T) {
	for name, c := range map[string]struct {
		base   string
		change []string
	}{
		"at the root":  {"", nil},
		"below a path": {"/news", []string{`set $base "";`, `set $base "/news";`, "# rewrite", "rewrite"}},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNginx(t, c.base, c.change...)
			for _, path := range []string{"/", "/feeds/all", "/feeds/yaowen", "/articles/" + n.ids[0], "/articles/" + n.ids[129], "/issues/weekly", "/style.css", "/copy.js", "/feeds.opml",
				"/feeds/all.rss", "/feeds/all.atom", "/feeds/all.json", "/feeds/all.deleted.atom", "/feeds/tongzhi.rss?utm_source=x",
				"/feeds/all/archive/1.rss", "/feeds/all/archive/1.atom", "/feeds/all/archive/1.json", "/feeds/all/archive/2-29.atom", "/feeds/yaowen/archive/1-25.json"} {
				n.wantSame(path, http.StatusOK)
				resp := n.wantStatus(http.MethodPost, path, http.StatusMethodNotAllowed)
				if allow := resp.Header.Get("Allow"); allow != "GET, HEAD" {
					t.Errorf("POST %s: Allow is %q", path, allow)
				}
			}
			n.wantSame("/articles/"+n.ids[3], http.StatusGone)
			n.wantSame("/feeds/zhuanti", http.StatusGone)
			n.wantSame("/feeds/zhuanti.rss", http.StatusGone)
			n.wantSame("/feeds/zhuanti/archive/1.rss", http.StatusGone)
			n.wantStatus(http.MethodPost, "/articles/"+n.ids[3], http.StatusMethodNotAllowed)
			n.passesOn()
			n.leadsOn()
			n.hides()
			n.walks()
		})
	}
}

// passesOn asks for what only the daemon can answer.
func (n *nginx) passesOn() {
	n.t.Helper()
	for _, path := range []string{"/search", "/search?q=%E7%A8%BF%E4%BB%B6", "/feeds/search.rss?q=0100", "/feeds/search.atom?q=%E7%A8%BF%E4%BB%B6", "/u/nobody", "/hub"} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			got, body := request(n.t, method, n.at(path), "", "Accept-Encoding", "br")
			want, served := request(n.t, method, n.inner(path), "", "Accept-Encoding", "br")
			for _, r := range []*http.Response{got, want} {
				for _, field := range []string{"Date", "Connection", "Server"} {
					r.Header.Del(field)
				}
			}
			if got.StatusCode != want.StatusCode || body != served || !maps.EqualFunc(got.Header, want.Header, slices.Equal[[]string]) {
				n.t.Errorf("%s %s: nginx %s with %v, jianxun %s with %v", method, path, got.Status, got.Header, want.Status, want.Header)
			}
		}
	}
}

// leadsOn asks under old names, and for archive documents that are not there yet
// or no more.
func (n *nginx) leadsOn() {
	n.t.Helper()
	for _, rest := range []string{"", ".rss", ".atom", ".json", ".deleted.atom", "/archive/1.rss", "/archive/1-45.json"} {
		path := "/feeds/gonggao" + rest
		got, _ := get(n.t, n.at(path))
		want, _ := get(n.t, n.inner(path))
		if got.StatusCode != http.StatusMovedPermanently || got.Header.Get("Location") != want.Header.Get("Location") || got.Header.Get("Cache-Control") != want.Header.Get("Cache-Control") {
			n.t.Errorf("%s: nginx %s to %s, jianxun %s to %s", path, got.Status, got.Header.Get("Location"), want.Status, want.Header.Get("Location"))
		}
	}
	for _, path := range []string{"/feeds/all/archive/2.rss", "/feeds/all/archive/2.atom", "/feeds/tongzhi/archive/1.json", "/feeds/all/archive/2-7.atom"} {
		resp := n.wantStatus(http.MethodGet, path, http.StatusFound)
		if to := resp.Header.Get("Location"); n.base+path[:strings.Index(path, "/archive")]+path[strings.LastIndex(path, "."):] != to {
			n.t.Errorf("%s leads to %s", path, to)
		}
	}
}

// hides asks for what is nobody's business, and for what there is not.
func (n *nginx) hides() {
	n.t.Helper()
	for _, path := range []string{"/.jianxun/manifest", "/.jianxun/state", "/.jianxun/lock", "/.jianxun/", "/feeds/.x", "/nginx/moved.conf", "/nginx/", "/nginx",
		"/gone/articles/" + n.ids[3] + ".html", "/gone/articles/" + n.ids[3], "/gone/", "/gone/feeds/zhuanti", "/index.html", "/feeds/all.html", "/articles/" + n.ids[5] + ".html",
		"/feeds/all.rss.gz", "/feeds/all.rss.br", "/style.css.gz", "/articles/" + n.ids[5] + ".html.gz",
		"/feeds/", "/feeds", "/articles/", "/articles/none", "/feeds/none.rss", "/feeds/none", "/feeds/all.xml", "/none", "/issues/none", "/issues/weekly/1-1",
		"/feeds/none/archive/1.rss", "/feeds/all/archive/0.rss", "/feeds/all/archive/x.rss", "/feeds/all/archive/", "/feeds/gonggaox.rss", "/mail"} {
		n.wantStatus(http.MethodGet, path, http.StatusNotFound)
	}
}
