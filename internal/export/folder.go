// Package export keeps a folder the same as a site, for any web server to serve.
//
// It promises that whoever reads the folder meanwhile finds whole files, the old
// or the new; that a file that would stay the same is not touched; and that
// files which no longer belong there go, also after a run that was killed: what
// is about to be written is noted down first. It never touches a folder that it
// did not begin, nor files that are not its own. Two runs at once are refused.
package export

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
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

// Folder is an open folder. Put, Keep and Drop may be called by several
// goroutines at once, but not for the same path. Close or Abandon it.
type Folder struct {
	dir    string
	lock   *os.File
	notes  *notes
	state  State
	listed bool // there is a manifest

	mu      sync.Mutex        // guards what follows
	old     map[string]string // digest by path; empty: only reading the file can tell
	files   map[string]entry  // of this run
	dirs    map[string]bool   // whose entries this run has changed
	removed int
}

type entry struct {
	digest  string
	written bool // by this run
}

// own is where the package keeps its things, below the folder.
const own = ".jianxun"

// Open takes the folder, making it when absent.
func Open(dir string) (*Folder, error) {
	if err := mayUse(dir); err != nil {
		return nil, err
	}
	f := &Folder{dir: filepath.Clean(dir), old: map[string]string{}, files: map[string]entry{}, dirs: map[string]bool{}}
	f.notes = &notes{name: f.own("notes")}
	for _, step := range []func() error{
		func() error { return os.MkdirAll(f.own(""), 0o755) },
		f.take, f.read, f.clear,
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
	if info, err := os.Stat(filepath.Join(dir, own)); err != nil || !info.IsDir() {
		return news.Errorf(news.Conflict, "the folder %s holds files that are not from an export; choose an empty one", dir)
	}
	return nil
}

func (f *Folder) own(name string) string { return filepath.Join(f.dir, own, name) }

func (f *Folder) path(path string) string { return filepath.Join(f.dir, filepath.FromSlash(path)) }

// take locks the folder until this process ends, however it ends.
func (f *Folder) take() (err error) {
	if f.lock, err = os.OpenFile(f.own("lock"), os.O_CREATE|os.O_RDWR, 0o644); err != nil {
		return err
	}
	err = syscall.Flock(int(f.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return news.Errorf(news.Conflict, "another export is writing to %s", f.dir)
	}
	return err
}

// read learns what is there: what the last run that ended wrote, and what those
// that were killed after it may have.
func (f *Folder) read() (err error) {
	body, err := os.ReadFile(f.own("state"))
	switch {
	case err == nil && json.Unmarshal(body, &f.state) != nil:
		return f.damaged("state")
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	ended := err == nil
	if f.old, f.listed, err = f.readManifest(); err != nil {
		return err
	}
	if ended && !f.listed {
		return f.damaged("manifest")
	}
	noted, renewed, err := f.notes.read()
	for _, path := range noted {
		f.old[path] = ""
	}
	if renewed {
		f.state.Stamp, f.state.Change = "", 0 // some files are of that run, some of the one before
	}
	return err
}

func (f *Folder) damaged(name string) error {
	return news.Errorf(news.Invalid, "the folder %s cannot be continued, because %s is damaged; remove the folder and export again", f.dir, f.own(name))
}

// clear removes what a run that was killed was writing.
func (f *Folder) clear() error {
	if err := os.RemoveAll(f.own("tmp")); err != nil {
		return err
	}
	return os.Mkdir(f.own("tmp"), 0o755)
}

// State is what the last run that ended left. Its stamp is empty when a run that
// renewed everything was killed after it.
func (f *Folder) State() State { return f.state }

// Renew tells that this run makes everything anew. Should it be killed, the next
// one must do so too: what State says is no longer true of all files.
func (f *Folder) Renew() error { return cannot(f.notes.add(renewal)) }

// Abandon leaves the folder as it is now; the next run goes on from there.
func (f *Folder) Abandon() {
	f.notes.close()
	if f.lock != nil {
		_ = f.lock.Close() // it was only held
	}
}

func cannot(err error) error {
	if _, ours := errors.AsType[*news.Error](err); ours || err == nil {
		return err
	}
	return news.Errorf(news.Unavailable, "the export cannot be written: %w", err)
}
