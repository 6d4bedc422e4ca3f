package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

const pagesConfig = `
store: sqlite:var/jianxun.db
sources: [{name: pages, kind: directory, path: pages, every: 1s}]
feeds:
  - {slug: yaowen, title: 检察要闻, columns: [检察要闻], items: 5}
digests: [{slug: weekly, title: 检察要闻周报, schedule: "0 8 * * MON"}]
mail: {from: 检察要闻周报 <digest@example.org>}
subscribers: subscribers.yaml
`

// withPages is a site with n pages, the last one the newest.
func withPages(t testing.TB, config string, n int) *site {
	t.Helper()
	s := newSite(t, config)
	s.write("subscribers.yaml", "subscribers: [{email: a@example.org}]\n")
	for i := range n {
		s.page(i)
	}
	return s
}

func (s *site) page(n int) {
	s.write(fmt.Sprintf("pages/%03d.txt", n), fmt.Sprintf("当前位置:首页-检察要闻\n第%03d号案件办结\n时间:2026-09-%02d  作者:张三  新闻来源:检察日报\n\n  检察机关办结第%03d号案件。\n", n, 1+n%28, n))
}

// articleID finds an article by its title.
func (s *site) articleID(title string) string {
	s.t.Helper()
	var list []struct{ ID, Title string }
	s.data(&list, "article", "list", "--limit", "1000")
	for _, a := range list {
		if a.Title == title {
			return a.ID
		}
	}
	s.t.Fatalf("there is no article %s", title)
	return ""
}

// TestRequirement20AWithdrawalIsSeenByTheNextRequest does what an editor does
// when an article must go: one command, and no reader sees it any more.
func TestRequirement20AWithdrawalIsSeenByTheNextRequest(t *testing.T) {
	s := withPages(t, pagesConfig, 60)
	s.serve()
	const title = "第027号案件办结"
	id := s.articleID(title)
	everywhere := []string{"/feeds/all.rss", "/feeds/all.atom", "/feeds/all.json", "/feeds/yaowen.rss", "/feeds/yaowen.atom", "/feeds/yaowen.json",
		"/", "/feeds/yaowen", "/feeds/search.atom?q=027", "/search?q=%E7%AC%AC027%E5%8F%B7"}
	shown := func(path string) bool { _, body := get(t, s.url(path)); return strings.Contains(body, title) }
	for _, path := range everywhere {
		if !shown(path) {
			t.Errorf("%s does not show the article at first", path)
		}
	}
	s.must("issue", "draft", "weekly")
	for range 3 { // again and again: never a request too early
		if out := s.must("article", "withdraw", id); !strings.Contains(out, "已撤下："+title) || !strings.Contains(out, "article restore "+id[:8]) {
			t.Errorf("said %q", out)
		}
		for _, path := range everywhere {
			if shown(path) {
				t.Errorf("%s shows the withdrawn article", path)
			}
		}
		if resp, page := get(t, s.url("/articles/"+id)); resp.StatusCode != http.StatusGone || !strings.Contains(page, "撤") {
			t.Errorf("its page: %s %s", resp.Status, page)
		}
		if _, told := get(t, s.url("/feeds/yaowen.deleted.atom")); !strings.Contains(told, `ref="urn:uuid:`+id) {
			t.Errorf("the deletion is not told: %s", told)
		}
		if out := s.must("issue", "show", "weekly"); strings.Contains(out, title) {
			t.Errorf("the unsent issue holds it: %s", out)
		}
		s.must("article", "restore", id[:8])
		for _, path := range everywhere {
			if !shown(path) {
				t.Errorf("%s does not show the restored article", path)
			}
		}
		if _, body := get(t, s.url("/feeds/yaowen.atom")); !strings.Contains(body, "<id>urn:uuid:"+id) {
			t.Error("it came back under another id")
		}
	}
	if _, errs, code := s.run("article", "restore", id); code != 1 || !strings.Contains(errs, "该稿件已处于") {
		t.Errorf("restoring a live article: exit %d, %s", code, errs)
	}
	if _, errs, code := s.run("article", "withdraw", "00000000"); code != 1 || !strings.Contains(errs, "00000000") {
		t.Errorf("withdrawing an unknown article: exit %d, %s", code, errs)
	}
}

// TestRequirement23TheOctetsOutliveTheProcess compares all a daemon serves with
// what the next one does, and one that runs elsewhere over the same store.
func TestRequirement23TheOctetsOutliveTheProcess(t *testing.T) {
	s := withPages(t, pagesConfig, 130)
	d := s.serve()
	paths := []string{"/feeds.opml", "/feeds/yaowen/archive/1.rss", "/feeds/yaowen/archive/2.json", "/feeds/all/archive/1.atom", "/feeds/all/archive/2-30.atom"}
	for _, f := range []string{"all", "yaowen"} {
		for _, format := range []string{".rss", ".atom", ".json", ".deleted.atom"} {
			paths = append(paths, "/feeds/"+f+format)
		}
	}
	all := func(s *site) map[string]string {
		served := map[string]string{}
		for _, path := range paths {
			for _, coding := range []string{"identity", "gzip", "br"} {
				resp, body := get(t, s.url(path), "Accept-Encoding", coding)
				if resp.StatusCode != http.StatusOK {
					t.Fatalf("%s: %s", path, resp.Status)
				}
				served[path+" "+coding] = resp.Header.Get("ETag") + body
			}
		}
		return served
	}
	eventually(t, "the archives are filled", func() bool {
		resp, _ := get(t, s.url("/feeds/yaowen/archive/2.atom"))
		return resp.StatusCode == http.StatusOK
	})
	// The other one listens elsewhere and says that it is the same site.
	config := pagesConfig + fmt.Sprintf("site: {url: %q}\n", s.url(""))
	beside := &site{t: t, dir: s.dir + "/beside", port: freePort(t), ops: freePort(t)}
	beside.configure(strings.Replace(strings.ReplaceAll(config, "path: pages", "path: ../pages"), "sqlite:var", "sqlite:../var", 1))
	beside.write("subscribers.yaml", "subscribers: [{email: a@example.org}]\n")
	want := all(s)
	d.kill() // one file has one daemon; that replicas serve the same is tested with PostgreSQL
	other := beside.serve()
	same(t, "the one elsewhere", want, all(beside))
	other.kill()
	s.serve()
	same(t, "the next one", want, all(s))
}

func same(t *testing.T, who string, want, got map[string]string) {
	t.Helper()
	for what := range want {
		if want[what] != got[what] {
			t.Errorf("%s serves another %s", who, what)
		}
	}
}
