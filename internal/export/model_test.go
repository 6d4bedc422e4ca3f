package export

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestReadersSeeWholeFiles reads a file again and again while it is replaced by
// bodies that take many writes.
func TestReadersSeeWholeFiles(t *testing.T) {
	const size, versions = 2 << 20, 30
	dir := t.TempDir()
	f := open(t, dir)
	stop, looked := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		defer func() { looked <- n }()
		for {
			select {
			case <-stop:
				return
			default:
			}
			body, err := os.ReadFile(filepath.Join(dir, "feeds", "all.rss"))
			if errors.Is(err, fs.ErrNotExist) && n == 0 {
				continue // not there yet
			}
			if err != nil || len(body) != size || strings.Trim(string(body), string(body[:1])) != "" {
				t.Errorf("a reader saw %d octets, %v", len(body), err)
				return
			}
			n++
		}
	}()
	for i := range versions {
		put(t, f, "feeds/all.rss", strings.Repeat(string(rune('a'+i%2)), size))
	}
	close(stop)
	if n := <-looked; n == 0 {
		t.Error("nobody looked")
	}
	end(t, f)
}

// model is what is known of a folder by somebody who does not look into it.
type model struct {
	t      *testing.T
	dir    string
	random *rand.Rand
	ended  site                       // what the last run that ended left
	ever   map[string]map[string]bool // every body that a path was to have
	others site
}

// TestAnySequenceOfRuns lets runs come in any order, some of which do not end.
func TestAnySequenceOfRuns(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			m := &model{t: t, dir: t.TempDir(), random: rand.New(rand.NewPCG(seed, 1)), ended: site{}, ever: map[string]map[string]bool{}, others: site{}}
			for range 25 {
				m.run(m.wanted())
				m.look()
			}
		})
	}
}

// wanted is a site of some of twenty paths, many of them as they were.
func (m *model) wanted() site {
	next := site{}
	for i := range 20 {
		path := fmt.Sprintf("%c/%d/x", 'a'+rune(i%3), i%7)
		if i%2 == 0 {
			path = fmt.Sprintf("p%d", i)
		}
		was, there := m.ended[path]
		switch n := m.random.IntN(10); {
		case there && n < 6:
			next[path] = was
		case n < 9:
			next[path] = fmt.Sprint(path, " ", m.random.IntN(5))
		}
	}
	return next
}

// run works towards the site, and may give up on the way.
func (m *model) run(next site) {
	f := open(m.t, m.dir)
	paths := slices.Sorted(maps.Keys(next))
	m.random.Shuffle(len(paths), func(i, j int) { paths[i], paths[j] = paths[j], paths[i] })
	before, giveUp := prints(m.t, m.dir), m.random.IntN(2*len(paths)+1)
	for i, path := range paths {
		if i == giveUp {
			f.Abandon()
			return
		}
		if m.ever[path] == nil {
			m.ever[path] = map[string]bool{}
		}
		m.ever[path][next[path]] = true
		if next[path] == m.ended[path] && f.Sure(path) && m.random.IntN(2) == 0 {
			f.Keep(path)
			continue
		}
		put(m.t, f, path, next[path])
	}
	end(m.t, f)
	want := maps.Clone(next)
	maps.Copy(want, m.others)
	wantThere(m.t, m.dir, want)
	for path, p := range prints(m.t, m.dir) {
		if was, ok := before[path]; ok && f.files[path].written == (was == p) {
			m.t.Errorf("%s: written %v, but it was %v and is %v", path, f.files[path].written, was, p)
		}
	}
	m.ended = next
}

// look expects whole versions only, and the files of others; now and then
// another one of these appears.
func (m *model) look() {
	found := there(m.t, m.dir)
	for path, body := range found {
		if _, theirs := m.others[path]; !theirs && !m.ever[path][body] {
			m.t.Errorf("%s holds %q", path, body)
		}
	}
	for path, body := range m.others {
		if found[path] != body {
			m.t.Errorf("%s of somebody else holds %q, want %q", path, found[path], body)
		}
	}
	if m.random.IntN(5) == 0 {
		path := fmt.Sprintf("a/%d/other", m.random.IntN(7))
		m.others[path] = "theirs"
		writeFile(m.t, filepath.Join(m.dir, path), "theirs")
	}
}
