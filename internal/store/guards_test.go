package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"jianxun/internal/news"
)

// smallDisk mounts a disk of its own in memory, which takes root. Without it the
// test is skipped, as it is in a container that may not mount.
func smallDisk(t testing.TB, size string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root may mount a small disk")
	}
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

func wantWords(t testing.TB, err error, code news.ErrorCode, words ...string) {
	t.Helper()
	wantCode(t, err, code)
	for _, w := range words {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("the error does not say %q: %v", w, err)
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

// contents are the hashes of all files in a folder.
func contents(t testing.TB, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		fmt.Fprintf(&all, "%s %d %x\n", filepath.Base(path), len(b), sha256.Sum256(b))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// bulky are articles that fill a few megabytes without filling the search index.
func bulky(n int) []news.Article {
	list := pages(n)
	for i := range list {
		list[i].Body = strings.Repeat("<p>检察机关依法履职。</p>\n", 600)
	}
	return list
}

// closed is a store with many articles, all of it in the one file.
func closed(t *testing.T) (path string, c *clock) {
	t.Helper()
	content, err := closedStore()
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "jianxun.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, &clock{at: monday}
}

var closedStore = sync.OnceValues(func() (content []byte, err error) {
	dir, err := os.MkdirTemp("", "jianxun-store-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "jianxun.db")
	s, err := Open(context.Background(), "sqlite:"+path, (&clock{at: monday}).now)
	if err != nil {
		return nil, err
	}
	_, err = s.SaveArticles(context.Background(), bulky(120))
	if err := errors.Join(err, s.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

func TestADamagedFileIsNamedAndLeftAlone(t *testing.T) {
	for name, harm := range map[string]func(t *testing.T, path string){
		"header":    func(t *testing.T, path string) { damage(t, path, 0, 100) },
		"first":     func(t *testing.T, path string) { damage(t, path, 100, 3000) },
		"schema":    func(t *testing.T, path string) { damage(t, path, 0, 4096) },
		"truncated": func(t *testing.T, path string) { cut(t, path, middle(t, path)) },
		"torn":      func(t *testing.T, path string) { cut(t, path, middle(t, path)+1000) },
		"no page":   func(t *testing.T, path string) { cut(t, path, 50) },
	} {
		t.Run(name, func(t *testing.T) {
			path, c := closed(t)
			harm(t, path)
			was := contents(t, filepath.Dir(path))
			for range 2 {
				s, err := Open(t.Context(), "sqlite:"+path, c.now)
				if wantWords(t, err, news.Invalid, path+" is damaged or no store", "nothing in it has been changed"); err == nil {
					_ = s.Close()
				}
			}
			if is := contents(t, filepath.Dir(path)); is != was {
				t.Errorf("the folder holds\n%sbefore it was\n%s", is, was)
			}
		})
	}
}

// TestABackupBesideAForeignLogIsRefused: the store was killed, and its log left
// when a backup was put in its place.
func TestABackupBesideAForeignLogIsRefused(t *testing.T) {
	s := onSQLite(t)
	s.saveAll(t, pages(3))
	path := strings.TrimPrefix(s.address, "sqlite:")
	log, err := os.ReadFile(path + "-wal")
	if err != nil || len(log) == 0 {
		t.Fatalf("the log of the store: %d octets, %v", len(log), err)
	}
	place := filepath.Join(t.TempDir(), "jianxun.db")
	wantCode(t, s.Backup(t.Context(), place, quiet), "")
	if err := os.WriteFile(place+"-wal", log, 0o600); err != nil {
		t.Fatal(err)
	}
	was := contents(t, filepath.Dir(place))
	_, err = Open(t.Context(), "sqlite:"+place, s.clock.now)
	wantWords(t, err, news.Conflict, place+"-wal", "move")
	if is := contents(t, filepath.Dir(place)); is != was {
		t.Errorf("the folder holds\n%sbefore it was\n%s", is, was)
	}
	if err := os.Remove(place + "-wal"); err != nil {
		t.Fatal(err)
	}
	handle(t, "sqlite:"+place, s.clock)
}

func cut(t testing.TB, path string, size int64) {
	t.Helper()
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
}

// TestAfterDamageNothingIsWritten: it is found while the store is in use.
func TestAfterDamageNothingIsWritten(t *testing.T) {
	path, c := closed(t)
	s := fixture{handle(t, "sqlite:"+path, c), c, "sqlite:" + path}
	wantCode(t, s.Ping(t.Context()), "")
	for from := middle(t, path); from < 2*middle(t, path); from += 4096 {
		damage(t, path, from, 4096)
	}
	was := contents(t, filepath.Dir(path))
	var err error
	for n := 0; err == nil && n < 120; n++ {
		_, err = s.Article(t.Context(), news.ArticleID(news.IdentityOf(page(n))))
	}
	wantWords(t, err, news.Unavailable, path+" is damaged", "nothing more is written to it")
	_, err = s.SaveArticles(t.Context(), []news.Article{page(5000)})
	wantWords(t, err, news.Unavailable, path+" is damaged")
	wantWords(t, s.Ping(t.Context()), news.Unavailable, path+" is damaged")
	_, err = s.ClaimDeliveries(t.Context(), 0, "a", lease, 1)
	wantWords(t, err, news.Unavailable, path+" is damaged")
	if is := contents(t, filepath.Dir(path)); is != was {
		t.Errorf("the folder holds\n%sbefore it was\n%s", is, was)
	}
}

func TestAFileIsServedByOne(t *testing.T) {
	path, c := closed(t)
	first, second := handle(t, "sqlite:"+path, c), handle(t, "sqlite:"+path, c)
	release, err := first.Serve(t.Context())
	wantCode(t, err, "")
	_, err = second.Serve(t.Context())
	wantWords(t, err, news.Conflict, path, fmt.Sprintf("process id is %d;", os.Getpid()))
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	_, err = handle(t, "sqlite:"+link, c).Serve(t.Context())
	wantWords(t, err, news.Conflict, path)
	wantCode(t, release(), "")
	if _, err := os.Stat(path + ".pid"); !os.IsNotExist(err) {
		t.Errorf("the file with the process id: %v", err)
	}
	// What a killed daemon left does no harm.
	if err := os.WriteFile(path+".pid", []byte("999999999999999999\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	release, err = second.Serve(t.Context())
	wantCode(t, err, "")
	if b, err := os.ReadFile(path + ".pid"); err != nil || strings.TrimSpace(string(b)) != fmt.Sprint(os.Getpid()) {
		t.Errorf("the file with the process id holds %q, %v", b, err)
	}
	wantCode(t, release(), "")
}

// TestManyTakeAFile: whoever takes it has it alone, and it is free in between.
func TestManyTakeAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jianxun.db")
	held, turns := make(chan bool, 1), make(chan int)
	for range 4 {
		go func() {
			n := 0
			for range 300 {
				release, err := claimFile(path)
				if err != nil {
					continue
				}
				select {
				case held <- true:
				default:
					t.Error("two have the file")
				}
				n++
				<-held
				if err := release(); err != nil {
					t.Error(err)
				}
			}
			turns <- n
		}()
	}
	total := 0
	for range 4 {
		total += <-turns
	}
	if total == 0 {
		t.Error("nobody ever had the file")
	}
	if _, err := os.Stat(path + ".pid"); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("the file with the process id: %v", err)
	}
}
