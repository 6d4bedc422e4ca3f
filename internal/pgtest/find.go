package pgtest

import (
	"cmp"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// oldest is the oldest PostgreSQL that will do.
const oldest = 15

// ErrMissing says that no PostgreSQL was found, and how to get one.
var ErrMissing = errors.New("PostgreSQL 15 or newer is not installed; on Debian, as root: apt-get install postgresql")

// tools are the programs of one installation.
type tools struct{ initdb, postgres, psql string }

// find looks for an installation on the PATH, then where Debian keeps its
// versions side by side, newest first.
func find() (tools, error) {
	for _, dir := range append(onPath(), sideBySide()...) {
		if t, ok := toolsIn(dir); ok && major(t.postgres) >= oldest {
			return t, nil
		}
	}
	return tools{}, ErrMissing
}

// onPath gives the folders in which the postgres programs of the PATH really
// are: a link to one of them says where the others lie.
func onPath() []string {
	var dirs []string
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if real, err := filepath.EvalSymlinks(filepath.Join(dir, "postgres")); err == nil {
			dirs = append(dirs, filepath.Dir(real))
		}
	}
	return dirs
}

func sideBySide() []string {
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // fails for a bad pattern only
	version := func(dir string) float64 {
		v, _ := strconv.ParseFloat(filepath.Base(filepath.Dir(dir)), 64)
		return v
	}
	slices.SortFunc(dirs, func(a, b string) int { return cmp.Compare(version(b), version(a)) })
	return dirs
}

// toolsIn gives the programs in dir. The client may be packaged apart.
func toolsIn(dir string) (tools, bool) {
	t := tools{filepath.Join(dir, "initdb"), filepath.Join(dir, "postgres"), filepath.Join(dir, "psql")}
	for _, server := range []string{t.initdb, t.postgres} {
		if _, err := exec.LookPath(server); err != nil {
			return tools{}, false
		}
	}
	if _, err := exec.LookPath(t.psql); err == nil {
		return t, true
	}
	client, err := exec.LookPath("psql")
	t.psql = client
	return t, err == nil
}

// major is the major version of a postgres, 0 when it does not say:
// "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", "… 18beta1".
func major(postgres string) int {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, postgres, "--version").Output()
	words := strings.Fields(string(out))
	if err != nil || len(words) < 3 {
		return 0
	}
	digits := words[2]
	if end := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }); end >= 0 {
		digits = digits[:end]
	}
	n, _ := strconv.Atoi(digits)
	return n
}
