package e2e

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
)

// printedSite has a feed with full archive pages, and one whose first page is
// being filled. With a relay, pages do not offer captured mail on this computer.
const printedSite = `
site: {title: 检讯, url: "https://news.example.org"}
mail: {from: digest@example.org, relay: "smtp://127.0.0.1:1"}
sources:
  - {name: pages, kind: directory, path: pages, every: 24h}
feeds:
  - {slug: yaowen, title: 检察要闻, columns: [检察要闻], items: 40}
  - {slug: tongzhi, title: 通知公告, columns: [通知公告], items: 20, was: [gonggao]}
  - {slug: zhuanti, title: 专题, retired: true}
`

// pressPage is the n-th page, of the column by turns, the later the newer.
func pressPage(n int, text string) string {
	column := []string{"检察要闻", "通知公告"}[n%2]
	day := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n)
	return fmt.Sprintf("当前位置:首页-%s\n%s\n%s\n时间:%s  作者:  新闻来源:本院 【字号: | |\n\n  %s\n\n  第二段,第%d号。\n", column, column, pressTitle(n), day.Format(time.DateOnly), text, n)
}

func pressTitle(n int) string { return fmt.Sprintf("第%04d号稿件", n) }

// press is a site whose store holds that many articles, and their ids by number.
func press(t *testing.T, config string, articles int) (*site, []string) {
	t.Helper()
	s := newSite(t, config)
	for n := range articles {
		s.write(fmt.Sprintf("pages/%04d.txt", n), pressPage(n, "正文。"))
	}
	s.must("ingest")
	return s, s.pressIDs(articles)
}

func (s *site) pressIDs(articles int) []string {
	s.t.Helper()
	var list []struct{ ID, Title string }
	s.data(&list, "article", "list", "--limit", "10000")
	ids := make([]string, articles)
	for _, a := range list {
		var n int
		if _, err := fmt.Sscanf(a.Title, "第%d号稿件", &n); err != nil {
			s.t.Fatal(err)
		}
		ids[n] = a.ID
	}
	return ids
}

type counts struct{ Written, Unchanged, Removed int }

// export exports the site into the folder out.
func (s *site) export() (c counts) {
	s.t.Helper()
	s.data(&c, "export", "out")
	return c
}

// printed is a file as it was exported; two are equal when it was not touched.
type printed struct {
	sum   [sha256.Size]byte
	inode uint64
	mod   time.Time
}

// files are the exported files below the folder, by path.
func files(t testing.TB, dir string) map[string]printed {
	t.Helper()
	all := map[string]printed{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.Name() == ".jianxun":
			return fs.SkipDir
		case e.IsDir():
			return nil
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := e.Info()
		name, _ := filepath.Rel(dir, path)
		all[name] = printed{sha256.Sum256(body), info.Sys().(*syscall.Stat_t).Ino, info.ModTime()}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// unpacked is the content of a twin.
func unpacked(t testing.TB, path string) string {
	t.Helper()
	packed := strings.NewReader(read(t, path))
	var r io.Reader = brotli.NewReader(packed)
	if strings.HasSuffix(path, ".gz") {
		var err error
		if r, err = gzip.NewReader(packed); err != nil {
			t.Fatal(err)
		}
	}
	body, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return string(body)
}

func TestExportedFilesAreWhatIsServed(t *testing.T) {
	relay := newSink(t, "")
	s, ids := press(t, strings.Replace(printedSite, "127.0.0.1:1", relay.addr, 1), 130)
	s.must("article", "withdraw", ids[3])
	s.write("subscribers.yaml", threePeople)
	s.configure(strings.Replace(printedSite, "127.0.0.1:1", relay.addr, 1) + "subscribers: subscribers.yaml\n")
	s.must("issue", "draft", "weekly")
	s.must("issue", "send", "weekly")
	if c := s.export(); c.Unchanged != 0 || c.Removed != 0 {
		t.Errorf("into an empty folder: %+v", c)
	}
	d := s.serve()
	kinds := map[string]int{}
	for name := range files(t, filepath.Join(s.dir, "out")) {
		switch filepath.Ext(name) {
		case ".gz", ".br":
			if _, err := os.Stat(filepath.Join(s.dir, "out", strings.TrimSuffix(name, filepath.Ext(name)))); err != nil {
				t.Errorf("%s is the twin of nothing", name)
			}
		case ".conf":
		default:
			kinds[kindOf(name)]++
			s.wantServed(name)
		}
	}
	want := map[string]int{"articles/*.html": 129, "gone/articles/*.html": 1, "gone/feeds/*.html": 1, "index.html": 1, "style.css": 1, "copy.js": 1, "feeds.opml": 1,
		"feeds/*.html": 3, "feeds/*.rss": 3, "feeds/*.atom": 6, "feeds/*.json": 3, "issues/*.html": 1, "issues/weekly/*.html": 1,
		// 80 of all have left: 50 and 30; 25 of 65 of the one column, 45 of 65 of the other.
		"feeds/all/archive/*.rss": 2, "feeds/all/archive/*.atom": 2, "feeds/all/archive/*.json": 2, "feeds/yaowen/archive/*.rss": 1, "feeds/yaowen/archive/*.atom": 1,
		"feeds/yaowen/archive/*.json": 1, "feeds/tongzhi/archive/*.rss": 1, "feeds/tongzhi/archive/*.atom": 1, "feeds/tongzhi/archive/*.json": 1}
	if !maps.Equal(kinds, want) {
		t.Errorf("exported: %v\nwant %v", kinds, want)
	}
	if code := d.interrupt(); code != 0 {
		t.Errorf("exit %d\n%s", code, d.output())
	}
}

// kindOf is the path of a file that stands for all of its kind.
func kindOf(name string) string {
	if dir := filepath.Dir(name); dir != "." {
		return dir + "/*" + filepath.Ext(name)
	}
	return name
}

// wantServed expects that the daemon answers the path of a file with its octets,
// in each coding. A page is served as it is; its twins must hold the same.
func (s *site) wantServed(name string) {
	s.t.Helper()
	path, status := "/"+strings.TrimSuffix(name, ".html"), http.StatusOK
	if rest, gone := strings.CutPrefix(path, "/gone"); gone {
		path, status = rest, http.StatusGone
	}
	if path == "/index" {
		path = "/"
	}
	file := filepath.Join(s.dir, "out", name)
	for _, c := range []struct{ coding, twin string }{{"identity", ""}, {"gzip", ".gz"}, {"br", ".br"}} {
		resp, body := get(s.t, s.url(path), "Accept-Encoding", c.coding)
		if resp.StatusCode != status {
			s.t.Errorf("%s: %s, want %d", path, resp.Status, status)
		}
		_, err := os.Stat(file + c.twin)
		switch {
		case len(body) < 512 && c.twin != "" && resp.Header.Get("Content-Encoding") == "":
			if err == nil {
				s.t.Errorf("%s is so small that it needs no twin", name)
			}
		case c.twin != "" && resp.Header.Get("Content-Encoding") == "":
			if unpacked(s.t, file+c.twin) != body {
				s.t.Errorf("%s holds something else than %s", name+c.twin, path)
			}
		case err != nil || !bytes.Equal([]byte(body), []byte(read(s.t, file+c.twin))):
			s.t.Errorf("%s is not what %s answers in %s, %v", name+c.twin, path, c.coding, err)
		}
	}
}

func TestASecondExportTouchesNothing(t *testing.T) {
	s, _ := press(t, printedSite, 130)
	first := s.export()
	before := files(t, filepath.Join(s.dir, "out"))
	if len(before) != first.Written {
		t.Errorf("%d files, %+v", len(before), first)
	}
	for range 2 {
		if c := s.export(); c != (counts{Unchanged: first.Written}) {
			t.Errorf("again: %+v, want %d unchanged", c, first.Written)
		}
	}
	if after := files(t, filepath.Join(s.dir, "out")); !maps.Equal(after, before) {
		t.Errorf("touched: %v", slices.Sorted(maps.Keys(after)))
	}
}
