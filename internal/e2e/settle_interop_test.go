//go:build interop

package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
)

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
	host, port, _ := strings.Cut(sink.addr, ":")
	p := newPostfix(t, postfixOf{transport: fmt.Sprintf("* smtp:[%s]:%s\n", host, port), clear: true})
	log := p.path("mail.log")
	s := sending(t, cutting(t, p.addr, map[string]bool{"li@example.org": true, "Wang@example.org": false}), threePeople)
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
