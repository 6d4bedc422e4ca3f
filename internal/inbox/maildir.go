package inbox

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Maildir is a folder into which a mail server delivers. Mail in new and cur is
// looked at, whether people have read it or not; what is done goes to the folder
// .done in it (Maildir++), marked as seen, so what remains is what is not ours.
// Several may read one Maildir.
type Maildir struct {
	Dir   string
	Every time.Duration // between two looks; 0: ten seconds

	pause pause
}

// Run takes mail until ctx ends; it always gives nil.
func (m Maildir) Run(ctx context.Context, take Take, log *slog.Logger) error {
	if m.Every <= 0 {
		m.Every = 10 * time.Second
	}
	r := maildirReader{dir: m.Dir, take: take, log: log, known: map[string]standing{}}
	repeat(ctx, &watch{log: log, where: "maildir " + m.Dir}, m.pause, m.Every, r.round)
	return nil
}

// standing is what is known of a mail that is still there.
type standing int

const (
	fresh      standing = iota
	notOurs             // looked at, and left alone
	taken               // recorded, and still to be moved
	unreadable          // and said so
)

type maildirReader struct {
	dir   string
	take  Take
	log   *slog.Logger
	known map[string]standing // by unique name
}

// round looks at every mail that is not known yet.
func (r *maildirReader) round(ctx context.Context) (more bool, err error) {
	paths, err := r.list()
	if err != nil {
		return false, failing("read the folder", err)
	}
	here := map[string]bool{}
	for _, path := range paths {
		here[uniqueName(path)] = true
	}
	maps.DeleteFunc(r.known, func(name string, _ standing) bool { return !here[name] })
	for _, path := range paths {
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		if err := r.look(ctx, path); err != nil {
			return false, err
		}
	}
	return false, nil
}

// list gives the paths of all mails, the oldest of each folder first.
func (r *maildirReader) list() ([]string, error) {
	var paths []string
	for _, folder := range []string{"new", "cur"} {
		entries, err := os.ReadDir(filepath.Join(r.dir, folder))
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if e.Type().IsRegular() && !strings.HasPrefix(e.Name(), ".") {
				paths = append(paths, filepath.Join(r.dir, folder, e.Name()))
			}
		}
	}
	return paths, nil
}

// look takes one mail. One that has vanished was moved by somebody: it is found
// again where it is now, or was done by another reader.
func (r *maildirReader) look(ctx context.Context, path string) error {
	name := uniqueName(path)
	switch r.known[name] {
	case notOurs:
		return nil
	case taken:
		return failing("move a mail to .done", r.finish(path))
	}
	raw, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		if r.known[name] != unreadable {
			r.log.Warn("an incoming mail cannot be read, it stays where it is", "path", path, "error", err)
			r.known[name] = unreadable
		}
		return nil
	}
	done, err := r.take(ctx, Mail{Raw: raw, Where: "maildir " + path})
	if err != nil {
		return failing("record a mail", err)
	}
	if !done {
		r.known[name] = notOurs
		return nil
	}
	r.known[name] = taken
	return failing("move a mail to .done", r.finish(path))
}

// finish moves a mail that is done, its flags kept and S added.
func (r *maildirReader) finish(path string) error {
	done := filepath.Join(r.dir, ".done")
	for _, folder := range []string{"tmp", "new", "cur"} {
		if err := os.MkdirAll(filepath.Join(done, folder), 0o700); err != nil {
			return err
		}
	}
	_, flags, _ := strings.Cut(filepath.Base(path), ":2,")
	letters := strings.Split(flags+"S", "")
	slices.Sort(letters)
	flags = strings.Join(slices.Compact(letters), "")
	err := os.Rename(path, filepath.Join(done, "cur", uniqueName(path)+":2,"+flags))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func uniqueName(path string) string {
	name, _, _ := strings.Cut(filepath.Base(path), ":")
	return name
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, maxMail))
}
