//go:build unix && !aix && !solaris

package pgtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is one postgres and its directory. Cluster sees to it that one
// goroutine at a time has it.
type server struct {
	tools   tools
	dir     string
	hold    *os.File // says to others that the directory is in use
	as      *syscall.Credential
	port    int
	durable bool
	process *process // nil when it was halted
}

// process is a postgres that was started; done is closed when it has ended.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
}

// begin makes the directory, has initdb fill it, and starts the server.
func begin(t tools, durable bool) (*server, error) {
	as, err := unprivileged()
	if err != nil {
		return nil, err
	}
	sweep()
	dir, hold, err := directory(place(durable), as)
	if err != nil {
		return nil, err
	}
	s := &server{tools: t, dir: dir, hold: hold, as: as, durable: durable}
	if err = s.initdb(); err == nil {
		err = s.first()
	}
	if err != nil {
		return nil, errors.Join(err, s.end())
	}
	return s, nil
}

func (s *server) initdb() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.tools.initdb, "-D", s.data(), "--no-sync", "--encoding=UTF8",
		"--locale=C.UTF-8", "--auth=trust", "--username="+superuser)
	cmd.Dir, cmd.Env, cmd.SysProcAttr = s.dir, environment(), &syscall.SysProcAttr{Credential: s.as}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	return nil
}

func (s *server) data() string { return filepath.Join(s.dir, "data") }

// first starts the server for the first time. A port that is free may be taken
// a moment later, so it tries some.
func (s *server) first() error {
	var err error
	for range 5 {
		if s.port, err = freePort(); err != nil {
			return err
		}
		if err = s.resume(); err == nil || errors.Is(err, context.DeadlineExceeded) {
			return err
		}
	}
	return err
}

// freePort finds a port below those that kernels give away, so that nobody is
// given it while the server is halted.
func freePort() (int, error) {
	var err error
	for range 100 {
		port := 10_000 + rand.IntN(20_000)
		var l net.Listener
		if l, err = net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port)); err == nil {
			return port, l.Close()
		}
	}
	return 0, err
}

func (s *server) arguments() []string {
	args := []string{"-D", s.data(), "-p", strconv.Itoa(s.port), "-k", s.dir, "-h", "127.0.0.1",
		"-c", "max_connections=400", "-c", "shared_buffers=128MB"}
	if !s.durable {
		args = append(args, "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off")
	}
	return args
}

// resume starts the server and waits until it answers.
func (s *server) resume() error {
	if s.runs() {
		return errors.New("the server runs already")
	}
	log, err := os.OpenFile(s.log(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(s.tools.postgres, s.arguments()...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.dir, environment(), log, log
	// In a group of its own Ctrl-C does not reach it, and the kernel thaws it
	// should we die while it is frozen.
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.as, Setpgid: true}
	endWithParent(cmd.SysProcAttr)
	if err := s.launch(cmd); err != nil {
		return err
	}
	if err := s.ready(); err != nil {
		s.kill()
		return fmt.Errorf("%w; its log ends so:\n%s", err, s.logEnd())
	}
	return nil
}

// runs says whether postgres was started and has not ended, by itself or not.
func (s *server) runs() bool {
	if s.process == nil {
		return false
	}
	select {
	case <-s.process.done:
		return false
	default:
		return true
	}
}

// launch starts the command on a thread that lives as long as the command does:
// Linux takes the end of the thread for the end of the parent.
func (s *server) launch(cmd *exec.Cmd) error {
	p := &process{cmd, make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(p.done)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
		runtime.KeepAlive(s.hold) // collected, it would be closed
	}()
	err := <-started
	if err == nil {
		s.process = p
	}
	return err
}

// ready waits for what pg_ctl waits for: the status in postmaster.pid. Unlike an
// answer on the port it cannot come from somebody else's server.
func (s *server) ready() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		file, _ := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
		lines := strings.Split(string(file), "\n")
		if len(lines) >= 8 && lines[0] == strconv.Itoa(s.process.cmd.Process.Pid) && strings.TrimSpace(lines[7]) == "ready" {
			return nil
		}
		select {
		case <-tick.C:
		case <-s.process.done:
			return fmt.Errorf("postgres has ended with %v", s.process.cmd.ProcessState)
		case <-ctx.Done():
			return fmt.Errorf("postgres has not come up within %v: %w", patience, ctx.Err())
		}
	}
}

func (s *server) log() string { return filepath.Join(s.dir, "log") }

func (s *server) logEnd() string {
	text, err := os.ReadFile(s.log())
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-2000):])
}
