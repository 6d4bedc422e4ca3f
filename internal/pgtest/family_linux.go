package pgtest

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// endWithParent has the kernel shut the server down when we die, however.
func endWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGQUIT }

// inMemory is a directory in memory with at least 4 GB free, or none: much less
// is usual in containers.
func inMemory() string {
	const shm, tmpfs, enough = "/dev/shm", 0x01021994, 4 << 30
	var fs syscall.Statfs_t
	if syscall.Statfs(shm, &fs) != nil || int64(fs.Type) != tmpfs || int64(fs.Bavail)*int64(fs.Bsize) < enough {
		return ""
	}
	return shm
}

// family gives the process and its children.
func family(parent int) ([]kin, error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	var all []kin
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		// "PID (NAME) STATE PARENT …", and a name may hold anything.
		rest := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if len(rest) > 1 && (pid == parent || rest[1] == strconv.Itoa(parent)) {
			all = append(all, kin{pid, strings.Contains("TtZX", rest[0])})
		}
	}
	return all, nil
}
