package export

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"strings"
	"sync"
)

// notes list what a run is about to write, a path a line, so that the next run
// knows of it if this one is killed. They are on the disk before add returns;
// goroutines that add at the same time share the wait for it.
type notes struct {
	name string

	mu     sync.Mutex // guards what follows
	file   *os.File   // nil until there is something to note
	added  int        // times
	failed error      // the file may end in half a line: nothing may follow

	syncing sync.Mutex // guards synced, and is held while the disk works
	synced  int        // times
}

// renewal is the line of a run that makes everything anew. It is no path.
const renewal = "/"

func (n *notes) add(lines ...string) error {
	mine, err := n.write(strings.Join(lines, "\n") + "\n")
	if err != nil {
		return err
	}
	n.syncing.Lock()
	defer n.syncing.Unlock()
	if n.synced >= mine {
		return nil // somebody who came later has waited for ours too
	}
	n.mu.Lock()
	all := n.added
	n.mu.Unlock()
	if err := n.file.Sync(); err != nil {
		return err
	}
	n.synced = all
	return nil
}

func (n *notes) write(text string) (number int, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.file == nil && n.failed == nil {
		n.file, n.failed = os.OpenFile(n.name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	}
	if n.failed == nil {
		n.added++
		_, n.failed = n.file.WriteString(text)
	}
	return n.added, n.failed
}

func (n *notes) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.file != nil {
		_ = n.file.Close() // all that matters has been synced
	}
}

// read gives the paths that killed runs noted down, and whether one of the runs
// made everything anew. A line that was not written to its end is cut off, and
// one that a power cut has spoilt is passed over: nothing was done about it yet.
func (n *notes) read() (paths []string, renewed bool, err error) {
	body, err := os.ReadFile(n.name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	whole := bytes.LastIndexByte(body, '\n') + 1
	if err == nil && whole < len(body) {
		err = os.Truncate(n.name, int64(whole))
	}
	for line := range strings.Lines(string(body[:whole])) {
		line = strings.TrimSuffix(line, "\n")
		if ours(line) {
			paths = append(paths, line)
		}
		renewed = renewed || line == renewal
	}
	return paths, renewed, err
}

// ours tells whether the path may be one of an export: whatever a damaged list
// says, nothing outside the folder is touched.
func ours(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return fs.ValidPath(path) && path != "." && first != own && !strings.ContainsRune(path, 0)
}
