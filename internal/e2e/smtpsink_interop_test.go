//go:build interop

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// keepingSink is Postfix's smtp-sink, which keeps each mail in a file.
type keepingSink struct {
	t         *testing.T
	addr, dir string
}

// newKeepingSink starts one with flags, until the test ends.
func newKeepingSink(t *testing.T, flags ...string) *keepingSink {
	t.Helper()
	program := tool(t, "smtp-sink")
	s := &keepingSink{t: t, addr: fmt.Sprintf("127.0.0.1:%d", lowPort(t)), dir: filepath.Join(t.TempDir(), "sink")}
	write(t, filepath.Join(s.dir, ".keep"), "")
	args := append(flags, "-d", "%M.", s.addr, "100")
	if os.Getuid() == 0 { // it refuses to run as root
		if err := os.Chmod(s.dir, 0o777); err != nil {
			t.Fatal(err)
		}
		openPath(t, s.dir)
		args = append([]string{"-u", "nobody"}, args...)
	}
	cmd := exec.Command(program, args...)
	cmd.Dir = s.dir
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	eventually(t, "smtp-sink listens", func() bool { return listens(s.addr) })
	return s
}

// copies counts what it has of each recipient, whole mails and others: it keeps
// the file of one whose connection it cut as well.
func (s *keepingSink) copies() map[string]int {
	s.t.Helper()
	names, err := filepath.Glob(filepath.Join(s.dir, "*"))
	if err != nil {
		s.t.Fatal(err)
	}
	n := map[string]int{}
	for _, name := range names {
		if to := regexp.MustCompile(`(?m)^X-Rcpt-Args: <([^>]*)>`).FindStringSubmatch(read(s.t, name)); to != nil {
			n[to[1]]++
		}
	}
	return n
}

const eachOne = "map[Wang@example.org:1 li@example.org:1 zhang@example.org:1]"

// TestInteropRequirement22WithoutPipelining: with and without it the same mails
// arrive, once each.
func TestInteropRequirement22WithoutPipelining(t *testing.T) {
	for name, flags := range map[string][]string{"without": {"-p"}, "with": nil, "without ESMTP": {"-e"}} {
		t.Run(name, func(t *testing.T) {
			sink := newKeepingSink(t, flags...)
			s := sending(t, sink.addr, threePeople)
			s.must("issue", "send", "weekly")
			if is := s.issue(); is.State != "sent" || is.Deliveries.Sent != 3 {
				t.Errorf("%+v", is)
			}
			if got := fmt.Sprint(sink.copies()); got != eachOne {
				t.Errorf("smtp-sink has %s", got)
			}
		})
	}
}

// TestInteropRequirement23DroppedAfterTheDot: nobody knows whether it took them,
// so they are uncertain, and stay so.
func TestInteropRequirement23DroppedAfterTheDot(t *testing.T) {
	sink := newKeepingSink(t, "-q", ".")
	s := sending(t, sink.addr, threePeople)
	for range 2 {
		s.run("issue", "send", "weekly")
		if is := s.issue(); is.Deliveries.Uncertain != 3 || is.Deliveries.Sent+is.Deliveries.Queued+is.Deliveries.Deferred != 0 {
			t.Errorf("%+v", is)
		}
	}
	if got := fmt.Sprint(sink.copies()); got != eachOne {
		t.Errorf("smtp-sink saw %s", got)
	}
}

// TestInteropRequirement24DroppedAtTheEnd: a mail that was taken is sent, and one
// that was refused is refused, whatever the server does at the next command.
// RSET comes only after a refusal.
func TestInteropRequirement24DroppedAtTheEnd(t *testing.T) {
	for _, c := range []struct {
		name         string
		flags        []string
		sent, failed int
		copies       string
	}{
		{"QUIT", []string{"-q", "QUIT"}, 3, 0, eachOne},
		{"RSET or QUIT", []string{"-q", "RSET,QUIT"}, 3, 0, eachOne},
		{"421 at QUIT", []string{"-Q", "QUIT"}, 3, 0, eachOne},
		{"RSET after a refusal", []string{"-q", "RSET", "-f", "RCPT"}, 0, 3, "map[]"},
	} {
		for _, connections := range []int{1, 4} {
			t.Run(fmt.Sprintf("%s, %d connections", c.name, connections), func(t *testing.T) {
				sink := newKeepingSink(t, c.flags...)
				s := sending(t, sink.addr, threePeople)
				s.configure(strings.Replace(fmt.Sprintf(sendingSite, sink.addr), "  retry:", fmt.Sprintf("  connections: %d\n  retry:", connections), 1))
				s.must("issue", "send", "weekly")
				s.must("issue", "send", "weekly")
				if is := s.issue(); is.State != "sent" || is.Deliveries.Sent != c.sent || is.Deliveries.Failed != c.failed {
					t.Errorf("%+v", is)
				}
				if got := fmt.Sprint(sink.copies()); got != c.copies {
					t.Errorf("smtp-sink has %s", got)
				}
			})
		}
	}
}
