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

// File is what a file is to be. Its path has slashes and is relative.
type File struct {
	Path string
	Body []byte
}

// Put makes the files hold their bodies. Those that belong together are best put
// together: noting them down takes as long as noting one.
func (f *Folder) Put(files ...File) error {
	var paths []string
	digests, write := make([]string, len(files)), make([]bool, len(files))
	for i, file := range files {
		digests[i] = digestOf(file.Body)
		if write[i] = !f.same(file, digests[i]); write[i] {
			paths = append(paths, file.Path)
		}
	}
	if err := f.note(paths); err != nil {
		return cannot(err)
	}
	for i, file := range files {
		if write[i] {
			if err := f.write(file); err != nil {
				return cannot(err)
			}
		}
		f.mu.Lock()
		f.files[file.Path] = entry{digests[i], write[i] || f.files[file.Path].written}
		f.mu.Unlock()
	}
	return nil
}

// same tells whether the file holds the body already. It is read only when what
// was written last is not known.
func (f *Folder) same(file File, digest string) bool {
	f.mu.Lock()
	known, ok := f.old[file.Path]
	f.mu.Unlock()
	switch {
	case !ok || known != "" && known != digest:
		return false
	case known == "":
		there, err := os.ReadFile(f.path(file.Path))
		return err == nil && bytes.Equal(there, file.Body)
	}
	info, err := os.Stat(f.path(file.Path))
	return err == nil && info.Size() == int64(len(file.Body)) // somebody may have removed it
}

// note notes the paths down. From then on they are ours to remove, and only
// reading a file can tell what it holds.
func (f *Folder) note(paths []string) error {
	if len(paths) == 0 {
		return nil
	}
	f.mu.Lock()
	for _, path := range paths {
		f.old[path] = ""
	}
	f.mu.Unlock()
	return f.notes.add(paths...)
}

// write writes beside the place, and puts the whole file there in one step.
func (f *Folder) write(file File) error {
	to := f.path(file.Path)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	err := f.replace(to, func(w io.Writer) error {
		_, err := w.Write(file.Body)
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
		f.files[path] = entry{digest: f.old[path]}
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
