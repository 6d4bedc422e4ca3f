package e2e

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDamagedStoreIsRefused(t *testing.T) {
	for name, harm := range map[string]func(f *os.File, size int64) error{
		"header":    func(f *os.File, _ int64) error { return overwrite(f, 0, 100) },
		"truncated": func(f *os.File, size int64) error { return f.Truncate(size / 2) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, readingSite)
			s.must("ingest")
			s.harm(harm)
			was := hashes(t, filepath.Dir(s.store()))
			for _, args := range [][]string{{"serve"}, {"ingest"}, {"backup", "b.db"}} {
				_, errs, code := s.run(args...)
				if code != 1 || !strings.Contains(errs, s.store()) || !strings.Contains(errs, "损坏") {
					t.Errorf("%q: exit %d, %s", args, code, errs)
				}
			}
			if is := hashes(t, filepath.Dir(s.store())); is != was {
				t.Errorf("the folder holds\n%sbefore\n%s", is, was)
			}
		})
	}
}

// harm does something to the file of the store.
func (s *site) harm(how func(f *os.File, size int64) error) {
	s.t.Helper()
	f, err := os.OpenFile(s.store(), os.O_RDWR, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err == nil {
		err = how(f, info.Size())
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func overwrite(f *os.File, from, to int64) error {
	_, err := f.WriteAt(bytes.Repeat([]byte{0xa5}, int(to-from)), from)
	return err
}

// TestStoreDamagedWhileServing: feeds stay as they were, nothing more is written,
// and readiness says why.
func TestStoreDamagedWhileServing(t *testing.T) {
	s := newSite(t, watchedSite)
	for n := range 5 {
		s.pageOf("pages", fmt.Sprintf("第%d篇", n))
	}
	s.must("ingest") // and closed, so that all is in the one file
	d := s.serve()
	eventually(t, "the articles are in the feed", func() bool { return len(items(t, s, "all")) == 5 })
	feeds := s.feedFiles("all")
	s.harm(func(f *os.File, size int64) error { return overwrite(f, 4096, size) })
	s.pageOf("pages", "损坏之后的稿件")
	eventually(t, "the damage is seen", func() bool {
		get(t, s.url("/search?q=第")) // which reads what no memory holds yet
		resp, body := get(t, fmt.Sprintf("http://127.0.0.1:%d/readyz", s.ops))
		return resp.StatusCode == http.StatusServiceUnavailable && strings.Contains(body, s.store()) && strings.Contains(body, "damaged")
	})
	d.waitFor("is damaged")
	written := func() string { return read(t, s.store()) + "|" + read(t, s.store()+"-wal") }
	was := written()
	for path, body := range feeds {
		if resp, is := get(t, s.url(path)); resp.StatusCode != http.StatusOK || is != body {
			t.Errorf("%s: %s, %d octets, was %d", path, resp.Status, len(is), len(body))
		}
	}
	for range 3 {
		get(t, s.url("/search?q=稿件"))
	}
	if code := d.interrupt(); code == -1 {
		t.Errorf("it did not stop:\n%s", d.output())
	}
	if written() != was {
		t.Error("the damaged file was written to")
	}
}

// hashes are those of all files in a folder.
func hashes(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, e := range entries {
		if !e.IsDir() {
			fmt.Fprintf(&all, "%s %x\n", e.Name(), sha256.Sum256([]byte(read(t, filepath.Join(dir, e.Name())))))
		}
	}
	return all.String()
}
