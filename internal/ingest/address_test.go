package ingest

import (
	"net/url"
	"strings"
	"testing"

	"jianxun/internal/news"
)

func TestCanonicalURL(t *testing.T) {
	for raw, want := range map[string]string{
		"http://www.yunhe.example/a.html":                                 "http://www.yunhe.example/a.html",
		" HTTP://WWW.Yunhe.Example:80/A.html#top ":                        "http://www.yunhe.example/A.html",
		"https://yunhe.example:443":                                       "https://yunhe.example/",
		"https://yunhe.example:8443/":                                     "https://yunhe.example:8443/",
		"http://yunhe.example:443/":                                       "http://yunhe.example:443/",
		"http://user:secret@yunhe.example/":                               "http://yunhe.example/",
		"http://检察.example/要闻/一.html":                                     "http://xn--ldtp31a.example/%E8%A6%81%E9%97%BB/%E4%B8%80.html",
		"http://yunhe.example/%e8%a6%81%E9%97%BB/":                        "http://yunhe.example/%E8%A6%81%E9%97%BB/",
		"http://yunhe.example/%7Ea/%41":                                   "http://yunhe.example/~a/A",
		"http://yunhe.example/a/../b/./c//d/":                             "http://yunhe.example/b/c/d/",
		"http://yunhe.example/../../etc":                                  "http://yunhe.example/etc",
		"http://yunhe.example/a%2Fb":                                      "http://yunhe.example/a%2Fb", // not the same as /a/b
		"http://yunhe.example/a.jsp;jsessionid=0A1B?id=7":                 "http://yunhe.example/a.jsp?id=7",
		"http://yunhe.example/ȺȺȺȺȺȺȺȺȺȺȺȺȺȺȺȺ;jsessionid=1":              "http://yunhe.example/" + strings.Repeat("%C8%BA", 16),
		"http://yunhe.example/a?":                                         "http://yunhe.example/a",
		"http://yunhe.example/a?utm_source=wx&UTM_Medium=x&spm=a.b":       "http://yunhe.example/a",
		"http://yunhe.example/a?b=2&PHPSESSID=f00&a=1&from=singlemessage": "http://yunhe.example/a?b=2&a=1", // order is kept
		"http://yunhe.example/a?q=检察 要闻|x":                                "http://yunhe.example/a?q=%E6%A3%80%E5%AF%9F%20%E8%A6%81%E9%97%BB%7Cx",
		"http://in_tranet:8080/x":                                         "http://in_tranet:8080/x",
		"http://10.0.0.1/x":                                               "http://10.0.0.1/x",
		"http://[2001:DB8::1]:80/x":                                       "http://[2001:db8::1]/x",
	} {
		got, err := CanonicalURL(raw)
		if err != nil || got != want {
			t.Errorf("%q:\n got %q, %v\nwant %q", raw, got, err, want)
		}
		if again, err := CanonicalURL(got); err != nil || again != got {
			t.Errorf("%q becomes %q at a second look, %v", got, again, err)
		}
	}
}

func TestCanonicalURLRefusesOtherAddresses(t *testing.T) {
	for _, raw := range []string{"", "a.html", "//yunhe.example/a", "ftp://yunhe.example/", "javascript:alert(1)", "http://", "http:///a", "http://:80/", "http:yunhe", "http://a\"b/", "http://a b/", "http://yunhe.example:port/", "mailto:a@yunhe.example", "http://yunhe.example/%zz"} {
		if got, err := CanonicalURL(raw); news.CodeOf(err) != news.Invalid {
			t.Errorf("%q: got %q, %v; want it refused", raw, got, err)
		}
	}
}

func FuzzCanonicalURL(f *testing.F) {
	for _, s := range []string{"http://www.yunhe.example/a/../b;jsessionid=1?x=1&utm_id=2#f", "https://检察.example:443/要闻?q=<>", "http://[::1%25eth0]/", "http://a/%2F%2e%2e/", "http://a/?&&=&sid"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := CanonicalURL(raw)
		if err != nil {
			return
		}
		u, err := url.Parse(got)
		if err != nil || u.Hostname() == "" || u.Fragment != "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
			t.Fatalf("%q became %q, %v", raw, got, err)
		}
		if strings.ContainsFunc(got, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"<>\\^`{|}", r) }) {
			t.Errorf("%q became %q, which is not all of RFC 3986's characters", raw, got)
		}
		if again, err := CanonicalURL(got); err != nil || again != got {
			t.Errorf("%q became %q and then %q, %v", raw, got, again, err)
		}
	})
}
