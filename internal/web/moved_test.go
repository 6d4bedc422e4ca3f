package web

import (
	"bytes"
	"net/url"
	"slices"
	"strings"
	"testing"

	"jianxun/internal/news"
)

// bases are the paths that sites lie below.
var bases = []string{"", "/news", "/检讯/a"}

// renamed makes a site whose feed yaowen was first called jiancha and then
// zhongdian, and whose feed tongzhi has been retired.
func renamed(set *Settings) {
	set.Feeds[1].Items, set.Feeds[1].Was = 10, []string{"jiancha", "zhongdian"}
	set.Feeds[2].Retired = true
}

// below has the site lie below the path and gives the path as it is written.
func (s *site) below(base string) string {
	s.t.Helper()
	s.settings.URL = address + base
	s.reload()
	return s.Links().Base()
}

// ofAFeed is what there is of a feed, after /feeds/ and its name.
var ofAFeed = []string{"", ".rss", ".atom", ".json", deletedSuffix, "/archive/1.rss", "/archive/1.atom", "/archive/1-2.json", "/archive/2-5.rss"}

func TestRequirement26ARenamedFeedHasMovedForGood(t *testing.T) {
	s := filled(t, 65, renamed)
	for _, base := range bases {
		escaped := s.below(base)
		for _, was := range []string{"jiancha", "zhongdian"} {
			for _, rest := range ofAFeed {
				for _, prefix := range []string{"", escaped} { // the proxy strips the path, or passes it on
					for _, query := range []string{"", "?utm_source=x&a=%zz"} {
						r := s.get(prefix + "/feeds/" + was + rest + query)
						to := r.Header.Get("Location")
						if want := escaped + "/feeds/yaowen" + rest; r.StatusCode != 301 || to != want {
							t.Errorf("%s is %d and leads to %s, want %s", prefix+"/feeds/"+was+rest+query, r.StatusCode, to, want)
							continue
						}
						if cache := r.Header.Get("Cache-Control"); !strings.Contains(cache, "max-age=") {
							t.Errorf("%s may not be remembered: %s", was+rest, cache)
						}
						wantStatus(t, s.get(to), 200)
					}
				}
			}
			wantStatus(t, s.do("HEAD", "/feeds/"+was+".rss"), 301)
			wantStatus(t, s.do("POST", "/feeds/"+was+".rss"), 405)
		}
	}
}

// What is asked of a feed that was there before, and is not, is answered in one
// step or at the new name, but never elsewhere.
func TestRequirement26AnOldNameLeadsNowhereElse(t *testing.T) {
	s := filled(t, 1, renamed)
	for _, base := range bases[:2] {
		s.below(base)
		for _, rest := range []string{".xml", ".rss.gz", ".RSS", ".%2f..%2f..%2fx", ".%2f%2fexample.com", ".%5c%5cexample.com", ".rss%3fx=1", ".rss%23x", ".rss%0d%0aX-Evil:%201", ".%e6%a3%80", "%2f..%2f..%2f..%2fx",
			"/archive/7.rss", "/archive/x", "/archive/..%2f..%2f..%2f..%2fx", "/archive/%2f%2fexample.com", "/archive/1.rss%0d%0aX-Evil:%201", "/archive/1.rss%3fx"} {
			target := base + "/feeds/jiancha" + rest
			r := s.get(target)
			if r.StatusCode == 404 {
				continue
			}
			to, err := url.Parse(r.Header.Get("Location"))
			if err != nil || r.StatusCode != 301 || to.Host != "" || to.RawQuery != "" || to.Fragment != "" || !strings.HasPrefix(to.EscapedPath(), base+"/feeds/yaowen") {
				t.Errorf("%s is %d and leads to %q, %v", target, r.StatusCode, r.Header.Get("Location"), err)
				continue
			}
			if len(r.Header["X-Evil"]) > 0 || strings.ContainsAny(r.Header.Get("Location"), "\r\n") {
				t.Errorf("%s writes into the header: %q", target, r.Header)
			}
			wantStatus(t, s.get(to.EscapedPath()), 404)
		}
	}
}

func TestRequirement26ARenamedFeedIsTheFeedItWas(t *testing.T) {
	s := filled(t, 65, func(set *Settings) { set.Feeds[1].Items = 10 })
	before := map[string]told{}
	for _, name := range []string{".atom", deletedSuffix, "/archive/1.atom", "/archive/2-5.atom"} {
		before[name] = s.read("/feeds/yaowen" + name)
	}
	s.settings.Feeds[1].Slug, s.settings.Feeds[1].Was = "xinwen", []string{"yaowen"}
	s.reload()
	for name, was := range before {
		now := s.read("/feeds/xinwen" + name)
		if now.id != was.id || !slices.Equal(now.items, was.items) {
			t.Errorf("%s has the id %s and %d items, had %s and %d", name, now.id, len(now.items), was.id, len(was.items))
		}
		if want := strings.ReplaceAll(was.self+was.prev, "yaowen", "xinwen"); now.self+now.prev != want {
			t.Errorf("%s names %s and %s, want %s", name, now.self, now.prev, want)
		}
		wantStatus(t, s.get("/feeds/yaowen"+name), 301)
	}
	// A second time, too.
	s.settings.Feeds[1].Slug, s.settings.Feeds[1].Was = "dongtai", []string{"yaowen", "xinwen"}
	s.reload()
	if now, was := s.read("/feeds/dongtai.atom"), before[".atom"]; now.id != was.id || now.prev != strings.ReplaceAll(was.prev, "yaowen", "dongtai") {
		t.Errorf("%+v, was %+v", now, was)
	}
	for _, other := range []string{"/feeds/all.atom", "/feeds/tongzhi.atom"} {
		if s.read(other).id == before[".atom"].id {
			t.Errorf("%s has the same id", other)
		}
	}
}

func TestRequirement26ARetiredFeedIsGone(t *testing.T) {
	s := filled(t, 65, renamed)
	for _, base := range bases {
		escaped := s.below(base)
		for _, rest := range append(ofAFeed, ".xml", "/archive/x") {
			for _, prefix := range []string{"", escaped} {
				target := prefix + "/feeds/tongzhi" + rest
				doc := html(t, s.get(target), 410)
				if got := texts(doc, "main p")[0]; got != "该订阅源已停用；其中的稿件仍可阅读和检索" {
					t.Errorf("%s says %q", target, got)
				}
			}
		}
		wantStatus(t, s.get("/feeds/tongzhi.rss?a=b"), 410)
		wantStatus(t, s.do("HEAD", "/feeds/tongzhi.rss"), 410)
		wantStatus(t, s.do("POST", "/feeds/tongzhi.rss"), 405)
		for _, target := range []string{"/feeds.opml", "/", "/feeds/all", "/feeds/yaowen", "/nothing"} {
			if b := body(t, s.get(target)); bytes.Contains(b, []byte("tongzhi")) || bytes.Contains(b, []byte("jiancha")) || !bytes.Contains(b, []byte("feeds/yaowen")) {
				t.Errorf("%s still leads to the retired feed or to an old name", target)
			}
		}
	}
}

// A feed may be renamed and later retired: its old names say so in the end.
func TestRequirement26TheOldNamesOfARetiredFeedLeadToItsEnd(t *testing.T) {
	s := filled(t, 1, func(set *Settings) { set.Feeds[2].Retired, set.Feeds[2].Was = true, []string{"gonggao"} })
	for _, rest := range ofAFeed {
		wantStatus(t, s.get("/feeds/gonggao"+rest), 301)
		wantStatus(t, s.get(s.get("/feeds/gonggao"+rest).Header.Get("Location")), 410)
	}
}

func TestRequirement26AFeedThatComesBackIsThereAgain(t *testing.T) {
	s := filled(t, 3, renamed)
	wantStatus(t, s.get("/feeds/tongzhi.rss"), 410)
	s.settings.Feeds = []news.Feed{s.settings.Feeds[0], {Slug: "tongzhi", Title: "通知公告", Items: 50}, {Slug: "jiancha", Title: "检察", Items: 50}}
	s.reload()
	wantStatus(t, s.get("/feeds/tongzhi.rss"), 200)
	wantStatus(t, s.get("/feeds/jiancha.rss"), 200) // a name may be used again
	wantStatus(t, s.get("/feeds/yaowen.rss"), 404)
}

func TestUntidyPathsLeadToTidyOnesOfThisSite(t *testing.T) {
	s := newSite(t)
	for _, base := range bases {
		base = s.below(base)
		for asked, want := range map[string]string{
			"//feeds/all": "/feeds/all", "/feeds//all.rss": "/feeds/all.rss", "/feeds/./all": "/feeds/all", "/feeds/x/../all": "/feeds/all", "/../feeds/all": "/feeds/all", "//": "/", "/.": "/", "/..": "/",
			"//example.com/x": "/example.com/x", "///example.com": "/example.com", "/.//example.com": "/example.com", "/..//example.com/..": "/", "//example.com/../feeds/all": "/feeds/all",
			`/\example.com//x`: "/%5Cexample.com/x", "/../../../../etc/passwd": "/etc/passwd", "/feeds//all?a=b&c": "/feeds/all?a=b&c", "//search?q=%E6%A3%80": "/search?q=%E6%A3%80", "//example.com?x=//y": "/example.com?x=//y",
		} {
			want := base + want
			if want == base+"/" && base != "" {
				want = base
			}
			for _, prefix := range []string{"", base} {
				r := s.get(prefix + asked)
				got := r.Header.Get("Location")
				if prefix != "" && strings.Contains(asked, "/..") && strings.HasPrefix(got, base+"/") {
					got = want // some place of the site: there is no better one
				}
				if r.StatusCode != 301 || got != want && got != want+"/" {
					t.Errorf("%s is %d and leads to %q, want %q", prefix+asked, r.StatusCode, got, want)
				}
			}
		}
	}
}

// TestAnEncodedSlashOrDotIsNoneOfThePath: a path that a proxy did not strip is
// not made another one by what is escaped in it.
func TestAnEncodedSlashOrDotIsNoneOfThePath(t *testing.T) {
	s := newSite(t)
	for _, base := range bases {
		base = s.below(base)
		for _, asked := range []string{"/%2Fexample.com", "/feeds%2F%2Fall", "/feeds%2Fall", "/feeds/%2e%2e%2Fx", "/feeds/%2e%2e/all", "/%2e%2e/x", "/%2e/", "/articles/%2F", "/search%2F", "/feeds/all%2Farchive%2F1.rss"} {
			for _, prefix := range []string{"", base} {
				if r := s.get(prefix + asked); r.StatusCode != 404 {
					t.Errorf("%s is %d and leads to %q", prefix+asked, r.StatusCode, r.Header.Get("Location"))
				}
			}
		}
		wantStatus(t, s.get(base+"/feeds/%61ll%2Erss"), 200) // other letters may be escaped or not
		wantStatus(t, s.get(base+"/feeds/%61ll"), 200)
	}
}
