package e2e

import (
	"bufio"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// sink is an SMTP server that takes and keeps all mail, and misbehaves when told.
type sink struct {
	addr string
	l    net.Listener

	mu    sync.Mutex
	mails []received
	open  map[net.Conn]bool
	got   chan struct{} // one for every mail
	rule  func(stage, address string) string
	delay time.Duration // before the answer to the final dot
}

type received struct{ from, to, data string }

// newSink listens on address; empty means any free port.
func newSink(t testing.TB, address string) *sink {
	t.Helper()
	if address == "" {
		address = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	s := &sink{addr: l.Addr().String(), l: l, open: map[net.Conn]bool{}, got: make(chan struct{}, 100_000),
		rule: func(string, string) string { return "" }}
	t.Cleanup(s.close)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.open[c] = true
			s.mu.Unlock()
			go s.talk(c)
		}
	}()
	return s
}

func (s *sink) close() {
	_ = s.l.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.open {
		_ = c.Close()
	}
}

// behave sets what to answer at a stage (MAIL, RCPT, DATA, dot) for an address:
// "" for yes, "drop" to hang up, else the reply.
func (s *sink) behave(rule func(stage, address string) string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rule = rule
}

// slow makes the sink take its time before it answers the final dot.
func (s *sink) slow(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delay = d
}

func (s *sink) dawdle() {
	s.mu.Lock()
	d := s.delay
	s.mu.Unlock()
	time.Sleep(d)
}

func (s *sink) answer(stage, address, yes string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.rule(stage, address); a != "" {
		return a
	}
	return yes
}

// connections is how many are open.
func (s *sink) connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

func (s *sink) talk(c net.Conn) {
	defer func() {
		_ = c.Close()
		s.mu.Lock()
		delete(s.open, c)
		s.mu.Unlock()
	}()
	r := bufio.NewReader(c)
	say := func(line string) bool {
		if line == "drop" {
			return false
		}
		_, err := c.Write([]byte(line + "\r\n"))
		return err == nil
	}
	say("220 sink")
	var m received
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		ok := true
		switch verb := strings.ToUpper(line[:min(4, len(line))]); verb {
		case "EHLO", "HELO":
			ok = say("250-sink\r\n250 8BITMIME")
		case "MAIL":
			m = received{from: address(line)}
			ok = say(s.answer("MAIL", m.from, "250 ok"))
		case "RCPT":
			m.to = address(line)
			ok = say(s.answer("RCPT", m.to, "250 ok"))
		case "DATA":
			reply := s.answer("DATA", m.to, "354 go")
			if ok = say(reply); ok && strings.HasPrefix(reply, "354") {
				if m.data, err = text(r); err != nil {
					return // nothing is delivered without the dot
				}
				reply = s.answer("dot", m.to, "250 taken")
				if strings.HasPrefix(reply, "250") || reply == "drop" {
					s.keep(m) // with the dot it has the mail, whatever becomes of either of us before the answer
				}
				s.dawdle()
				ok = say(reply)
			}
		case "RSET", "NOOP":
			ok = say("250 ok")
		case "QUIT":
			say("221 bye")
			return
		default:
			ok = say("502 what?")
		}
		if !ok {
			return
		}
	}
}

func (s *sink) keep(m received) {
	s.mu.Lock()
	s.mails = append(s.mails, m)
	s.mu.Unlock()
	s.got <- struct{}{}
}

// wait waits for n more mails.
func (s *sink) wait(t testing.TB, n int) {
	t.Helper()
	timeout := time.After(patience)
	for range n {
		select {
		case <-s.got:
		case <-timeout:
			t.Fatalf("only %d mails came", len(s.all()))
		}
	}
}

func (s *sink) all() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]received(nil), s.mails...)
}

// copies counts the mails of each recipient.
func (s *sink) copies() map[string]int {
	n := map[string]int{}
	for _, m := range s.all() {
		n[m.to]++
	}
	return n
}

func address(line string) string {
	_, rest, _ := strings.Cut(line, "<")
	a, _, _ := strings.Cut(rest, ">")
	return a
}

func text(r *bufio.Reader) (string, error) {
	var b strings.Builder
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return "", err
		}
		if line == ".\r\n" {
			return b.String(), nil
		}
		b.WriteString(strings.TrimPrefix(line, "."))
	}
}
