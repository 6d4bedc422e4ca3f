package export

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"jianxun/internal/news"
)

func TestAFolderWithFilesOfOthersIsRefused(t *testing.T) {
	for name, file := range map[string]string{"a file": "thesis.txt", "a folder": "photos/1.jpg", "a file with our name": own} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			writeFile(t, filepath.Join(dir, file), "precious")
			_, err := Open(dir)
			wantRefused(t, err, news.Conflict, dir, "choose an empty one")
			if body, err := os.ReadFile(filepath.Join(dir, file)); string(body) != "precious" {
				t.Errorf("it holds %q, %v", body, err)
			}
			if entries, _ := os.ReadDir(dir); len(entries) != 1 {
				t.Errorf("something was written: %v", entries)
			}
		})
	}
}

func TestFilesThatOthersPutBesideAreLeftAlone(t *testing.T) {
	dir := t.TempDir()
	run(t, dir, before())
	others := site{"robots.txt": "Disallow:", "dir/mine": "mine", "mine/x": "x"}
	for path, body := range others {
		writeFile(t, filepath.Join(dir, path), body)
	}
	killed(t, dir, after(), 3)
	run(t, dir, after())
	want := after()
	for path, body := range others {
		want[path] = body
	}
	wantThere(t, dir, want)
	run(t, dir, site{})
	wantThere(t, dir, others)
}

func TestTwoRunsAtOnceAreRefused(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir)
	put(t, first, "a", "a")
	for range 3 {
		_, err := Open(dir)
		wantRefused(t, err, news.Conflict, "another export is writing to", dir)
	}
	put(t, first, "b", "b")
	wantCounts(t, end(t, first), 2, 0, 0)
	wantCounts(t, run(t, dir, site{"a": "a"}), 0, 1, 1)
}

func TestOfManyThatBeginAtOnceOneGoesOn(t *testing.T) {
	for range 20 {
		dir := filepath.Join(t.TempDir(), "out")
		opened := make(chan *Folder, 8)
		var all sync.WaitGroup
		for range cap(opened) {
			all.Go(func() {
				if f, err := Open(dir); err == nil {
					opened <- f
				} else if news.CodeOf(err) != news.Conflict {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if len(opened) != 1 {
			t.Fatalf("%d opened the folder", len(opened))
		}
		f := <-opened
		put(t, f, "a", "a")
		end(t, f)
	}
}

func TestADamagedListIsNotBelieved(t *testing.T) {
	line := strings.Repeat("0", digestLength) + " "
	for name, c := range map[string]struct{ file, text string }{
		"empty list":           {"manifest", ""},
		"cut in a line":        {"manifest", line + "same\n" + line + "cha"},
		"cut after a line":     {"manifest", line + "same\n"},
		"cut in the number":    {"manifest", line + "same\n1"},
		"a line too many":      {"manifest", line + "same\n" + line + "changed\n1\n"},
		"no digest":            {"manifest", "same\n1\n"},
		"outside the folder":   {"manifest", line + "../precious\n1\n"},
		"outside, from within": {"manifest", line + "dir/../../precious\n1\n"},
		"from the root":        {"manifest", line + "/etc/passwd\n1\n"},
		"our own things":       {"manifest", line + own + "/lock\n1\n"},
		"the folder itself":    {"manifest", line + ".\n1\n"},
		"zeros":                {"manifest", strings.Repeat("\x00", 100)},
		"state is no JSON":     {"state", "{"},
		"state is empty":       {"state", ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "out")
			run(t, dir, before())
			precious := filepath.Join(filepath.Dir(dir), "precious")
			writeFile(t, precious, "precious")
			writeFile(t, filepath.Join(dir, own, c.file), c.text)
			_, err := Open(dir)
			wantRefused(t, err, news.Invalid, dir, filepath.Join(own, c.file), "remove the folder and export again")
			wantThere(t, dir, before())
			if _, err := os.Stat(precious); err != nil {
				t.Error(err)
			}
			if err := os.RemoveAll(dir); err != nil { // what it says helps
				t.Fatal(err)
			}
			run(t, dir, after())
			wantThere(t, dir, after())
		})
	}
	t.Run("no list", func(t *testing.T) {
		dir := t.TempDir()
		run(t, dir, before())
		if err := os.Remove(filepath.Join(dir, own, "manifest")); err != nil {
			t.Fatal(err)
		}
		_, err := Open(dir)
		wantRefused(t, err, news.Invalid, dir, "manifest", "remove the folder")
	})
}

// What stands in the way is put there after the first run, and is taken away
// before the last one. (Permissions would not stop a test that runs as root.)
func TestADiskThatDoesNotTakeAFileLosesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		obstacle string
		put      func(t *testing.T, path string)
		says     string
	}{
		"a file where a folder is to be":  {"later", instead, "not a directory"},
		"a folder where a file is to be":  {"new", insteadAFolder, "new"},
		"a folder where a file was":       {"gone", insteadAFolder, "gone"},
		"no room for notes":               {own + "/notes", full, "no space left on device"},
		"no room for the state":           {own + "/state", insteadAFolder, "state"},
		"no room for files in the making": {own + "/tmp", instead, "not a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			run(t, dir, before())
			f := open(t, dir)
			c.put(t, filepath.Join(dir, c.obstacle))
			err := error(nil)
			for path, body := range after() {
				err = errors.Join(err, f.Put(File{path, []byte(body)}))
			}
			if err == nil {
				err = f.Close(State{})
			}
			f.Abandon()
			wantRefused(t, err, news.Unavailable, "the export cannot be written", c.says)
			found := there(t, dir)
			for _, path := range []string{"same", "dir/same", "changed"} {
				if body := found[path]; body != before()[path] && body != after()[path] {
					t.Errorf("%s holds %q", path, body)
				}
			}
			if err := os.RemoveAll(filepath.Join(dir, c.obstacle)); err != nil {
				t.Fatal(err)
			}
			run(t, dir, after())
			wantThere(t, dir, after())
		})
	}
}

// full is a file on a disk that is full.
func full(t *testing.T, path string) {
	t.Helper()
	if err := os.Symlink("/dev/full", path); err != nil {
		t.Fatal(err)
	}
}

// instead puts a file in the place of whatever is there.
func instead(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, "x")
}

func insteadAFolder(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(path, "x"), "x")
}

func TestAFolderThatCannotBeOneIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "file")
	writeFile(t, dir, "precious")
	for _, name := range []string{dir, filepath.Join(dir, "below")} {
		_, err := Open(name)
		wantRefused(t, err, news.Unavailable, "the export cannot be written", dir)
	}
	if os.Getuid() == 0 {
		return // may write everywhere
	}
	closed := t.TempDir()
	if err := os.Chmod(closed, 0o500); err != nil {
		t.Fatal(err)
	}
	_, err := Open(closed)
	wantRefused(t, err, news.Unavailable, closed, "permission denied")
}
