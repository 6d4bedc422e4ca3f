package mail

import (
	"bufio"
	"errors"
	"net"
	"strings"
	"testing"
	"time"
)

// TestADotThatCouldNotBeWrittenIsNotUncertain: the server tore the connection down
// before, in the midst of the text. What never left was not delivered.
func TestADotThatCouldNotBeWrittenIsNotUncertain(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	torn := make(chan struct{})
	go func() {
		defer close(torn)
		c, err := l.Accept()
		if err != nil {
			return
		}
		r := bufio.NewReader(c)
		for _, reply := range []string{"220 scripted", hello, "250 ok", "250 ok", "354 go"} {
			_, _ = c.Write([]byte(reply + "\r\n"))
			for line := ""; !strings.HasSuffix(line, "\r\n"); {
				if line, err = r.ReadString('\n'); err != nil {
					return
				}
			}
		}
		_ = c.(*net.TCPConn).SetLinger(0) // a reset, not an orderly end
		_ = c.Close()
	}()
	c, err := Dial(t.Context(), Relay{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, TLS: Plaintext, Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	err = c.Send(t.Context(), letter(), func() error { <-torn; return nil })
	var e *Error
	if !errors.As(err, &e) || e.Class != RelayDown || !c.Broken() {
		t.Errorf("%#v", err)
	}
}
