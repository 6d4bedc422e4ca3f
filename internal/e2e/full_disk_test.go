package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const watchedSite = `
sources:
  - {name: pages, kind: directory, path: pages, column: 检察要闻, every: 1s}
`

func (s *site) store() string { return filepath.Join(s.dir, "var", "jianxun.db") }

// smallDisk mounts a disk of its own at the folder, which takes root. Who may not
// mount one skips the test, but for CI.
func smallDisk(t *testing.T, dir, size string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size="+size, "tmpfs", dir).CombinedOutput(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("mount: %v: %s", err, out)
		}
		t.Skipf("mount: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
}

// fill writes a file as large as the disk allows.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for block := 1 << 20; block >= 1; {
		if _, err := f.Write(make([]byte, block)); err != nil {
			block /= 2
		}
	}
}

func TestDiskFull(t *testing.T) {
	s := newSite(t, watchedSite)
	smallDisk(t, filepath.Join(s.dir, "var"), "16m")
	for n := range 5 {
		s.pageOf("pages", fmt.Sprintf("第%d篇", n))
	}
	d := s.serve()
	eventually(t, "the articles are in the feed", func() bool { return len(items(t, s, "all")) == 5 })
	filler := filepath.Join(s.dir, "var", "filler")
	fill(t, filler)
	// What room is left in the store itself is used up by and by.
	came := 5
	full := func() bool {
		title := fmt.Sprintf("第%d篇", came)
		s.write("pages/"+title+".txt", pageText(title, strings.Repeat("检察机关依法履职。\n\n  ", 5000)))
		came++
		out, errs, code := s.run("ingest")
		if code == 1 && !strings.Contains(out+errs, "磁盘已满") {
			t.Errorf("ingest says: %s%s", out, errs)
		}
		return code == 1
	}
	eventually(t, "the disk is full", full)
	d.waitFor("is full")
	kept := items(t, s, "all")
	if len(kept) < 5 || len(kept) >= came {
		t.Errorf("%d of %d articles are in the feed", len(kept), came)
	}
	if out := s.must("article", "list", "--limit", "1000"); strings.Count(out, "检察要闻") < 5 {
		t.Errorf("articles are lost: %s", out)
	}
	if _, errs, code := s.run("backup", filepath.Join(s.dir, "var", "backup.db")); code != 1 || !strings.Contains(errs, "磁盘已满") {
		t.Errorf("backup: exit %d, %s", code, errs)
	}
	if names, _ := filepath.Glob(filepath.Join(s.dir, "var", "backup*")); len(names) > 0 {
		t.Errorf("the backup leaves %q", names)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	// What is read on schedule is tried again half a minute after it failed.
	eventually(t, "it goes on by itself", func() bool { return len(items(t, s, "all")) == came })
	now := items(t, s, "all")
	for id, title := range kept {
		if now[id] != title {
			t.Errorf("%s is %q, was %q", id, now[id], title)
		}
	}
	if code := d.interrupt(); code != 0 {
		t.Errorf("exit %d\n%s", code, d.output())
	}
}
