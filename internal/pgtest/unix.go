//go:build unix && !aix && !solaris

package pgtest

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// prefix begins the name of every directory; a newborn one, which nobody may
// take for left behind, has "new-" before it.
const prefix = "jianxun-pgtest-"

// unprivileged is whom the server runs as: postgres refuses to run as root. It
// is nil for ourselves.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, fmt.Errorf("postgres cannot run as root: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// place is where a cluster lies: in memory where there is plenty, for a database
// is 300 files, and ext4 without a journal slows down ten times when that many
// come and go. A durable one lies on the disk; TMPDIR has the last word.
func place(durable bool) string {
	if memory := inMemory(); memory != "" && !durable && os.Getenv("TMPDIR") == "" {
		return memory
	}
	return os.TempDir()
}

// directory makes a directory that belongs to the user and is claimed by us.
func directory(place string, as *syscall.Credential) (string, *os.File, error) {
	newborn, err := os.MkdirTemp(place, "new-"+prefix)
	if err != nil {
		return "", nil, err
	}
	hold, err := claim(newborn)
	if err == nil && as != nil {
		err = os.Chown(newborn, int(as.Uid), int(as.Gid))
	}
	dir := filepath.Join(filepath.Dir(newborn), strings.TrimPrefix(filepath.Base(newborn), "new-"))
	if err == nil {
		err = os.Rename(newborn, dir)
	}
	if err != nil {
		_ = os.Remove(newborn)
		_ = hold.Close() // of none it does nothing
		return "", nil, err
	}
	return dir, hold, nil
}

// claim locks the directory until the file is closed or our process ends.
func claim(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// sweep removes directories whose process was killed. A server that runs in one
// nevertheless ends within a minute, when it misses its postmaster.pid.
func sweep() {
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*")) // fails for a bad pattern only
	inMemory, _ := filepath.Glob(filepath.Join(place(false), prefix+"*"))
	for _, dir := range append(left, inMemory...) {
		if hold, err := claim(dir); err == nil {
			_ = os.RemoveAll(dir) // another's, when it fails
			_ = hold.Close()
		}
	}
}
