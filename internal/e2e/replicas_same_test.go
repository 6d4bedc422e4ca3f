package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"jianxun/internal/pgtest"
)

// sameFeeds are documents that do not even depend on the engine.
var sameFeeds = []string{
	"/feeds/all.rss", "/feeds/all.atom", "/feeds/all.json", "/feeds/yaowen.rss", "/feeds/yaowen.atom", "/feeds/yaowen.json", "/feeds.opml",
	"/feeds/all/archive/1.atom", "/feeds/yaowen/archive/1.rss", "/feeds/yaowen/archive/1.json", "/feeds/yaowen/archive/2.atom",
	"/feeds/all.deleted.atom", "/feeds/search.atom?q=127", "/feeds/search.json?q=%E6%A3%80%E5%AF%9F",
}

// served is the status, the entity tag and the octets of everything.
func served(t testing.TB, s *site, paths []string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, path := range paths {
		for _, coding := range []string{"identity", "gzip", "br"} {
			resp, body := get(t, s.url(path), "Accept-Encoding", coding)
			all[path+" "+coding] = resp.Status + resp.Header.Get("ETag") + body
		}
	}
	return all
}

// TestReplicasServeTheSame asks two replicas for everything: a reader must not
// notice which of them a load balancer chose. A daemon on SQLite that read the
// same pages serves the same feeds.
func TestReplicasServeTheSame(t *testing.T) {
	store, err := pgtest.Shared(t).Database()
	if err != nil {
		t.Fatal(err)
	}
	a, b, lite := newReplica(t, store, "", 1), newReplica(t, store, "", 1), newReplica(t, "sqlite:var/jianxun.db", "", 1)
	for _, s := range []*site{a, b, lite} {
		s.serve()
	}
	for n := range 130 {
		a.daily(n)
		lite.daily(n)
	}
	a.must("ingest", "pages")
	lite.must("ingest", "pages")
	a.must("issue", "draft", "weekly")
	a.must("issue", "send", "weekly")
	everything := append([]string{"/", "/feeds/all", "/feeds/yaowen", "/articles/" + a.articleID(dayTitle(127)), "/search?q=%E7%AC%AC127%E5%8F%B7",
		"/issues/weekly", fmt.Sprintf("/issues/weekly/%d", a.issue().Number)}, sameFeeds...)
	agree(t, a, b, everything)
	agree(t, a, lite, sameFeeds)
	for what, answer := range served(t, a, everything) {
		if !strings.HasPrefix(answer, "200 OK\"") {
			t.Errorf("%s is answered with %.60q", what, answer)
		}
	}
	for _, title := range []string{dayTitle(127), dayTitle(27)} { // in the feeds, and in an archive
		id := a.articleID(title)
		a.must("article", "withdraw", id)
		returned := time.Now()
		eventually(t, "the other replica no longer shows what was withdrawn", func() bool { return !shows(t, b, title) })
		t.Logf("%s was gone from the other replica %v after the command", title, time.Since(returned).Round(time.Millisecond))
		if resp, _ := get(t, b.url("/articles/"+id)); resp.StatusCode != http.StatusGone {
			t.Errorf("its page: %s", resp.Status)
		}
		agree(t, a, b, everything)
		b.must("article", "restore", id)
		agree(t, a, b, everything)
		if !shows(t, a, title) {
			t.Errorf("%s was restored and is not there", title)
		}
	}
}

// daily writes the page of a day. Each is newer than those before, so that the
// archives do not depend on how many of them a daemon takes in at a time.
func (s *site) daily(n int) {
	day := time.Date(2026, 5, 1+n, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
	s.write(fmt.Sprintf("pages/%03d.txt", n), fmt.Sprintf("当前位置:首页-检察要闻\n%s\n时间:%s  作者:张三  新闻来源:检察日报\n\n  检察机关办结第%03d号案件。\n", dayTitle(n), day, n))
}

func dayTitle(n int) string { return fmt.Sprintf("第%03d号案件办结", n) }

// shows tells whether any feed shows the article, or a search for it.
func shows(t testing.TB, s *site, title string) bool {
	t.Helper()
	for what, answer := range served(t, s, []string{"/feeds/all.json", "/feeds/all.atom", "/feeds/all/archive/1.atom", "/feeds/yaowen/archive/1.json",
		"/feeds/search.atom?q=027", "/search?q=%E7%AC%AC127%E5%8F%B7"}) {
		if strings.HasSuffix(what, "identity") && strings.Contains(answer, title) {
			return true
		}
	}
	return false
}

// agree waits until both have taken in what was done, which each does in its
// own time, and serve the same.
func agree(t *testing.T, a, b *site, paths []string) {
	t.Helper()
	var one, other map[string]string
	for timeout := time.Now().Add(15 * time.Second); time.Now().Before(timeout); {
		if one, other = served(t, a, paths), served(t, b, paths); maps.Equal(one, other) {
			return
		}
	}
	same(t, b.dir, one, other)
}
