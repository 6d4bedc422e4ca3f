// Package pgtest gives tests a PostgreSQL to throw away: a cluster in a fresh
// directory, on a loopback port of its own, that trusts everybody on this
// machine. Only tests and the program in the folder "with" import it.
//
// It promises that every database it gives is new and empty, that Stop leaves
// neither process nor file, and that a cluster does not outlive its process:
// on Linux it ends when the process is killed, and the next Start anywhere
// removes the directory that was left. Every wait is bounded; when postgres does
// not come up, the error holds the end of its log. ErrMissing says that it is
// not installed.
package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// patience bounds every wait.
const patience = 30 * time.Second

// superuser owns the cluster and is whom every address names.
const superuser = "jianxun"

var (
	errShared  = errors.New("this cluster serves other tests too; one that is to be halted or frozen has to be the test's own")
	errStopped = errors.New("this cluster has been stopped")
)

// Options say what a cluster is like.
type Options struct {
	// Durable keeps PostgreSQL's defaults of fsync, full_page_writes and
	// synchronous_commit. Without it they are off: fast, but "immediate" may
	// then take back what was committed in the last moments.
	Durable bool
}

// Cluster is a PostgreSQL that runs. Its methods may be called from many
// goroutines. Halting, freezing and stopping is refused for a shared one.
type Cluster struct {
	base   url.URL // of every database, but for the name
	tools  tools
	shared bool

	mu     sync.Mutex
	server *server // nil when it is stopped or belongs to another process
}

// Start makes a cluster and starts it. It takes one to two seconds.
func Start(o Options) (*Cluster, error) {
	t, err := find()
	if err != nil {
		return nil, err
	}
	s, err := begin(t, o.Durable)
	if err != nil {
		return nil, err
	}
	host := "127.0.0.1:" + strconv.Itoa(s.port)
	base := url.URL{Scheme: "postgres", User: url.User(superuser), Host: host, RawQuery: "sslmode=disable"}
	return &Cluster{base: base, tools: t, server: s}, nil
}

// URL is the address of the database of that name; "postgres" always exists.
func (c *Cluster) URL(db string) string {
	u := c.base
	u.Path = "/" + db
	return u.String()
}

// Port is where it listens, the same as long as the cluster lives.
func (c *Cluster) Port() int {
	port, _ := strconv.Atoi(c.base.Port())
	return port
}

// Database makes an empty database and gives its address.
func (c *Cluster) Database() (string, error) {
	// To copy the files takes half the time of writing them all into the WAL.
	return c.DatabaseWith("STRATEGY file_copy")
}

// DatabaseWith makes a database with more clauses of CREATE DATABASE, such as
// "TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'zh-CN' LOCALE 'C.UTF-8'".
func (c *Cluster) DatabaseWith(clauses string) (string, error) {
	name := "test_" + strings.ToLower(rand.Text())
	if _, err := c.psql("postgres", "CREATE DATABASE "+name+" "+clauses, patience); err != nil {
		return "", err
	}
	return c.URL(name), nil
}

// Drop drops a database of that address, whoever is connected to it, and frees
// its 8 MB before the cluster ends.
func (c *Cluster) Drop(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	_, err = c.psql("postgres", `DROP DATABASE "`+strings.TrimPrefix(u.Path, "/")+`" WITH (FORCE)`, patience)
	return err
}

// psql runs one statement and gives what it printed, values alone.
func (c *Cluster) psql(db, statement string, within time.Duration) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.tools.psql, "-XqAt", "-d", c.URL(db), "-c", statement)
	cmd.Env = environment()
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return "", fmt.Errorf("psql has had no answer for %v: %s", within, statement)
	}
	if err != nil {
		return "", fmt.Errorf("psql: %w: %s", err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// environment is ours without what would lead PostgreSQL's programs elsewhere,
// and with messages in English.
func environment() []string {
	kept := []string{}
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "PG") && !strings.HasPrefix(pair, "LC_ALL=") {
			kept = append(kept, pair)
		}
	}
	return append(kept, "LC_ALL=C")
}

// Halt shuts the server down: "fast" in good order, "immediate" as a crash of
// the server would, so that it recovers when it is resumed. A frozen one is
// thawed for it.
func (c *Cluster) Halt(mode string) error {
	return c.do(func(s *server) error { return s.halt(mode) })
}

// Resume starts a halted server again, on the same port.
func (c *Cluster) Resume() error { return c.do((*server).resume) }

// Restart halts and resumes.
func (c *Cluster) Restart(mode string) error {
	return c.do(func(s *server) error {
		if err := s.halt(mode); err != nil {
			return err
		}
		return s.resume()
	})
}

// Freeze stops the server and all its children where they are: the kernel goes
// on accepting connections and acknowledging bytes, but nothing answers.
func (c *Cluster) Freeze() error { return c.do((*server).freeze) }

// Thaw lets a frozen server go on.
func (c *Cluster) Thaw() error { return c.do((*server).thaw) }

// Stop ends the cluster at once and removes its directory. Stopping it again
// does nothing.
func (c *Cluster) Stop() error {
	if c.shared {
		return errShared
	}
	return c.end()
}

func (c *Cluster) end() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server == nil {
		return nil
	}
	err := c.server.end()
	c.server = nil
	return err
}

func (c *Cluster) do(what func(*server) error) error {
	if c.shared {
		return errShared
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server == nil {
		return errStopped
	}
	return what(c.server)
}
