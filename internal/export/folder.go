// Package export keeps a folder the same as a site, for any web server to serve.
//
// It promises that whoever reads the folder meanwhile finds whole files, the old
// or the new; that a file that would stay the same is not touched; and that
// files which no longer belong there go, also after a run that was killed: what
// is about to be written is noted down first. It never touches a folder that it
// did not begin, nor files that are not its own. Two runs at once are refused.
package export

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"jianxun/internal/news"
)

// State is what a run tells the next one.
type State struct {
	Stamp  string    `json:"stamp"`  // of everything but the articles that decides what files hold
	Change int64     `json:"change"` // of the store, up to which the files are
	At     time.Time `json:"at"`
	// Tails are files that another name replaces as soon as they grow. The next
	// run keeps them: somebody may be on the way to them.
	Tails []string `json:"tails"`
}

// Counts are the files of a run.
type Counts struct {
	Written   int `json:"written"`
	Unchanged int `json:"unchanged"`
	Removed   int `json:"removed"`
}

// Folder is an open folder. Close or Abandon it.
type Folder struct {
	Counts
	dir   string
	lock  *os.File
	notes *os.File
	state State
	old   map[string]string // digest by path, empty when not known
	files map[string]string // of this run
}

// own is where the package keeps its things, below the folder.
const own = ".jianxun"

// Open takes the folder, making it when absent.
func Open(dir string) (*Folder, error) {
	if err := mayUse(dir); err != nil {
		return nil, err
	}
	f := &Folder{dir: dir, old: map[string]string{}, files: map[string]string{}}
	for _, step := range []func() error{
		func() error { return os.MkdirAll(f.own("tmp"), 0o755) },
		f.take, f.read, f.clear,
		func() (err error) {
			f.notes, err = os.OpenFile(f.own("notes"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
			return err
		},
	} {
		if err := step(); err != nil {
			f.Abandon()
			return nil, cannot(err)
		}
	}
	return f, nil
}

// mayUse refuses a folder with files of others in it.
func mayUse(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return cannot(err)
	case len(entries) == 0:
		return nil
	}
	if _, err := os.Stat(filepath.Join(dir, own)); err != nil {
		return news.Errorf(news.Conflict, "the folder %s holds files that are not from an export; choose an empty one", dir)
	}
	return nil
}

func (f *Folder) own(name string) string { return filepath.Join(f.dir, own, name) }

// take locks the folder until this process ends, however it ends.
func (f *Folder) take() (err error) {
	if f.lock, err = os.OpenFile(f.own("lock"), os.O_CREATE|os.O_RDWR, 0o644); err != nil {
		return err
	}
	if err := syscall.Flock(int(f.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return news.Errorf(news.Conflict, "another export is writing to %s", f.dir)
	}
	return nil
}

// read learns what is there: what the last run that ended wrote, and what one
// that was killed after it may have.
func (f *Folder) read() error {
	err := lines(f.own("manifest"), func(n int, line string) error {
		if n == 0 {
			return json.Unmarshal([]byte(line), &f.state)
		}
		digest, path, _ := strings.Cut(line, " ")
		f.old[path] = digest
		return nil
	})
	if err != nil {
		return news.Errorf(news.Invalid, "the folder %s cannot be continued (%w); remove it and export again", f.dir, err)
	}
	return lines(f.own("notes"), func(_ int, line string) error {
		f.old[line] = ""
		return nil
	})
}

func lines(name string, each func(n int, line string) error) error {
	r, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // it was only read
	scan := bufio.NewScanner(r)
	for n := 0; scan.Scan(); n++ {
		if err := each(n, scan.Text()); err != nil {
			return err
		}
	}
	return scan.Err()
}

// clear removes what a run that was killed was writing.
func (f *Folder) clear() error {
	if err := os.RemoveAll(f.own("tmp")); err != nil {
		return err
	}
	return os.Mkdir(f.own("tmp"), 0o755)
}

// State is what the last run that ended left.
func (f *Folder) State() State { return f.state }

// Has tells whether an earlier run left a file at the path.
func (f *Folder) Has(path string) bool {
	_, ok := f.old[path]
	return ok
}

// Abandon leaves the folder as it is now; the next run goes on from there.
func (f *Folder) Abandon() {
	if f.notes != nil {
		_ = f.notes.Close() // the next run reads what is there
	}
	if f.lock != nil {
		_ = f.lock.Close()
	}
}

func digestOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:16])
}

func cannot(err error) error {
	if _, ours := errors.AsType[*news.Error](err); ours {
		return err
	}
	return news.Errorf(news.Unavailable, "the export cannot be written: %w", err)
}
