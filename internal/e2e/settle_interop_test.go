//go:build interop

package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// loggingPostfix runs a Postfix of its own whose log is a file, until the test
// ends. It hands all mail on to next. It gives its address and the log.
func loggingPostfix(t *testing.T, next string) (address, log string) {
	t.Helper()
	postfix := tool(t, "postfix")
	if os.Getuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("only root may start a Postfix")
		}
		t.Skip("only root may start a Postfix; this part did not run")
	}
	dir, err := os.MkdirTemp("", "jianxun-postfix-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { // Postfix runs as several users
		t.Fatal(err)
	}
	for _, sub := range []string{"queue", "data"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	command(t, "", "chown", "postfix", filepath.Join(dir, "data"))
	log, address = filepath.Join(dir, "mail.log"), fmt.Sprintf("127.0.0.1:%d", lowPort(t))
	host, port, _ := strings.Cut(next, ":")
	write(t, filepath.Join(dir, "main.cf"), fmt.Sprintf(`compatibility_level = 3.6
queue_directory = %[1]s/queue
data_directory = %[1]s/data
maillog_file = %[1]s/mail.log
maillog_file_prefixes = %[1]s
myhostname = relay.example.org
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mydestination =
alias_maps =
mynetworks = 127.0.0.0/8
relayhost = [%[2]s]:%[3]s
smtp_host_lookup = native
`, dir, host, port))
	services := address + " inet n - n - - smtpd\n"
	for _, service := range []string{ // with how they lie and how many of them there may be
		"postlog unix-dgram n - n - 1 postlogd", "qmgr unix n - n 300 1 qmgr", "pickup unix n - n 60 1 pickup", "cleanup unix n - n - 0 cleanup",
		"rewrite unix - - n - - trivial-rewrite", "bounce unix - - n - 0 bounce", "defer unix - - n - 0 bounce", "trace unix - - n - 0 bounce",
		"smtp unix - - n - - smtp", "anvil unix - - n - 1 anvil", "scache unix - - n - 1 scache", "proxymap unix - - n - - proxymap",
		"error unix - - n - - error", "retry unix - - n - - error", "flush unix n - n 1000? 0 flush", "showq unix n - n - - showq",
	} {
		services += service + "\n"
	}
	write(t, filepath.Join(dir, "master.cf"), services)
	command(t, "", postfix, "-c", dir, "start")
	t.Cleanup(func() { command(t, "", postfix, "-c", dir, "stop") })
	return address, log
}

// cutting stands in front of a relay and hangs up after the final dot of a mail
// to a person of the list: false keeps the dot from the relay.
func cutting(t *testing.T, relay string, people map[string]bool) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go cut(c, relay, people)
		}
	}()
	return l.Addr().String()
}

func cut(c net.Conn, relay string, people map[string]bool) {
	defer func() { _ = c.Close() }()
	r, err := net.Dial("tcp", relay)
	if err != nil {
		return
	}
	hungUp := make(chan struct{})
	go func() {
		defer close(hungUp)
		answers := bufio.NewReader(r)
		for {
			line, err := answers.ReadString('\n')
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, line) // fails once we hung up
		}
	}()
	lines, to := bufio.NewReader(c), ""
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			break
		}
		if strings.HasPrefix(line, "RCPT") {
			to = address(line)
		}
		passes, chosen := people[to]
		if line == ".\r\n" && chosen {
			_ = c.Close()
			if passes {
				_, _ = io.WriteString(r, line+"QUIT\r\n")
				<-hungUp // the relay has answered
			}
			break
		}
		_, _ = io.WriteString(r, line)
	}
	_ = r.Close()
}

func TestInteropTheLogOfPostfixSettlesWhatIsUncertain(t *testing.T) {
	sink := newSink(t, "")
	relay, log := loggingPostfix(t, sink.addr)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(read(t, log))
		}
	})
	s := sending(t, cutting(t, relay, map[string]bool{"li@example.org": true, "Wang@example.org": false}), threePeople)
	s.must("issue", "send", "weekly")
	if is := s.issue(); is.Deliveries.Uncertain != 2 {
		t.Fatalf("%+v", is)
	}
	sink.wait(t, 2) // so both are in the log
	eventually(t, "the log shows what was not taken", func() bool { return strings.Count(read(t, log), "message-id=<weekly.") >= 3 })
	s.must("issue", "settle", "weekly", "--log", log)
	is := s.issue()
	if is.Deliveries.Sent != 2 || is.Deliveries.Uncertain != 1 || is.Trouble[0].Email != "Wang@example.org" {
		t.Errorf("%+v", is)
	}
	if n := sink.copies(); n["li@example.org"] != 1 || n["Wang@example.org"] != 0 {
		t.Errorf("%v", n)
	}
}
