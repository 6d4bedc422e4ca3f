package export

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"jianxun/internal/news"
)

// site is what a folder is to hold: bodies by path.
type site map[string]string

func open(t *testing.T, dir string) *Folder {
	t.Helper()
	f, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Abandon)
	return f
}

func put(t *testing.T, f *Folder, path, body string) {
	t.Helper()
	if err := f.Put(File{path, []byte(body)}); err != nil {
		t.Fatal(err)
	}
}

func end(t *testing.T, f *Folder) Counts {
	t.Helper()
	if err := f.Close(State{Stamp: "s", Change: 7, At: time.Unix(1, 0).UTC(), Tails: []string{"a"}}); err != nil {
		t.Fatal(err)
	}
	return f.Counts()
}

// run is a whole run that puts the site.
func run(t *testing.T, dir string, s site) Counts {
	t.Helper()
	f := open(t, dir)
	for _, path := range slices.Sorted(maps.Keys(s)) {
		put(t, f, path, s[path])
	}
	return end(t, f)
}

// killed is a run that ends after some of the site was put, in the order of
// the paths.
func killed(t *testing.T, dir string, s site, after int) {
	t.Helper()
	f := open(t, dir)
	for _, path := range slices.Sorted(maps.Keys(s))[:after] {
		put(t, f, path, s[path])
	}
	f.Abandon()
}

// there is all that readers find in the folder.
func there(t *testing.T, dir string) site {
	t.Helper()
	found := site{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.Name() == own:
			return fs.SkipDir
		case e.IsDir():
			return nil
		}
		body, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		found[filepath.ToSlash(name)] = string(body)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func wantThere(t *testing.T, dir string, want site) {
	t.Helper()
	if got := there(t, dir); !maps.Equal(got, want) {
		t.Errorf("the folder holds %v, want %v", got, want)
	}
}

func wantCounts(t *testing.T, got Counts, written, unchanged, removed int) {
	t.Helper()
	if want := (Counts{written, unchanged, removed}); got != want {
		t.Errorf("counts %+v, want %+v", got, want)
	}
}

// print tells a file that was written again from one that was not touched, even
// when the bytes are the same.
type print struct {
	inode uint64
	mod   time.Time
}

func prints(t *testing.T, dir string) map[string]print {
	t.Helper()
	all := map[string]print{}
	for path := range there(t, dir) {
		info, err := os.Stat(filepath.Join(dir, path))
		if err != nil {
			t.Fatal(err)
		}
		all[path] = print{info.Sys().(*syscall.Stat_t).Ino, info.ModTime()}
	}
	return all
}

// wantRefused expects an error of the code whose sentence holds all of says.
func wantRefused(t *testing.T, err error, code news.ErrorCode, says ...string) {
	t.Helper()
	if err == nil || news.CodeOf(err) != code {
		t.Fatalf("the error is %v, want one of code %s", err, code)
	}
	for _, s := range says {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("%q does not say %q", err, s)
		}
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
