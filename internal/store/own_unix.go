//go:build unix

package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"jianxun/internal/news"
)

// claimFile takes the file for one daemon, by a lock on a file beside it that
// holds the daemon's process id. The lock ends with the process, however it ends;
// that the file is left behind then does no harm.
func claimFile(path string) (release func() error, err error) {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // whatever name it was given, it is one store
	}
	for {
		f, err := os.OpenFile(path+".pid", os.O_RDWR|os.O_CREATE, 0o640)
		if err != nil {
			return nil, mayNotBeWritten(path, err)
		}
		if locked(f) {
			holder := processIn(f)
			_ = f.Close()
			return nil, news.Errorf(news.Conflict, "another jianxun serves the store %s already: its process id is %s; several on one store need PostgreSQL", path, holder)
		}
		if !isAt(f, f.Name()) { // who had it has removed it meanwhile
			_ = f.Close()
			continue
		}
		// The lock is what counts: on a full disk the feeds are to be served all the same.
		_, _ = f.WriteAt(fmt.Appendf(nil, "%-19d\n", os.Getpid()), 0)
		return func() error { return errors.Join(removeOwn(f), f.Close()) }, nil
	}
}

// removeOwn removes the file, unless another has taken its place.
func removeOwn(f *os.File) error {
	if !isAt(f, f.Name()) {
		return nil
	}
	return os.Remove(f.Name())
}

// locked tells whether another has the lock of the file, and else takes it. A
// file system that knows no locks gives it to everybody.
func locked(f *os.File) bool {
	for {
		switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
		case errors.Is(err, syscall.EINTR):
		default:
			return errors.Is(err, syscall.EWOULDBLOCK)
		}
	}
}

// processIn reads the process id that the holder of the lock has written, or is
// about to write.
func processIn(f *os.File) string {
	for range 50 {
		var text [20]byte
		n, err := f.ReadAt(text[:], 0)
		id := strings.TrimSpace(string(text[:n]))
		if _, bad := strconv.Atoi(id); bad == nil {
			return id
		}
		if err != nil && err != io.EOF {
			break
		}
		<-time.After(10 * time.Millisecond)
	}
	return "?"
}

// isAt tells whether the open file is the one at the path.
func isAt(f *os.File, path string) bool {
	open, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(open, there)
}

// lockFolder keeps others from making or changing the tables at the same time.
// Where there are no locks, SQLite's own remain.
func lockFolder(ctx context.Context, path string) (release func(), err error) {
	f, err := os.Open(filepath.Dir(path))
	if err != nil {
		return func() {}, nil // a folder that may not be listed
	}
	for wait := time.Millisecond; locked(f); wait = min(2*wait, 100*time.Millisecond) {
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), f.Close())
		case <-time.After(wait):
		}
	}
	return func() { _ = f.Close() }, nil
}

// mayWrite tells whether the file may be written, without opening it.
func mayWrite(path string) error {
	const writing = 2 // W_OK
	if err := syscall.Access(path, writing); err != nil {
		return &os.PathError{Op: "open", Path: path, Err: err}
	}
	return nil
}

// syncFolder makes what was renamed in the folder survive a power cut.
func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	err = f.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) { // this file system has no need of it
		err = nil
	}
	return errors.Join(err, f.Close())
}
