package e2e

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mmcdole/gofeed"
)

// TestFirstRun is a stranger's first minutes: no file, no relay, no database.
// It uses the default ports, because that is what a stranger gets.
func TestFirstRun(t *testing.T) {
	s := &site{t: t, dir: t.TempDir(), port: 8080, ops: 8081}
	d := s.serve()
	for _, said := range []string{"http://127.0.0.1:8080/", filepath.Join(s.dir, "var"), "不发出", "检察要闻周报", "Asia/Shanghai", "issue draft weekly"} {
		if !strings.Contains(d.output(), said) {
			t.Errorf("the first lines do not say %q:\n%s", said, d.output())
		}
	}
	first := items(t, s, "all")
	if len(first) < 6 {
		t.Fatalf("%d samples in the feed, want six or more", len(first))
	}
	for _, title := range first {
		if !strings.Contains(title, "示例") {
			t.Errorf("%q is not marked as a sample", title)
		}
	}
	if code := d.interrupt(); code != 0 {
		t.Errorf("Ctrl-C: exit %d\n%s", code, d.output())
	}

	again := s.serve()
	second := items(t, s, "all")
	for id := range first {
		if second[id] != first[id] {
			t.Errorf("%s is %q after a restart, was %q", id, second[id], first[id])
		}
	}
	s.must("issue", "draft", "weekly")
	s.must("issue", "send", "weekly")
	if _, page := get(t, s.url("/mail")); !strings.Contains(page, "bangongshi@example.org") {
		t.Error("the captured mail is not listed at /mail")
	}
	if resp, _ := get(t, "http://127.0.0.1:8081/readyz"); resp.StatusCode != http.StatusOK {
		t.Errorf("/readyz: %s", resp.Status)
	}
	again.interrupt()
	onlyVar(t, s.dir)
}

// items gives id and title of every item, the same in all three formats.
func items(t *testing.T, s *site, feed string) map[string]string {
	t.Helper()
	var all map[string]string
	for _, format := range []string{"rss", "atom", "json"} {
		resp, body := get(t, s.url("/feeds/"+feed+"."+format))
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s", format, resp.Status)
		}
		parsed, err := gofeed.NewParser().ParseString(body)
		if err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		found := map[string]string{}
		for _, it := range parsed.Items {
			found[it.GUID] = it.Title
		}
		if all == nil {
			all = found
		}
		for id, title := range all {
			if found[id] != title || len(found) != len(all) {
				t.Errorf("%s: %s is %q, in RSS %q", format, id, found[id], title)
			}
		}
	}
	return all
}

func onlyVar(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && !strings.HasPrefix(path, filepath.Join(dir, "var")+string(os.PathSeparator)) {
			t.Errorf("%s was written outside var", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// samplePage is a page of our own in the seed's shape.
const samplePage = `当前位置:首页-检察要闻
检察要闻
中央第七督导组听取浙江省检察队伍教育整顿工作汇报
时间:2021-09-26  作者:  新闻来源: 【字号: | |

  浙江检察网杭州讯 9月15日上午,督导组召开汇报会,听取第一阶段工作情况。

  第二段。要有序推进各项工作,确保取得实效。

  第三段。

  第四段。

  第五段。

  第六段,参加会议的还有有关负责人。
`

// seeds is the folder with the real page where it is there, else one with ours.
func seeds(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(root(t), "../shared/seeds")
	if names, err := filepath.Glob(dir + "/*.txt"); err == nil && len(names) == 1 {
		return dir
	}
	dir = t.TempDir()
	write(t, filepath.Join(dir, "page.txt"), samplePage)
	return dir
}

func TestSeedPage(t *testing.T) {
	s := newSite(t, "sources:\n  - {name: seeds, kind: directory, path: "+seeds(t)+"}\n")
	var report struct{ New, Changed, Same int }
	s.data(&report, "ingest")
	if report.New != 1 {
		t.Errorf("first: %+v", report)
	}
	s.data(&report, "ingest")
	if report.New != 0 || report.Changed != 0 || report.Same != 1 {
		t.Errorf("again: %+v", report)
	}
	var list []struct {
		ID, Title, Column, Author, Origin, Published, URL string
		DateOnly                                          bool `json:"date_only"`
	}
	s.data(&list, "article", "list")
	if len(list) != 1 {
		t.Fatalf("%d articles", len(list))
	}
	a := list[0]
	if a.Title != "中央第七督导组听取浙江省检察队伍教育整顿工作汇报" || a.Column != "检察要闻" || a.Published != "2021-09-26T00:00:00+08:00" || !a.DateOnly || a.Author != "" || a.Origin != "" {
		t.Errorf("%+v", a)
	}
	var whole struct{ Body, Text string }
	s.data(&whole, "article", "show", a.ID)
	if n := strings.Count(whole.Body, "<p>"); n != 6 {
		t.Errorf("%d paragraphs, want 6", n)
	}
	for _, chrome := range []string{"字号", "当前位置", "新闻来源"} {
		if strings.Contains(whole.Body, chrome) {
			t.Errorf("the body holds %s", chrome)
		}
	}

	s.serve()
	last := strings.Split(strings.TrimSpace(whole.Text), "\n")[5]
	for _, format := range []string{"rss", "atom", "json"} {
		_, body := get(t, s.url("/feeds/all."+format))
		parsed, err := gofeed.NewParser().ParseString(body)
		if err != nil || len(parsed.Items) != 1 {
			t.Fatalf("%s: %v", format, err)
		}
		it := parsed.Items[0]
		if !strings.Contains(it.Content, last) {
			t.Errorf("%s: the last paragraph is not there", format)
		}
		if it.Link != s.url("/articles/"+a.ID) {
			t.Errorf("%s: links to %s", format, it.Link)
		}
	}
	if resp, page := get(t, s.url("/articles/"+a.ID)); resp.StatusCode != 200 || !strings.Contains(page, a.Title) {
		t.Errorf("the article's page: %s", resp.Status)
	}
}
