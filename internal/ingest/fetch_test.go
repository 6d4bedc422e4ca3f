package ingest

import (
	"compress/gzip"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"jianxun/internal/news"
)

func loopback() []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }

func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s.URL
}

func TestFetchGivesTheDocumentAndItsValidators(t *testing.T) {
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/old" {
			http.Redirect(w, r, "/new", http.StatusMovedPermanently)
			return
		}
		w.Header().Set("ETag", `"1"`)
		w.Header().Set("Last-Modified", "Sun, 26 Sep 2021 00:30:15 GMT")
		w.Header().Set("Content-Type", "text/html; charset=gbk")
		_, _ = w.Write([]byte(r.UserAgent()))
	})
	got, err := newFetcher("jianxun/test", loopback()).get(t.Context(), address+"/old", "", "")
	if err != nil {
		t.Fatal(err)
	}
	if string(got.body) != "jianxun/test" || got.url.String() != address+"/new" || got.contentType != "text/html; charset=gbk" ||
		got.etag != `"1"` || got.lastModified != "Sun, 26 Sep 2021 00:30:15 GMT" || got.notModified {
		t.Errorf("got %+v", got)
	}
}

func TestFetchIsConditional(t *testing.T) {
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") == `"1"` && r.Header.Get("If-Modified-Since") == "Sun, 26 Sep 2021 00:30:15 GMT" {
			w.WriteHeader(http.StatusNotModified)
		}
	})
	got, err := newFetcher("", loopback()).get(t.Context(), address, `"1"`, "Sun, 26 Sep 2021 00:30:15 GMT")
	if err != nil || !got.notModified {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestFetchRefusesPrivateAddresses(t *testing.T) {
	asked := false
	address := serve(t, func(http.ResponseWriter, *http.Request) { asked = true })
	for name, allow := range map[string][]netip.Prefix{
		"nothing allowed":       nil,
		"other network allowed": {netip.MustParsePrefix("10.0.0.0/8")},
	} {
		_, err := newFetcher("", allow).get(t.Context(), address, "", "")
		if !isRefused(err) || asked {
			t.Errorf("%s: got %v, asked %t", name, err, asked)
		}
	}
	named := strings.Replace(address, "127.0.0.1", "localhost", 1) // what the name leads to counts
	if _, err := newFetcher("", nil).get(t.Context(), named, "", ""); !isRefused(err) || asked {
		t.Errorf("localhost: got %v, asked %t", err, asked)
	}
}

func TestFetchRefusesARedirectToAPrivateAddress(t *testing.T) {
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://127.0.0.2/metadata", http.StatusFound)
	})
	_, err := newFetcher("", []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}).get(t.Context(), address, "", "")
	if !isRefused(err) || !strings.Contains(err.Error(), "127.0.0.2") {
		t.Errorf("got %v", err)
	}
}

// isRefused tells whether err says that a rule forbids it and how to lift the rule.
func isRefused(err error) bool {
	return err != nil && news.CodeOf(err) == news.Refused && strings.Contains(err.Error(), "allow_private")
}

func TestFetchIsBounded(t *testing.T) {
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/ftp":
			http.Redirect(w, r, "ftp://yunhe.example/", http.StatusFound)
		case "/large":
			_, _ = w.Write(make([]byte, maxBody+1))
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = z.Write(make([]byte, maxBody+1))
			_ = z.Close()
		case "/largest":
			_, _ = w.Write(make([]byte, maxBody))
		case "/short":
			w.Header().Set("Content-Length", "10")
			_, _ = w.Write([]byte("short"))
		default:
			http.NotFound(w, r)
		}
	})
	for path, want := range map[string]struct {
		code news.ErrorCode
		text string
	}{
		"/loop":    {news.Invalid, "more than 5 redirects"},
		"/ftp":     {news.Refused, "ftp is not followed"},
		"/large":   {news.TooLarge, "larger than 10 MB"},
		"/bomb":    {news.TooLarge, "larger than 10 MB"},
		"/short":   {news.Unavailable, "broke off"},
		"/missing": {news.Unavailable, "404"},
	} {
		_, err := newFetcher("", loopback()).get(t.Context(), address+path, "", "")
		if news.CodeOf(err) != want.code || !strings.Contains(err.Error(), want.text) {
			t.Errorf("%s: got %v (%s), want %q (%s)", path, err, news.CodeOf(err), want.text, want.code)
		}
	}
	if got, err := newFetcher("", loopback()).get(t.Context(), address+"/largest", "", ""); err != nil || len(got.body) != maxBody {
		t.Errorf("the largest document there may be: %d octets, %v", len(got.body), err)
	}
}

func TestFetchStopsWhenTold(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	address := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	_, err := newFetcher("", loopback()).get(ctx, address, "", "")
	if news.CodeOf(err) != news.Unavailable || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
