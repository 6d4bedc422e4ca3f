package e2e

import (
	"os"
	"path/filepath"
	"testing"
)

// tool gives the path of a program of somebody else's. One that is missing
// fails the test in CI and is named elsewhere; internal/e2e/install.sh has
// listed it by then.
func tool(t testing.TB, name string) string {
	t.Helper()
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/sbin") {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode()&0o111 != 0 {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not installed", name)
	}
	t.Skipf("%s is not installed; this part did not run", name)
	return ""
}
