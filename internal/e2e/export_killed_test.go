package e2e

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// killings is how often the export is killed, by turns while it works towards a
// site of another title and other feeds.
const killings = 10

// TestExportKilledAnywhere kills exports where chance wants it. Whatever is there
// then is whole, and the next run that ends leaves what one into an empty
// folder does.
func TestExportKilledAnywhere(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("the seed is %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	s, _ := press(t, printedSite, 600)
	one, other := printedSite, strings.NewReplacer("title: 检讯", "title: 简讯", "slug: yaowen,", "slug: toutiao, was: [yaowen],", "was: [gonggao]}", "was: [gonggao], retired: true}").Replace(printedSite)
	whole := []map[string]printed{s.exportFresh(other, "other"), s.exportFresh(one, "one")}
	var doomed []string // files that one of the two sites lacks: they go when a run ends
	for i, site := range whole {
		for name := range site {
			if _, ok := whole[1-i][name]; !ok {
				doomed = append(doomed, name)
			}
		}
	}
	exports := 0
	for killed := 0; killed < killings; exports++ {
		i := exports % 2
		s.configure([]string{other, one}[i])
		if s.exportUntil(random, len(whole[i]), doomed) {
			killed++
		}
		for name, f := range files(t, filepath.Join(s.dir, "out")) {
			if f.sum != whole[0][name].sum && f.sum != whole[1][name].sum {
				t.Errorf("after export %d %s is not whole", exports, name)
			}
		}
	}
	t.Logf("%d of %d exports were killed", killings, exports)
	for i, config := range []string{other, one} {
		s.configure(config)
		s.export()
		s.wantSameFiles(whole[i])
		if c := s.export(); c.Written != 0 || c.Removed != 0 {
			t.Errorf("again: %+v", c)
		}
	}
}

// exportFresh exports into an empty folder.
func (s *site) exportFresh(config, dir string) map[string]printed {
	s.t.Helper()
	s.configure(config)
	s.must("export", dir)
	return files(s.t, filepath.Join(s.dir, dir))
}

func (s *site) wantSameFiles(want map[string]printed) {
	s.t.Helper()
	got := files(s.t, filepath.Join(s.dir, "out"))
	for name, f := range got {
		if w, ok := want[name]; !ok || w.sum != f.sum {
			s.t.Errorf("%s: wanted %v, and not these octets", name, ok)
		}
	}
	for name := range want {
		if _, ok := got[name]; !ok {
			s.t.Errorf("%s is missing", name)
		}
	}
}

// noteLength is about how many octets an export notes down for a file.
const noteLength = 50

// noted is how many octets the exports that did not end have noted down.
func (s *site) noted() int64 {
	info, err := os.Stat(filepath.Join(s.dir, "out/.jianxun/notes"))
	if err != nil {
		return 0
	}
	return info.Size()
}

// exportUntil kills an export once it has noted down as many octets as chance
// says, or in one of four cases once a file that is to go is gone. It tells
// whether there was something left to kill.
func (s *site) exportUntil(random *rand.Rand, files int, doomed []string) bool {
	s.t.Helper()
	path, err := binary()
	if err != nil {
		s.t.Fatal(err)
	}
	out := filepath.Join(s.dir, "out")
	enough := s.noted() + random.Int64N(noteLength*int64(files))
	reached := func() bool { return s.noted() >= enough }
	if last := filepath.Join(out, doomed[random.IntN(len(doomed))]); random.IntN(4) == 0 {
		if _, err := os.Lstat(last); err == nil {
			reached = func() bool { _, err := os.Lstat(last); return err != nil }
		}
	}
	cmd := exec.Command(path, "export", "out")
	cmd.Dir = s.dir
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			if err != nil {
				s.t.Fatal(err)
			}
			return false
		case <-tick.C:
			if reached() {
				_ = cmd.Process.Kill()
				return <-ended != nil
			}
		}
	}
}

// A run that was killed has written a page of the archive that has just become
// full, and not its twins; and an article, and not its page. No kill is timed so
// well: it is what a whole run leaves, made older by hand.
func TestExportKilledBetweenAFileAndItsTwins(t *testing.T) {
	p := newPrinting(t, 130)
	own := p.out(".jianxun")
	before := map[string]string{"manifest": read(t, filepath.Join(own, "manifest")), "state": read(t, filepath.Join(own, "state"))}
	for n := 131; n < 141; n += 2 { // the first page of the other column becomes full
		p.write(n, "正文。")
	}
	whole := p.exportFresh(printedSite, "whole")
	p.export()
	var noted strings.Builder
	for name, f := range files(t, p.out()) {
		if p.files[name] != f {
			noted.WriteString(name + "\n")
		}
	}
	before["notes"] = noted.String()
	for name, text := range before {
		write(t, filepath.Join(own, name), text)
	}
	for _, name := range []string{"feeds/tongzhi/archive/1.rss.gz", "feeds/tongzhi/archive/1.rss.br", "feeds/tongzhi/archive/1.atom", p.page(131), p.page(133) + ".gz"} {
		if err := os.Remove(p.out(name)); err != nil {
			t.Fatal(err)
		}
	}
	p.export()
	now := files(t, p.out())
	for name, f := range whole {
		if now[name].sum != f.sum {
			t.Errorf("%s is missing or another", name)
		}
	}
	for name := range now { // besides, the tails of the last run that ended stay
		if _, ok := whole[name]; !ok && !strings.Contains(name, "/archive/1-") && !strings.Contains(name, "/archive/2-") {
			t.Errorf("%s is too much", name)
		}
	}
}
