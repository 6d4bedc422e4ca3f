package export

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
)

// Put makes the file at the path, which has slashes and is relative, hold body.
func (f *Folder) Put(path string, body []byte) error {
	digest := digestOf(body)
	written := !f.same(path, body, digest)
	if written {
		if err := f.write(path, body); err != nil {
			return cannot(err)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.files[path] = file{digest, written || f.files[path].written}
	return nil
}

// same tells whether the file holds body already. It is read only when what was
// written last is not known.
func (f *Folder) same(path string, body []byte, digest string) bool {
	f.mu.Lock()
	known, ok := f.old[path]
	f.mu.Unlock()
	switch {
	case !ok || known != "" && known != digest:
		return false
	case known == "":
		there, err := os.ReadFile(f.path(path))
		return err == nil && bytes.Equal(there, body)
	}
	info, err := os.Stat(f.path(path))
	return err == nil && info.Size() == int64(len(body)) // somebody may have removed it
}

// write notes the path down, writes beside the place, and puts the whole file
// there in one step.
func (f *Folder) write(path string, body []byte) error {
	f.mu.Lock()
	f.old[path] = "" // from now on it is ours to remove, and only reading it can tell what it holds
	f.mu.Unlock()
	if err := f.notes.add(path); err != nil {
		return err
	}
	to := f.path(path)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	err := f.replace(to, func(w io.Writer) error {
		_, err := w.Write(body)
		return err
	})
	f.mu.Lock()
	defer f.mu.Unlock()
	f.changed(to)
	return err
}

// Sure tells whether the last run that ended left the first of the files, and
// none of them was written since.
func (f *Folder) Sure(paths ...string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, path := range paths {
		if digest, ok := f.old[path]; ok && digest == "" {
			return false
		}
	}
	return f.old[paths[0]] != ""
}

// Keep lets the file at the path stay as the last run that ended left it. What
// a run that was killed may have written stays only if it is put again.
func (f *Folder) Keep(path string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keep(path)
}

func (f *Folder) keep(path string) {
	if _, put := f.files[path]; !put && f.old[path] != "" {
		f.files[path] = file{digest: f.old[path]}
	}
}

// KeepBelow lets all files stay whose paths begin so, see Keep.
func (f *Folder) KeepBelow(prefix string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for path := range f.old {
		if strings.HasPrefix(path, prefix) {
			f.keep(path)
		}
	}
}

// Drop takes a Put or Keep back: the file goes when the run ends.
func (f *Folder) Drop(path string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.files, path)
}

// Counts tells what the run has done so far.
func (f *Folder) Counts() Counts {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := Counts{Removed: f.removed}
	for _, file := range f.files {
		if file.written {
			c.Written++
		} else {
			c.Unchanged++
		}
	}
	return c
}

// Close removes what was neither put nor kept, and leaves state for the next run.
func (f *Folder) Close(state State) error {
	defer f.Abandon()
	f.mu.Lock()
	defer f.mu.Unlock()
	return cannot(f.end(state))
}

func (f *Folder) end(state State) error {
	files := map[string]string{}
	for path, file := range f.files {
		files[path] = file.digest
	}
	for path := range f.old {
		if _, wanted := files[path]; !wanted {
			if err := f.remove(path); err != nil {
				return err
			}
		}
	}
	if err := f.syncDirs(); err != nil {
		return err
	}
	if !f.listed || !maps.Equal(f.old, files) {
		if err := f.writeManifest(files); err != nil {
			return err
		}
	}
	if err := f.writeState(state); err != nil {
		return err
	}
	// The notes go last: as long as they are there, what they name is looked at.
	if err := os.Remove(f.notes.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// remove removes the file, and folders that have become empty.
func (f *Folder) remove(path string) error {
	to := f.path(path)
	switch err := os.Remove(to); {
	case err == nil:
		f.removed++
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	f.changed(to)
	for dir := filepath.Dir(to); dir != f.dir && os.Remove(dir) == nil; {
		dir = filepath.Dir(dir)
	}
	return nil
}
