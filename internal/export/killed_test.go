package export

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"
)

// before and after are the site at two runs, with every kind of change.
func before() site {
	return site{"same": "same", "changed": "old", "gone": "gone", "dir/gone": "gone", "dir/same": "same"}
}

func after() site {
	return site{"same": "same", "changed": "new", "new": "new", "dir/same": "same", "later/dir/new": "new"}
}

// While a run is on, everything is whole: of the one site or of the other.
func wantWhole(t *testing.T, dir string) {
	t.Helper()
	was, is := before(), after()
	for path, body := range there(t, dir) {
		if body != was[path] && body != is[path] {
			t.Errorf("%s holds %q, want %q or %q", path, body, was[path], is[path])
		}
	}
}

func TestARunThatWasKilledIsCompletedByTheNext(t *testing.T) {
	for n := range len(after()) + 1 {
		for _, next := range []struct {
			name string
			site site
		}{{"the same", after()}, {"back to the one before", before()}, {"nothing", site{}}, {"something else", site{"other": "x", "new": "newer"}}} {
			t.Run(fmt.Sprintf("after %d, then %s", n, next.name), func(t *testing.T) {
				dir := t.TempDir()
				run(t, dir, before())
				killed(t, dir, after(), n)
				wantWhole(t, dir)
				run(t, dir, next.site)
				wantThere(t, dir, next.site)
				wantCounts(t, run(t, dir, next.site), 0, len(next.site), 0)
			})
		}
	}
}

func TestRunsMayBeKilledAgainAndAgain(t *testing.T) {
	dir := t.TempDir()
	run(t, dir, before())
	killed(t, dir, site{"one": "1", "changed": "other"}, 2)
	killed(t, dir, site{"two": "2"}, 1)
	killed(t, dir, after(), 3)
	run(t, dir, after())
	wantThere(t, dir, after())
}

func TestTheVeryFirstRunMayBeKilled(t *testing.T) {
	dir := t.TempDir()
	killed(t, dir, after(), 0)
	killed(t, dir, before(), 3)
	run(t, dir, after())
	wantThere(t, dir, after())
}

// What a run that was killed wrote is written again only when it would differ.
func TestWorkOfARunThatWasKilledIsNotLost(t *testing.T) {
	dir := t.TempDir()
	killed(t, dir, after(), len(after()))
	was := prints(t, dir)
	wantCounts(t, run(t, dir, after()), 0, len(after()), 0)
	if is := prints(t, dir); !maps.Equal(is, was) {
		t.Errorf("files were touched: %v, before %v", is, was)
	}
}

// A run is killed at places that no test can reach by itself: what it leaves
// there is made by hand.
func TestLeftovers(t *testing.T) {
	for name, leave := range map[string]func(t *testing.T, dir string){
		"half a file in the making": func(t *testing.T, dir string) { writeFile(t, filepath.Join(dir, own, "tmp", "123"), "ne") },
		"noted and not begun": func(t *testing.T, dir string) {
			writeFile(t, filepath.Join(dir, own, "notes"), "later/dir/new\nchanged\n")
		},
		"half a note":                  func(t *testing.T, dir string) { writeFile(t, filepath.Join(dir, own, "notes"), "changed\nlater/di") },
		"half a note that is a folder": func(t *testing.T, dir string) { writeFile(t, filepath.Join(dir, own, "notes"), "changed\ndir") },
		"notes that a power cut has spoilt": func(t *testing.T, dir string) {
			writeFile(t, filepath.Join(dir, own, "notes"), "changed\n\x00\x00\x00\x00\n../x\n/etc\n.\n\n")
		},
		"put and not in the list": func(t *testing.T, dir string) {
			writeFile(t, filepath.Join(dir, own, "notes"), "extra/dir/file\n")
			writeFile(t, filepath.Join(dir, "extra/dir/file"), "extra")
		},
		"some removed already": func(t *testing.T, dir string) {
			writeFile(t, filepath.Join(dir, own, "notes"), "new\n")
			for _, path := range []string{"dir/gone", "gone"} {
				if err := os.Remove(filepath.Join(dir, path)); err != nil {
					t.Fatal(err)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			run(t, dir, before())
			leave(t, dir)
			killed(t, dir, site{"another": "from a run that was killed too"}, 1)
			run(t, dir, after())
			wantThere(t, dir, after())
			wantCounts(t, run(t, dir, after()), 0, len(after()), 0)
			for _, gone := range []string{"notes", "tmp/123"} {
				if _, err := os.Stat(filepath.Join(dir, own, gone)); err == nil {
					t.Errorf("%s is still there", gone)
				}
			}
		})
	}
}

// The end of a run replaces the manifest, then the state, then removes the
// notes. Killed between any two, it is the state that counts.
func TestKilledWhileEnding(t *testing.T) {
	for _, kept := range [][]string{{"manifest", "state", "notes"}, {"state", "notes"}, {"notes"}} {
		t.Run(fmt.Sprint(kept), func(t *testing.T) {
			dir := t.TempDir()
			run(t, dir, before())
			killed(t, dir, after(), len(after()))
			saved := map[string][]byte{}
			for _, name := range kept {
				body, err := os.ReadFile(filepath.Join(dir, own, name))
				if err != nil {
					t.Fatal(err)
				}
				saved[name] = body
			}
			run(t, dir, after())
			for name, body := range saved {
				writeFile(t, filepath.Join(dir, own, name), string(body))
			}
			next := site{"same": "same", "last": "last"}
			run(t, dir, next)
			wantThere(t, dir, next)
		})
	}
}

// Only what the last run that ended left is known without looking. Of what a
// run that was killed has written nobody knows for which settings, or whether
// its twins are there.
func TestOnlyWhatAWholeRunLeftIsSure(t *testing.T) {
	dir := t.TempDir()
	run(t, dir, before())
	killed(t, dir, site{"changed": "new", "twin.gz": "zip"}, 2)
	f := open(t, dir)
	for _, c := range []struct {
		paths []string
		sure  bool
	}{
		{[]string{"same"}, true},
		{[]string{"changed"}, false},
		{[]string{"twin.gz"}, false},
		{[]string{"never"}, false},
		{[]string{"same", "same.gz"}, true}, // it has no twin
		{[]string{"same", "twin.gz"}, false},
		{[]string{"never", "same"}, false},
	} {
		if got := f.Sure(c.paths...); got != c.sure {
			t.Errorf("%v: sure %v, want %v", c.paths, got, c.sure)
		}
	}
	put(t, f, "same", "written now")
	if f.Sure("same") {
		t.Error("what this run has written is what the last one left")
	}
	f.KeepBelow("")
	end(t, f)
	want := before()
	delete(want, "changed") // kept by nobody: it was not put again
	want["same"] = "written now"
	wantThere(t, dir, want)
}

func TestARenewalThatWasKilledIsRenewed(t *testing.T) {
	dir := t.TempDir()
	run(t, dir, before())
	f := open(t, dir)
	if err := f.Renew(); err != nil {
		t.Fatal(err)
	}
	f.Abandon()
	killed(t, dir, after(), 1)
	f = open(t, dir)
	if s := f.State(); s.Stamp != "" || s.Change != 0 || len(s.Tails) != 1 {
		t.Errorf("%+v: want no stamp and change, and the tails", s)
	}
	if end(t, f); open(t, dir).State().Stamp != "s" {
		t.Error("a whole run does not end the renewal")
	}
}
