// Command with runs a command beside a PostgreSQL to throw away, which all tests
// of the command share: go run ./internal/pgtest/with go test ./...
// It exits as the command does ("go run" makes a 1 of what is not 0). Without
// PostgreSQL the command runs all the same, and its tests say what is missing.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"jianxun/internal/pgtest"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: with COMMAND ARGUMENT...")
		os.Exit(2)
	}
	signals := make(chan os.Signal, 2) // from here on, so that they wait until the cluster can be stopped
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	cluster, err := pgtest.Start(pgtest.Options{})
	if err == nil {
		err = os.Setenv(pgtest.Variable, cluster.URL("postgres"))
	}
	code := 1
	if err == nil || errors.Is(err, pgtest.ErrMissing) {
		code, err = run(exec.Command(os.Args[1], os.Args[2:]...), signals)
	}
	if cluster != nil {
		err = errors.Join(err, cluster.Stop())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "with:", err)
	}
	os.Exit(code)
}
