//go:build unix && !linux && !aix && !solaris

package pgtest

import (
	"fmt"
	"os/exec"
	"strings"
	"syscall"
)

// endWithParent can do nothing here; see sweep.
func endWithParent(*syscall.SysProcAttr) {}

func inMemory() string { return "" }

// family gives the process and its children.
func family(parent int) ([]kin, error) {
	out, err := exec.Command("ps", "-A", "-o", "pid=", "-o", "ppid=", "-o", "stat=").Output()
	if err != nil {
		return nil, fmt.Errorf("ps: %w", err)
	}
	var all []kin
	for line := range strings.Lines(string(out)) {
		var pid, of int
		var state string
		if _, err := fmt.Sscan(line, &pid, &of, &state); err == nil && (pid == parent || of == parent) {
			all = append(all, kin{pid, strings.ContainsAny(state, "TZ")})
		}
	}
	return all, nil
}
