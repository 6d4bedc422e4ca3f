package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"jianxun/internal/news"
)

func wantWords(t testing.TB, err error, code news.ErrorCode, words ...string) {
	t.Helper()
	wantCode(t, err, code)
	for _, w := range words {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("the error does not say %q: %v", w, err)
		}
	}
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

// middle is the offset of a page in the middle of the file.
func middle(t testing.TB, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size() / 2 / 4096 * 4096
}

// damage overwrites octets of a file.
func damage(t testing.TB, path string, from int64, n int) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt(bytes.Repeat([]byte{0xa5}, n), from)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
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
	_, err = s.ClaimDeliveries(t.Context(), holder("a"), 0, 1)
	wantWords(t, err, news.Unavailable, path+" is damaged")
	if is := contents(t, filepath.Dir(path)); is != was {
		t.Errorf("the folder holds\n%sbefore it was\n%s", is, was)
	}
}
