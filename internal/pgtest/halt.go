//go:build unix && !aix && !solaris

package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

var errHalted = errors.New("the server does not run")

// kin is a process of the server.
type kin struct {
	pid   int
	still bool // stopped by a signal, or dead
}

// halt ends the server and waits until it and its children have ended.
func (s *server) halt(mode string) error {
	signals := map[string]syscall.Signal{"fast": syscall.SIGINT, "immediate": syscall.SIGQUIT}
	signal, ok := signals[mode]
	if !ok {
		return fmt.Errorf(`there is no mode %q of halting, only "fast" and "immediate"`, mode)
	}
	if !s.runs() {
		return errHalted
	}
	if err := s.process.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	if err := s.thaw(); err != nil && !errors.Is(err, errHalted) {
		return err
	}
	select {
	case <-s.process.done:
		s.process = nil
		return nil
	case <-time.After(patience):
		s.kill()
		return fmt.Errorf("postgres has not shut down within %v; its log ends so:\n%s", patience, s.logEnd())
	}
}

// kill ends it the hard way.
func (s *server) kill() {
	_, _ = s.signal(syscall.SIGKILL, func(kin) bool { return true })
	<-s.process.done
	s.process = nil
}

// end halts a server that runs and removes its directory.
func (s *server) end() error {
	var halting error
	if s.runs() {
		halting = s.halt("immediate")
	}
	removing := os.RemoveAll(s.dir)
	_ = s.hold.Close()
	return errors.Join(halting, removing)
}

// freeze is done when two looks in a row have found nothing that moves: the
// parent was still before the second, so no child has been added since.
func (s *server) freeze() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for looks := 0; looks < 2; {
		moving, err := s.signal(syscall.SIGSTOP, func(k kin) bool { return !k.still })
		if err != nil {
			return err
		}
		looks++
		if moving > 0 {
			looks = 0
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("postgres has not frozen within %v", patience)
		}
	}
	return nil
}

func (s *server) thaw() error {
	_, err := s.signal(syscall.SIGCONT, func(kin) bool { return true })
	return err
}

// signal sends it to those of the server's processes and says to how many.
func (s *server) signal(signal syscall.Signal, to func(kin) bool) (int, error) {
	if !s.runs() {
		return 0, errHalted
	}
	family, err := family(s.process.cmd.Process.Pid)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, k := range family {
		if !to(k) {
			continue
		}
		n++
		if err := syscall.Kill(k.pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return n, err
		}
	}
	return n, nil
}
