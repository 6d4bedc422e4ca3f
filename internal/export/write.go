package export

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Put makes the file at the path, which has slashes and is relative, hold body.
func (f *Folder) Put(path string, body []byte) error {
	digest := digestOf(body)
	if f.same(path, body, digest) {
		f.Unchanged++
	} else if err := f.write(path, body); err != nil {
		return cannot(err)
	} else {
		f.Written++
	}
	f.files[path] = digest
	return nil
}

// same tells whether the file holds body already. It is read only when a run
// that was killed leaves that open.
func (f *Folder) same(path string, body []byte, digest string) bool {
	known, ok := f.old[path]
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

func (f *Folder) path(path string) string { return filepath.Join(f.dir, filepath.FromSlash(path)) }

// write notes the path down, writes beside the place, and puts the whole file
// there in one step.
func (f *Folder) write(path string, body []byte) error {
	if _, err := f.notes.WriteString(path + "\n"); err != nil {
		return err
	}
	to := f.path(path)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(f.own("tmp"), "")
	if err != nil {
		return err
	}
	_, err = tmp.Write(body)
	err = errors.Join(err, tmp.Chmod(0o644), tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), to)
	}
	return err
}

// Keep lets the file at the path stay as it is.
func (f *Folder) Keep(path string) {
	digest, ok := f.old[path]
	if ok && digest == "" { // a run that was killed may have written it
		body, err := os.ReadFile(f.path(path))
		digest, ok = digestOf(body), err == nil
	}
	if ok {
		f.files[path] = digest
		f.Unchanged++
	}
}

// KeepBelow lets all files stay whose paths begin so.
func (f *Folder) KeepBelow(prefix string) {
	for path := range f.old {
		if _, put := f.files[path]; !put && strings.HasPrefix(path, prefix) {
			f.Keep(path)
		}
	}
}

// Drop takes back a Keep: the file goes when the run ends.
func (f *Folder) Drop(path string) {
	if _, kept := f.files[path]; kept {
		delete(f.files, path)
		f.Unchanged--
	}
}

// Close removes what was neither put nor kept, and leaves state for the next run.
func (f *Folder) Close(state State) error {
	defer f.Abandon()
	for path := range f.old {
		if _, wanted := f.files[path]; wanted {
			continue
		}
		switch err := os.Remove(f.path(path)); {
		case err == nil:
			f.Removed++
		case !errors.Is(err, fs.ErrNotExist):
			return cannot(err)
		}
		f.prune(filepath.Dir(f.path(path)))
	}
	if err := f.manifest(state); err != nil {
		return cannot(err)
	}
	if err := os.Remove(f.own("notes")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return cannot(err)
	}
	return nil
}

// prune removes folders that have become empty.
func (f *Folder) prune(dir string) {
	for dir != f.dir && os.Remove(dir) == nil {
		dir = filepath.Dir(dir)
	}
}

func (f *Folder) manifest(state State) error {
	head, err := json.Marshal(state)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(f.own("tmp"), "")
	if err != nil {
		return err
	}
	w := bufio.NewWriter(tmp)
	_, err = w.Write(append(head, '\n'))
	for _, path := range slices.Sorted(maps.Keys(f.files)) {
		if err == nil {
			_, err = w.WriteString(f.files[path] + " " + path + "\n")
		}
	}
	if err = errors.Join(err, w.Flush(), tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), f.own("manifest"))
}
