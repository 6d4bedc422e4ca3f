package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const backedUpSite = `
sources:
  - {name: fixed, kind: directory, path: fixed, column: 检察要闻, every: 1s}
  - {name: growing, kind: directory, path: growing, column: 检务公开, every: 1s}
feeds:
  - {slug: fixed, title: 不变, sources: [fixed]}
digests:
  - {slug: weekly, title: 检察要闻周报, schedule: "0 8 * * MON", columns: [检察要闻]}
mail:
  from: 检察要闻周报 <digest@example.org>
  relay: smtp://%s
  connections: 4
subscribers: subscribers.yaml
`

func pageText(title, body string) string {
	return "当前位置:首页-检察要闻\n检察要闻\n" + title + "\n时间:2026-09-26  作者:  新闻来源: 【字号: | |\n\n  " + body + title + "。\n\n  第二段。\n"
}

// pageOf is a page with a title of its own.
func (s *site) pageOf(folder, title string) {
	s.write(filepath.Join(folder, title+".txt"), pageText(title, "第一段。"))
}

// TestBackupAndRestore: a backup is made in the middle of everything, and put in
// the place of the store after much has happened since.
func TestBackupAndRestore(t *testing.T) {
	const people = 60
	relay := newSink(t, "")
	s := newSite(t, fmt.Sprintf(backedUpSite, relay.addr))
	s.write("subscribers.yaml", manyPeople(people))
	for n := range 8 {
		s.pageOf("fixed", fmt.Sprintf("检察机关依法履职第%d篇", n))
	}
	s.pageOf("growing", "检务公开第一篇")
	d := s.serve()
	eventually(t, "the articles are in the feed", func() bool { return len(items(t, s, "fixed")) == 8 })
	before := s.feedFiles("fixed")

	stop := s.grow()
	relay.slow(200 * time.Millisecond)
	s.must("issue", "draft", "weekly")
	sent := make(chan int)
	go func() {
		_, _, code := s.run("issue", "send", "weekly")
		sent <- code
	}()
	relay.wait(t, 8)
	backup := filepath.Join(s.dir, "backup.db")
	out := s.must("backup", backup)
	if !strings.Contains(out, backup) || !strings.Contains(out, "store resume") {
		t.Errorf("it says: %s", out)
	}
	if code := <-sent; code != 0 {
		t.Errorf("the sending beside the backup: exit %d", code)
	}
	stop()
	if n := len(relay.all()); n != people {
		t.Fatalf("%d mails were sent, want %d", n, people)
	}
	all := s.articles()
	if code := d.interrupt(); code != 0 {
		t.Errorf("exit %d\n%s", code, d.output())
	}

	s.putInPlace(backup)
	d = s.serve()
	for file, was := range before {
		if _, is := get(t, s.url(file)); is != was {
			t.Errorf("%s from the restored store:\n%s\nbefore:\n%s", file, is, was)
		}
	}
	eventually(t, "what came after the backup is read again", func() bool { return len(s.articles()) >= len(all) })
	for id, title := range s.articles() {
		if was, ok := all[id]; ok && was != title || !ok && strings.Contains(title, "履职") {
			t.Errorf("%s is %q, was %q", id, title, was)
		}
	}
	s.wantHeld(d)

	if out := s.must("store", "resume"); !strings.Contains(out, "结果不明") {
		t.Errorf("resume says: %s", out)
	}
	is := s.issue()
	if is.State != "sent" || is.Deliveries.Uncertain == 0 || is.Deliveries.Sent+is.Deliveries.Uncertain != people {
		t.Errorf("after resume: %+v", is)
	}
	if len(is.Trouble) == 0 || !strings.Contains(is.Trouble[0].Reply, "restored from a backup of") {
		t.Errorf("the reply does not say why: %+v", is.Trouble)
	}
	if ready := s.readyz(); ready["sending_held"] != nil {
		t.Errorf("/readyz after resume: %v", ready)
	}
	s.wantOneEach(relay, people, 1)

	relay.slow(0)
	s.pageOf("fixed", "恢复之后的新稿件")
	s.must("ingest")
	s.must("issue", "draft", "weekly")
	s.must("issue", "send", "weekly")
	s.wantOneEach(relay, people, 2)
}

// wantHeld expects the daemon to have said, and the program to say, that nothing
// is sent.
func (s *site) wantHeld(d *daemon) {
	s.t.Helper()
	for _, said := range []string{"sending is held back", "已暂停发信", "jianxun store resume"} {
		if !strings.Contains(d.output(), said) {
			s.t.Errorf("the daemon does not say %q:\n%s", said, d.output())
		}
	}
	if why, _ := s.readyz()["sending_held"].(string); !strings.Contains(why, "jianxun store resume") {
		s.t.Errorf("/readyz says %v", s.readyz())
	}
	if _, errs, code := s.run("issue", "send", "weekly"); code != 1 || !strings.Contains(errs, "已暂停发信") {
		s.t.Errorf("issue send: exit %d, %s", code, errs)
	}
}

func (s *site) wantOneEach(relay *sink, people, mails int) {
	s.t.Helper()
	copies := relay.copies()
	for i := range people {
		if n := copies[fmt.Sprintf("person%d@example.org", i)]; n != mails {
			s.t.Errorf("person%d got %d mails, want %d", i, n, mails)
		}
	}
}

func manyPeople(n int) string {
	var list strings.Builder
	list.WriteString("subscribers:\n")
	for i := range n {
		fmt.Fprintf(&list, "  - {email: person%d@example.org}\n", i)
	}
	return list.String()
}

// grow writes pages and reads them in, until the function it gives is called.
func (s *site) grow() (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-done:
				return
			default:
			}
			s.pageOf("growing", fmt.Sprintf("新到的公告第%d篇", n))
			if _, errs, code := s.run("ingest"); code != 0 {
				s.t.Errorf("ingest beside a backup: exit %d, %s", code, errs)
				return
			}
		}
	})
	return func() { close(done); wg.Wait() }
}

// feedFiles are the documents of a feed.
func (s *site) feedFiles(feed string) map[string]string {
	s.t.Helper()
	files := map[string]string{}
	for _, format := range []string{"rss", "atom", "json"} {
		path := "/feeds/" + feed + "." + format
		resp, body := get(s.t, s.url(path))
		if resp.StatusCode != http.StatusOK {
			s.t.Fatalf("%s: %s", path, resp.Status)
		}
		files[path] = body
	}
	return files
}

// articles are the titles of all articles, by id.
func (s *site) articles() map[string]string {
	s.t.Helper()
	var list []struct{ ID, Title string }
	s.data(&list, "article", "list", "--limit", "10000")
	all := map[string]string{}
	for _, a := range list {
		all[a.ID] = a.Title
	}
	return all
}

// putInPlace does what `jianxun backup` says is to be done.
func (s *site) putInPlace(backup string) {
	s.t.Helper()
	store := filepath.Join(s.dir, "var", "jianxun.db")
	for _, end := range []string{"", "-wal", "-shm"} {
		if err := os.Rename(store+end, store+".old"+end); err != nil && !os.IsNotExist(err) {
			s.t.Fatal(err)
		}
	}
	if err := os.Rename(backup, store); err != nil {
		s.t.Fatal(err)
	}
}

// readyz is what the daemon says of itself.
func (s *site) readyz() map[string]any {
	s.t.Helper()
	_, body := get(s.t, fmt.Sprintf("http://127.0.0.1:%d/readyz", s.ops))
	said := map[string]any{}
	if err := json.Unmarshal([]byte(body), &said); err != nil {
		s.t.Fatalf("%v in %s", err, body)
	}
	return said
}

// TestBackupRefused: nothing is overwritten, and nothing is made on the way.
func TestBackupRefused(t *testing.T) {
	s := newSite(t, readingSite)
	s.must("ingest")
	s.write("there.db", "mine")
	if _, errs, code := s.run("backup", "there.db"); code != 1 || !strings.Contains(errs, "已经存在") || read(t, filepath.Join(s.dir, "there.db")) != "mine" {
		t.Errorf("exit %d, %s", code, errs)
	}
	if _, errs, code := s.run("backup", "no/such/folder.db"); code != 1 || !strings.Contains(errs, "不能写入") {
		t.Errorf("exit %d, %s", code, errs)
	}
	var made struct {
		File    string
		Bytes   int64
		Seconds float64
	}
	s.data(&made, "backup", "new.db")
	info, err := os.Stat(filepath.Join(s.dir, "new.db"))
	if err != nil || made.File != filepath.Join(s.dir, "new.db") || made.Bytes != info.Size() || made.Bytes == 0 {
		t.Errorf("%+v, %v", made, err)
	}
}
