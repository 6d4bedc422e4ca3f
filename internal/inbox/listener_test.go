package inbox

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"path/filepath"
	"strings"
	"testing"
)

// client speaks to a listener.
type client struct {
	t *testing.T
	*textproto.Conn
}

func dialListener(t *testing.T, addr net.Addr) client {
	t.Helper()
	conn, err := net.Dial(addr.Network(), addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	c := client{t, textproto.NewConn(conn)}
	c.answer("(greeting)", 220)
	return c
}

func (c client) say(line string, code int) {
	c.t.Helper()
	if err := c.PrintfLine("%s", line); err != nil {
		c.t.Fatalf("%s: %v", line, err)
	}
	c.answer(line, code)
}

func (c client) answer(line string, code int) {
	c.t.Helper()
	if got, text, err := c.ReadResponse(code); err != nil {
		c.t.Fatalf("%.80s: %d %s %v, want %d", line, got, text, err, code)
	}
}

// mail is sent whole, and answered with a code.
func (c client) mail(text string, code int) {
	c.t.Helper()
	c.say("MAIL FROM:<>", 250)
	c.say("RCPT TO:<bounces+x@example.org>", 250)
	c.say("DATA", 354)
	w := c.DotWriter()
	if _, err := io.WriteString(w, text); err != nil {
		c.t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		c.t.Fatal(err)
	}
	c.answer("the mail", code)
}

func toBounces(rcpt string) bool {
	return strings.HasPrefix(rcpt, "bounces+") && strings.HasSuffix(rcpt, "@example.org")
}

// serveMail starts a listener and gives where it listens.
func serveMail(t *testing.T, l Listener, take Take) (addr net.Addr, log *lines, stop func()) {
	t.Helper()
	ready := make(chan net.Addr, 1)
	l.Accept, l.ready = toBounces, func(a net.Addr) { ready <- a }
	log, stop = start(t, l.Run, take)
	return <-ready, log, stop
}

func TestListenerTakesMailOverSMTPAndLMTP(t *testing.T) {
	socket := "unix:" + filepath.Join(t.TempDir(), "lmtp")
	for name, l := range map[string]Listener{
		"SMTP": {Address: "127.0.0.1:0"}, "LMTP": {Address: "127.0.0.1:0", LMTP: true},
		"SMTP socket": {Address: socket}, "LMTP socket": {Address: socket, LMTP: true},
	} {
		t.Run(name, func(t *testing.T) {
			b := &book{}
			addr, log, stop := serveMail(t, l, b.take)
			c := dialListener(t, addr)
			hello, other := "EHLO relay", "LHLO relay"
			if l.LMTP {
				hello, other = other, hello
			}
			c.say(other, 500)
			c.say(hello, 250)
			c.say("RCPT TO:<bounces+x@example.org>", 502)
			c.say("MAIL FROM:<daemon@relay.example.org> BODY=8BITMIME SIZE=40", 250)
			c.say("RCPT TO:<somebody@elsewhere.example.com>", 550)
			c.say("DATA", 502)
			c.say("RCPT TO:<bounces+x@example.org>", 250)
			c.say("RCPT TO:<bounces+y@example.org>", 452)
			c.say("DATA", 354)
			c.say("Subject: back\r\n\r\n..OURS\r\n.", 250)
			c.mail(theirs, 250)
			c.say("QUIT", 221)
			got := b.took()
			if len(got) != 2 || got[0].To != "bounces+x@example.org" || string(got[0].Raw) != "Return-Path: <daemon@relay.example.org>\r\nSubject: back\r\n\r\n.OURS\r\n" ||
				string(got[1].Raw) != "Return-Path: <>\r\n"+theirs || !strings.HasPrefix(got[0].Where, strings.ToLower(name[:4])+" ") {
				t.Errorf("told of %q", got)
			}
			stop()
			if log.String() != "" {
				t.Error(log)
			}
		})
	}
}

func TestListenerLosesNothingThatCannotBeRecorded(t *testing.T) {
	b := &book{fails: errStore}
	addr, log, _ := serveMail(t, Listener{Address: "127.0.0.1:0"}, b.take)
	c := dialListener(t, addr)
	c.say("EHLO relay", 250)
	c.mail(ours, 451)
	c.mail(ours, 451)
	b.fail(nil)
	c.mail(ours, 250)
	if got := b.took(); len(got) != 1 || log.count("store is away") != 1 || log.count("taken again") != 1 {
		t.Errorf("told of %q; %s", got, log)
	}
}

func TestListenerTakesMailInChunks(t *testing.T) {
	b := &book{}
	addr, _, _ := serveMail(t, Listener{Address: "127.0.0.1:0", MaxSize: 1000}, b.take)
	begin := func(c client) client {
		c.say("EHLO relay", 250)
		c.say("MAIL FROM:<>", 250)
		c.say("RCPT TO:<bounces+x@example.org>", 250)
		return c
	}
	c := begin(dialListener(t, addr))
	c.say("BDAT 12\r\nSubject: x", 250)
	c.say("BDAT 8 LAST\r\n\r\nOURS", 250)
	c = begin(c)
	c.say(fmt.Sprintf("BDAT 2000 LAST\r\n%s", strings.Repeat("x", 1998)), 552)
	c = begin(c)
	c.say("BDAT 6\r\nSubj", 250)
	_ = c.PrintfLine("RSET") // it hangs up on what is broken off, before or after the answer
	_, _ = io.Copy(io.Discard, c.R)
	c = begin(dialListener(t, addr))
	c.say("BDAT 6 LAST\r\nA: b", 250)
	if got := b.took(); len(got) != 2 || string(got[0].Raw) != "Return-Path: <>\r\nSubject: x\r\n\r\nOURS\r\n" || string(got[1].Raw) != "Return-Path: <>\r\nA: b\r\n" {
		t.Errorf("told of %q", got)
	}
}

func TestListenerRefusesWhatIsTooLarge(t *testing.T) {
	b := &book{}
	addr, _, _ := serveMail(t, Listener{Address: "127.0.0.1:0", MaxSize: 1000}, b.take)
	c := dialListener(t, addr)
	c.say("EHLO relay", 250)
	c.say("MAIL FROM:<> SIZE=1001", 552)
	c.mail(strings.Repeat("Subject: x\r\n", 1000), 552)
	c.mail(ours, 250)
	if got := b.took(); len(got) != 1 {
		t.Errorf("told of %q", got)
	}
}

func TestListenerOutlivesGarbage(t *testing.T) {
	b := &book{}
	addr, _, stop := serveMail(t, Listener{Address: "127.0.0.1:0"}, b.take)
	for name, garbage := range map[string]string{
		"binary": "\x16\x03\x01\x00\xff\x00\r\n\r\n\r\n\r\n\r\n", "HTTP": "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\nC: d\r\n\r\n",
		"a long line": strings.Repeat("x", 2*maxLine) + "\r\n", "odd paths": "EHLO x\r\nMAIL FROM:<<>\r\nMAIL FROM:<a@b\r\nMAIL FROM\r\nRCPT TO:<>\r\nMAIL TO:\r\nQUIT\r\n",
		"broken off": "EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<bounces+x@example.org>\r\nDATA\r\nSubject: half",
		"half chunk": "EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<bounces+x@example.org>\r\nBDAT 100 LAST\r\nSubject: half",
	} {
		conn, err := net.Dial("tcp", addr.String())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, garbage) // the listener may hang up on the way
		_ = conn.(*net.TCPConn).CloseWrite()
		if _, err := io.Copy(io.Discard, conn); err != nil && !strings.Contains(err.Error(), "reset") {
			t.Errorf("%s: %v", name, err)
		}
		_ = conn.Close()
	}
	c := dialListener(t, addr)
	c.say("EHLO relay", 250)
	c.mail(ours, 250)
	stop()
	if got := b.took(); len(got) != 1 || !strings.Contains(string(got[0].Raw), "OURS") {
		t.Errorf("told of %q", got)
	}
}

// TestListenerEndsAfterTheMailInHand: Run returns when no mail is being taken
// any more, and what was not recorded was not answered for.
func TestListenerEndsAfterTheMailInHand(t *testing.T) {
	in, returned := make(chan struct{}), make(chan struct{})
	addr, _, stop := serveMail(t, Listener{Address: "127.0.0.1:0"}, func(ctx context.Context, _ Mail) (bool, error) {
		close(in)
		<-ctx.Done()
		defer close(returned)
		return false, ctx.Err()
	})
	conn, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, "EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<bounces+x@example.org>\r\nDATA\r\n"+ours+".\r\n"); err != nil {
		t.Fatal(err)
	}
	<-in
	stop()
	select {
	case <-returned:
	default:
		t.Error("a mail is still being taken")
	}
	for s := bufio.NewScanner(conn); s.Scan(); {
		if strings.HasPrefix(s.Text(), "250 2.0.0 OK: queued") {
			t.Error("it was answered for")
		}
	}
}

func TestListenerWaitsForItsAddress(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r, ready := newRounds(), make(chan net.Addr, 1)
	log, _ := start(t, Listener{Address: taken.Addr().String(), Accept: toBounces, pause: r.pause, ready: func(a net.Addr) { ready <- a }}.Run, (&book{}).take)
	<-r.over
	r.next()
	if err := taken.Close(); err != nil {
		t.Fatal(err)
	}
	r.again <- struct{}{}
	dialListener(t, <-ready)
	if log.count("cannot be taken") != 1 || log.count("taken again") != 1 {
		t.Error(log)
	}
}

func TestListenerTakesOverOnlyASocketThatNobodyServes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	old, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	old.(*net.UnixListener).SetUnlinkOnClose(false)
	r, ready := newRounds(), make(chan net.Addr, 1)
	start(t, Listener{Address: "unix:" + path, Accept: toBounces, pause: r.pause, ready: func(a net.Addr) { ready <- a }}.Run, (&book{}).take)
	<-r.over // it is in use
	if conn, err := net.Dial("unix", path); err != nil {
		t.Errorf("the socket of another was taken: %v", err)
	} else {
		_ = conn.Close()
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	r.again <- struct{}{}
	dialListener(t, <-ready)
}
