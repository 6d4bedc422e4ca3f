package e2e

import (
	"bufio"
	"net"
	"sync"
	"testing"
	"time"
)

// sink is an SMTP server that takes and keeps all mail, and misbehaves when told.
type sink struct {
	addr      string
	l         net.Listener
	pipelines bool              // offers PIPELINING
	same      map[string]string // domains that are counted as another

	mu     sync.Mutex
	mails  []received
	open   map[net.Conn]bool
	talks  int            // that were begun
	ahead  int            // commands that came with another behind them
	busy   map[string]int // mails in hand, by domain
	peak   map[string]int // the most of them at once
	got    chan struct{}  // one for every mail
	rule   func(stage, address string) string
	before func(stage, address string)
	delay  time.Duration // before the answer to the final dot
}

type received struct {
	from, to, data string
	at             time.Time
	talk           int // on which connection it came
}

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
	s := &sink{addr: l.Addr().String(), l: l, open: map[net.Conn]bool{}, busy: map[string]int{}, peak: map[string]int{}, got: make(chan struct{}, 100_000),
		rule: func(string, string) string { return "" }, before: func(string, string) {}}
	t.Cleanup(s.close)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.open[c] = true
			s.talks++
			talk := &talk{sink: s, c: c, r: bufio.NewReader(c), m: received{talk: s.talks}}
			s.mu.Unlock()
			go talk.run()
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

// behave sets what to answer at a stage (connect, EHLO, MAIL, RCPT, DATA, text,
// dot, RSET, QUIT) for an address: "" for yes, "drop" to hang up, else the reply.
// Hung up at the dot it has kept the mail; with "lose" it has not.
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

// linger has something done before the answer at every stage, by each
// conversation for itself: it may take its time.
func (s *sink) linger(before func(stage, address string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = before
}

// dawdle does what comes before the answer.
func (s *sink) dawdle(stage, address string) {
	s.mu.Lock()
	before, delay := s.before, s.delay
	s.mu.Unlock()
	before(stage, address)
	if stage == "dot" {
		time.Sleep(delay)
	}
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

// keep keeps a mail: with the dot the sink has it, whatever becomes of either side
// before the answer.
func (s *sink) keep(m received) {
	m.at = time.Now()
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

// inARow is how many commands came with another behind them.
func (s *sink) inARow() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ahead
}

// atOnce is how many mails to a domain were in hand at once, at most.
func (s *sink) atOnce(domain string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.peak[domain]
}
