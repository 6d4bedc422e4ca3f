package store

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"jianxun/internal/news"
)

// smallDisk mounts a disk of its own in memory, which takes root. Who may not
// mount one skips the test, but for CI.
func smallDisk(t testing.TB, size string) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size="+size, "tmpfs", dir).CombinedOutput(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("mount: %v: %s", err, out)
		}
		t.Skipf("mount: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	return dir
}

// fill writes a file as large as the disk allows, and gives what removes it.
func fill(t testing.TB, dir string) (free func()) {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for block := 1 << 20; block >= 1; {
		if _, err := f.Write(make([]byte, block)); err != nil {
			block /= 2
		}
	}
	return func() {
		if err := os.Remove(f.Name()); err != nil {
			t.Error(err)
		}
	}
}

func TestSQLiteOnAFullDiskLosesNothing(t *testing.T) {
	dir := smallDisk(t, "8m")
	c := &clock{at: monday}
	path := filepath.Join(dir, "jianxun.db")
	s := fixture{handle(t, "sqlite:"+path, c), c, "sqlite:" + path}
	s.saveAll(t, pages(20))
	free := fill(t, dir)
	next := 20
	for {
		if _, err := s.SaveArticles(t.Context(), []news.Article{page(next)}); err != nil {
			wantWords(t, err, news.Unavailable, path, "is full", "nothing is lost")
			break
		}
		next++ // there was room left in the log
	}
	for range 3 { // a failed save must not get in the way of what follows
		_, err := s.SaveArticles(t.Context(), []news.Article{page(next)})
		wantWords(t, err, news.Unavailable, "is full")
		if got := s.newest(t, news.Filter{}, 10_000); len(got) != next {
			t.Errorf("%d articles, want %d", len(got), next)
		}
		wantCode(t, s.Ping(t.Context()), "")
	}
	if other, err := Open(t.Context(), s.address, c.now); err != nil {
		wantWords(t, err, news.Unavailable, "is full")
	} else if err := other.Close(); err != nil {
		t.Error(err)
	}
	free()
	s.saveAll(t, []news.Article{page(next)})
	if got := s.newest(t, news.Filter{}, 10_000); len(got) != next+1 {
		t.Errorf("%d articles, want %d", len(got), next+1)
	}
}

func TestABackupToAFullDiskLeavesNothing(t *testing.T) {
	s := onSQLite(t)
	s.saveAll(t, bulky(60))
	dir := smallDisk(t, "1m")
	wantWords(t, s.Backup(t.Context(), filepath.Join(dir, "backup.db"), quiet), news.Unavailable, "there is no room for the backup", dir)
	wantFiles(t, dir)
}

// TestSQLiteThatMayNotGrow is what a full disk is to SQLite, for those who may
// not mount one.
func TestSQLiteThatMayNotGrow(t *testing.T) {
	s := onSQLite(t)
	s.saveAll(t, pages(10))
	limit := func(pages int) {
		t.Helper()
		if _, err := s.write.ExecContext(t.Context(), fmt.Sprintf(`PRAGMA max_page_count = %d`, pages)); err != nil {
			t.Fatal(err)
		}
	}
	limit(1) // which means as many as there are
	_, err := s.SaveArticles(t.Context(), pages(50))
	wantWords(t, err, news.Unavailable, strings.TrimPrefix(s.address, "sqlite:"), "is full", "free some space")
	if got := s.newest(t, news.Filter{}, 1000); len(got) != 10 {
		t.Errorf("%d articles, want the 10 of before", len(got))
	}
	limit(1 << 30)
	s.saveAll(t, pages(50))
}
