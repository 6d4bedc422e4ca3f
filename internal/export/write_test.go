package export

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

func small() site {
	return site{"index.html": "home", "feeds/all.rss": "feed", "feeds/all/archive/1.rss": "first page", "articles/a.html": "article"}
}

func TestARunLeavesWhatWasPut(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b") // made when absent
	wantCounts(t, run(t, dir, small()), 4, 0, 0)
	wantThere(t, dir, small())
	info, err := os.Stat(filepath.Join(dir, "index.html"))
	if err != nil || info.Mode() != 0o644 {
		t.Errorf("mode %v, %v: a web server must be able to read it", info.Mode(), err)
	}
}

func TestWhatStaysTheSameIsNotTouched(t *testing.T) {
	dir := t.TempDir()
	run(t, dir, small())
	before := prints(t, dir)
	wantCounts(t, run(t, dir, small()), 0, 4, 0)
	if after := prints(t, dir); !reflect.DeepEqual(after, before) {
		t.Errorf("files were touched: %v, before %v", after, before)
	}

	changed := small()
	changed["index.html"] = "Home" // of the same length
	wantCounts(t, run(t, dir, changed), 1, 3, 0)
	wantThere(t, dir, changed)
	after := prints(t, dir)
	for path := range before {
		if touched := after[path] != before[path]; touched != (path == "index.html") {
			t.Errorf("%s: touched %v", path, touched)
		}
	}
}

func TestARunWithoutAChangeWritesNoListEither(t *testing.T) {
	dir := t.TempDir()
	run(t, dir, small())
	before, err := os.Stat(filepath.Join(dir, own, "manifest"))
	if err != nil {
		t.Fatal(err)
	}
	run(t, dir, small())
	if after, err := os.Stat(filepath.Join(dir, own, "manifest")); err != nil || !os.SameFile(after, before) {
		t.Errorf("the manifest was written again, %v", err)
	}
}

func TestWhatIsNotWantedAnyMoreGoesWithItsFolders(t *testing.T) {
	dir := t.TempDir()
	run(t, dir, small())
	wantCounts(t, run(t, dir, site{"index.html": "home"}), 0, 1, 3)
	wantThere(t, dir, site{"index.html": "home"})
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("left: %v, %v; want index.html and %s", entries, err, own)
	}
	wantCounts(t, run(t, dir, site{}), 0, 0, 1)
	wantCounts(t, run(t, dir, site{}), 0, 0, 0)
	wantThere(t, dir, site{})
}

func TestKeepAndDrop(t *testing.T) {
	first := site{"a/1": "one", "a/2": "two", "b/1": "three", "b/2": "four"}
	for _, c := range []struct {
		name  string
		do    func(*testing.T, *Folder)
		left  site
		count Counts
	}{
		{"nothing kept", func(*testing.T, *Folder) {}, site{}, Counts{0, 0, 4}},
		{"one kept", func(_ *testing.T, f *Folder) { f.Keep("a/1") }, site{"a/1": "one"}, Counts{0, 1, 3}},
		{"kept twice counts once", func(_ *testing.T, f *Folder) { f.Keep("a/1"); f.KeepBelow("a/"); f.Keep("a/2") }, site{"a/1": "one", "a/2": "two"}, Counts{0, 2, 2}},
		{"kept and put the same", func(t *testing.T, f *Folder) { f.Keep("a/1"); put(t, f, "a/1", "one") }, site{"a/1": "one"}, Counts{0, 1, 3}},
		{"kept and put anew", func(t *testing.T, f *Folder) { f.KeepBelow("a/"); put(t, f, "a/1", "uno") }, site{"a/1": "uno", "a/2": "two"}, Counts{1, 1, 2}},
		{"put and kept", func(t *testing.T, f *Folder) { put(t, f, "a/1", "uno"); f.KeepBelow("a/") }, site{"a/1": "uno", "a/2": "two"}, Counts{1, 1, 2}},
		{"kept and dropped", func(_ *testing.T, f *Folder) { f.KeepBelow(""); f.Drop("b/1"); f.Drop("none") }, site{"a/1": "one", "a/2": "two", "b/2": "four"}, Counts{0, 3, 1}},
		{"dropped and put", func(t *testing.T, f *Folder) { f.KeepBelow(""); f.Drop("b/1"); put(t, f, "b/1", "tre") }, site{"a/1": "one", "a/2": "two", "b/1": "tre", "b/2": "four"}, Counts{1, 3, 0}},
		{"a new one put and dropped", func(t *testing.T, f *Folder) { f.KeepBelow(""); put(t, f, "c", "new"); f.Drop("c") }, first, Counts{0, 4, 1}},
		{"put twice in one run", func(t *testing.T, f *Folder) { f.KeepBelow(""); put(t, f, "c", "new"); put(t, f, "c", "new") }, site{"a/1": "one", "a/2": "two", "b/1": "three", "b/2": "four", "c": "new"}, Counts{1, 4, 0}},
		{"put twice in one run, and back", func(t *testing.T, f *Folder) { f.KeepBelow(""); put(t, f, "a/1", "uno"); put(t, f, "a/1", "one") }, first, Counts{1, 3, 0}},
		{"put, dropped, and put back", func(t *testing.T, f *Folder) {
			f.KeepBelow("")
			put(t, f, "a/1", "uno")
			f.Drop("a/1")
			put(t, f, "a/1", "one")
		}, first, Counts{1, 3, 0}},
		{"nothing to keep", func(_ *testing.T, f *Folder) { f.KeepBelow(""); f.Keep("c") }, first, Counts{0, 4, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			run(t, dir, first)
			f := open(t, dir)
			c.do(t, f)
			if got := end(t, f); got != c.count {
				t.Errorf("counts %+v, want %+v", got, c.count)
			}
			wantThere(t, dir, c.left)
			wantCounts(t, run(t, dir, c.left), 0, len(c.left), 0) // the list says the same
		})
	}
}

func TestTheNextRunIsToldHowFarThisOneCame(t *testing.T) {
	dir := t.TempDir()
	if s := open(t, dir).State(); !reflect.DeepEqual(s, State{}) {
		t.Errorf("at first %+v", s)
	}
	want := State{Stamp: "stamp", Change: 12, At: time.Date(2026, 9, 28, 9, 0, 0, 5, time.UTC)}
	for i := range 5000 { // more than fits into a line of a careless reader
		want.Tails = append(want.Tails, fmt.Sprintf("feeds/%d/archive/1-1.atom", i))
	}
	dir = t.TempDir()
	f := open(t, dir)
	if err := f.Close(want); err != nil {
		t.Fatal(err)
	}
	if got := open(t, dir).State(); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestAFileThatSomebodyRemovedOrCutComesBack(t *testing.T) {
	dir := t.TempDir()
	run(t, dir, small())
	if err := os.Remove(filepath.Join(dir, "index.html")); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "feeds/all.rss"), "fee")
	wantCounts(t, run(t, dir, small()), 2, 2, 0)
	wantThere(t, dir, small())
}

func TestManyPutAtOnce(t *testing.T) {
	dir, want := t.TempDir(), site{}
	f := open(t, dir)
	var all sync.WaitGroup
	for i := range 200 {
		path, body := fmt.Sprintf("articles/%d/%d.html", i%7, i), strings.Repeat(fmt.Sprint(i), 100)
		want[path] = body
		all.Go(func() {
			if err := f.Put(File{path, []byte(body)}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	wantCounts(t, end(t, f), 200, 0, 0)
	wantThere(t, dir, want)
}
