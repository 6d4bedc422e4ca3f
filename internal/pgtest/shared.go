package pgtest

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"
)

// Variable is the environment variable with the address of a cluster that runs
// already, for many test processes. The program in the folder "with" sets it.
const Variable = "JIANXUN_TEST_POSTGRES"

// begun is the shared cluster if this process has started it.
var begun atomic.Pointer[Cluster]

// shared is the one cluster of the run.
var shared = sync.OnceValues(func() (*Cluster, error) {
	if address := os.Getenv(Variable); address != "" {
		return attach(address)
	}
	c, err := Start(Options{})
	if err != nil {
		return nil, err
	}
	c.shared = true
	begun.Store(c)
	return c, nil
})

// attach uses a cluster that another process has started and will stop.
func attach(address string) (*Cluster, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "postgres" || u.Host == "" {
		return nil, fmt.Errorf("%s is %q, not like postgres://%s@127.0.0.1:5432/?sslmode=disable", Variable, address, superuser)
	}
	t, err := find()
	if err != nil {
		return nil, err
	}
	return &Cluster{base: *u, tools: t, shared: true}, nil
}

// Shared is the cluster that all tests of the run have in common, each with
// databases of its own. Without PostgreSQL the test is skipped, and fails in CI.
// TestMain has to end it with Run.
func Shared(t testing.TB) *Cluster {
	t.Helper()
	c, err := shared()
	want(t, err)
	return c
}

// Database makes a database on the shared cluster, for what is made once for many
// tests.
func Database() (string, error) {
	c, err := shared()
	if err != nil {
		return "", err
	}
	return c.Database()
}

// Own is a cluster for this test alone, which may halt and freeze it. It is
// stopped with the test; without PostgreSQL it is as with Shared.
func Own(t testing.TB, o Options) *Cluster {
	t.Helper()
	c, err := Start(o)
	want(t, err)
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func want(t testing.TB, err error) {
	t.Helper()
	switch {
	case errors.Is(err, ErrMissing) && os.Getenv("CI") != "true":
		t.Skip(err)
	case err != nil:
		t.Fatal(err)
	}
}

// Run runs the tests of m, a *testing.M, stops the shared cluster if this
// process has started it, and gives the exit code.
func Run(m interface{ Run() int }) int {
	code := m.Run()
	c := begun.Load()
	if c == nil {
		return code
	}
	if err := c.end(); err != nil {
		fmt.Fprintln(os.Stderr, "pgtest:", err)
		return max(code, 1)
	}
	return code
}
