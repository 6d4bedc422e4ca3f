package export

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// The manifest lists the files of the last run that ended, a line each: digest
// and path. Its last line is how many they are, so that a cut one is noticed.

const digestLength = 32 // hexadecimal digits

func digestOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:digestLength/2])
}

func (f *Folder) readManifest() (files map[string]string, found bool, err error) {
	files = map[string]string{}
	body, err := os.ReadFile(f.own("manifest"))
	if errors.Is(err, fs.ErrNotExist) {
		return files, false, nil
	} else if err != nil {
		return nil, false, err
	}
	text := string(body)
	last := strings.LastIndexByte(strings.TrimSuffix(text, "\n"), '\n') + 1
	for line := range strings.Lines(text[:last]) {
		if digest, path, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " "); ok && len(digest) == digestLength && ours(path) {
			files[path] = digest
		}
	}
	if text[last:] != strconv.Itoa(len(files))+"\n" {
		return nil, true, f.damaged("manifest")
	}
	return files, true, nil
}

func (f *Folder) writeManifest(files map[string]string) error {
	return f.replace(f.own("manifest"), func(w io.Writer) error {
		b := bufio.NewWriter(w)
		for _, path := range slices.Sorted(maps.Keys(files)) {
			b.WriteString(files[path] + " " + path + "\n")
		}
		b.WriteString(strconv.Itoa(len(files)) + "\n")
		return b.Flush() // tells of earlier failures too
	})
}

func (f *Folder) writeState(s State) error {
	body, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return f.replace(f.own("state"), func(w io.Writer) error {
		_, err := w.Write(body)
		return err
	})
}

// replace puts what content writes in the place of a file, in one step. The
// octets are on the disk before that: neither a kill nor a power cut shows half.
func (f *Folder) replace(to string, content func(io.Writer) error) error {
	tmp, err := os.CreateTemp(f.own("tmp"), "")
	if err != nil {
		return err
	}
	err = errors.Join(content(tmp), tmp.Chmod(0o644), tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), to)
	}
	if err != nil {
		_ = os.Remove(tmp.Name()) // else the next run does
	}
	return err
}

// syncDirs brings to the disk which files there are: the manifest, which comes
// next, must not be known for longer than what it tells of.
func (f *Folder) syncDirs() error {
	for dir := range f.dirs {
		d, err := os.Open(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it became empty and was removed
		} else if err != nil {
			return err
		}
		if err := errors.Join(d.Sync(), d.Close()); err != nil {
			return err
		}
	}
	return nil
}

// changed notes down that the entry of a path in its folder has changed, and so
// may have those of the folders above.
func (f *Folder) changed(path string) {
	for dir := filepath.Dir(path); !f.dirs[dir]; dir = filepath.Dir(dir) {
		f.dirs[dir] = true
		if dir == f.dir {
			return
		}
	}
}
