package mail

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"testing"
	"time"
)

// server is a scripted SMTP server for one connection: it says each reply of
// the script in turn, after the line that the client sent.
type server struct {
	relay Relay
	heard chan string
	texts chan string // as they came, before each dot
}

func serve(t *testing.T, secure *tls.Config, greetingTLS bool, replies ...string) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{heard: make(chan string, 1000), texts: make(chan string, 10), relay: Relay{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, TLS: Opportunistic, Timeout: 10 * time.Second}}
	done := make(chan struct{})
	t.Cleanup(func() { _ = l.Close(); <-done })
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err != nil {
			return
		}
		if greetingTLS {
			c = tls.Server(c, secure)
		}
		defer func() { _ = c.Close() }()
		s.converse(c, secure, replies)
	}()
	return s
}

func (s *server) converse(c net.Conn, secure *tls.Config, replies []string) {
	defer close(s.heard)
	r := bufio.NewReader(c)
	_, _ = c.Write([]byte("220 scripted\r\n"))
	inText := false
	for _, reply := range replies {
		line, err := s.next(r, inText)
		if err != nil {
			return
		}
		s.heard <- line
		if reply == "hang up" {
			return
		}
		_, _ = c.Write([]byte(reply + "\r\n"))
		inText = strings.HasPrefix(reply, "354")
		if strings.HasPrefix(reply, "220 tls") {
			c = tls.Server(c, secure)
			r = bufio.NewReader(c)
		}
	}
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		if strings.HasPrefix(line, "QUIT") {
			_, _ = c.Write([]byte("221 bye\r\n"))
		}
	}
}

// next is the next command, or "dot" once a whole text has come.
func (s *server) next(r *bufio.Reader, inText bool) (string, error) {
	text := ""
	for {
		line, err := r.ReadString('\n')
		switch {
		case err != nil:
			return "", err
		case !inText:
			return strings.TrimRight(line, "\r\n"), nil
		case line == ".\r\n":
			s.texts <- text
			return "dot", nil
		}
		text += line
	}
}

const hello = "250 scripted"

func yes() error { return nil }

func letter() Message {
	return Message{From: "digest@example.org", To: "zhang@example.org", Data: []byte("Subject: x\r\n\r\ny\r\n")}
}

func TestClassOfEveryFailure(t *testing.T) {
	for _, c := range []struct {
		name    string
		replies []string
		class   Class
		stage   string
		broken  bool
	}{
		{"sender refused", []string{hello, "550 not you"}, RelayDown, "MAIL", true},
		{"recipient unknown", []string{hello, "250 ok", "550 5.1.1 unknown", "250 reset"}, Permanent, "RCPT", false},
		{"recipient later", []string{hello, "250 ok", "450 later", "250 reset"}, Temporary, "RCPT", false},
		{"too many at RCPT", []string{hello, "250 ok", "421 HL:ICC"}, Temporary, "RCPT", true},
		{"QQ's frequency limit", []string{hello, "250 ok", "550 Mailbox frequency limited", "250 reset"}, Temporary, "RCPT", false},
		{"DATA refused", []string{hello, "250 ok", "250 ok", "554 no", "250 reset"}, Permanent, "DATA", false},
		{"lost at MAIL", []string{hello, "hang up"}, RelayDown, "MAIL", true},
		{"lost at RCPT", []string{hello, "250 ok", "hang up"}, RelayDown, "RCPT", true},
		{"lost at DATA", []string{hello, "250 ok", "250 ok", "hang up"}, RelayDown, "DATA", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, nil, false, c.replies...)
			client, err := Dial(t.Context(), s.relay)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			var e *Error
			if err := client.Send(t.Context(), letter(), yes); !errors.As(err, &e) {
				t.Fatalf("%v", err)
			}
			if e.Class != c.class || e.Stage != c.stage || client.Broken() != c.broken {
				t.Errorf("%s at %s, broken %v: %v", e.Class, e.Stage, client.Broken(), e)
			}
		})
	}
}

func TestWhatServersAskFor(t *testing.T) {
	for reply, want := range map[string]struct {
		class  Class
		advice Advice
		after  time.Duration
	}{
		"421 HL:ICC 192.0.2.1":                           {Temporary, FewerConnections, 0},
		"421 HL:IFC":                                     {Temporary, Slower, 0},
		"451 MI:DMC":                                     {Temporary, NewConnection, 0},
		"451 DT:SPM 126 smtp4":                           {Temporary, Slower, 2 * time.Minute},
		"550 Ip frequency limited":                       {Temporary, Slower, 0},
		"550 Connection frequency limited":               {Temporary, FewerConnections, 0},
		"550 5.1.1 no such user":                         {Permanent, "", 0},
		"452 4.2.2 mailbox full":                         {Temporary, "", 0},
		"554 5.7.1 Too many messages on this connection": {Temporary, NewConnection, 0},
	} {
		code, _ := strconv.Atoi(reply[:3])
		e := classify("RCPT", &textproto.Error{Code: code, Msg: reply[4:]})
		if e.Class != want.class || e.Advice != want.advice || e.After != want.after {
			t.Errorf("%s: %s, advice %q, after %v", reply, e.Class, e.Advice, e.After)
		}
	}
}

// A server that takes commands in a row hears them in a row.
func TestPipelining(t *testing.T) {
	for _, c := range []struct {
		name    string
		replies [3]string // to MAIL, RCPT, DATA
		class   Class
		stage   string
		broken  bool
	}{
		{"taken", [3]string{"250 ok", "250 ok", "354 go"}, "", "", false},
		{"sender refused", [3]string{"550 not you", "503 no", "503 no"}, RelayDown, "MAIL", true},
		{"recipient unknown", [3]string{"250 ok", "550 5.1.1 unknown", "554 no recipients"}, Permanent, "RCPT", false},
		{"recipient unknown, text awaited", [3]string{"250 ok", "550 5.1.1 unknown", "354 go"}, Permanent, "RCPT", true},
		{"text refused", [3]string{"250 ok", "250 ok", "451 later"}, Temporary, "DATA", false},
		{"closing at RCPT", [3]string{"250 ok", "421 HL:ICC", "hang up"}, Temporary, "RCPT", true},
		{"lost at DATA", [3]string{"250 ok", "250 ok", "hang up"}, RelayDown, "DATA", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, nil, false, "250-scripted\r\n250 PIPELINING", c.replies[0], c.replies[1], c.replies[2], "250 the end")
			client, err := Dial(t.Context(), s.relay)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			err = client.Send(t.Context(), letter(), yes)
			var e *Error
			if c.class == "" && err == nil && !client.Broken() {
				return
			}
			if !errors.As(err, &e) || e.Class != c.class || e.Stage != c.stage || client.Broken() != c.broken {
				t.Errorf("%v, broken %v", err, client.Broken())
			}
			client.Close()
			for line := range s.heard {
				if line == "dot" {
					t.Error("the text was ended although nobody was to get it")
				}
			}
		})
	}
}

func TestLinesThatBeginWithADotAreStuffed(t *testing.T) {
	s := serve(t, nil, false, hello, "250 ok", "250 ok", "354 go", "250 ok")
	client, err := Dial(t.Context(), s.relay)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	m := letter()
	m.Data = []byte(".first\r\n\r\n.\r\n..\r\nno end of line")
	if err := client.Send(t.Context(), m, yes); err != nil {
		t.Fatal(err)
	}
	if got := <-s.texts; got != "..first\r\n\r\n..\r\n...\r\nno end of line\r\n" {
		t.Errorf("sent %q", got)
	}
}

func TestAfterTheDot(t *testing.T) {
	for _, c := range []struct {
		reply string
		class Class
	}{{"451 try later", Temporary}, {"554 spam", Permanent}, {"hang up", Uncertain}, {"250 ok", ""}} {
		t.Run(c.reply, func(t *testing.T) {
			s := serve(t, nil, false, hello, "250 ok", "250 ok", "354 go", c.reply)
			client, err := Dial(t.Context(), s.relay)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			err = client.Send(t.Context(), letter(), yes)
			var e *Error
			if errors.As(err, &e); c.class == "" && err != nil || c.class != "" && (e == nil || e.Class != c.class) {
				t.Errorf("%v, want class %q", err, c.class)
			}
		})
	}
}

// TestNoDotWithoutRecord is the heart of the promise: when the ledger does not
// take the record, the server never sees the final dot.
func TestNoDotWithoutRecord(t *testing.T) {
	s := serve(t, nil, false, hello, "250 ok", "250 ok", "354 go", "250 taken")
	client, err := Dial(t.Context(), s.relay)
	if err != nil {
		t.Fatal(err)
	}
	full := errors.New("disk full")
	if err := client.Send(t.Context(), letter(), func() error { return full }); !errors.Is(err, full) {
		t.Errorf("%v", err)
	}
	if !client.Broken() {
		t.Error("the connection would be used again")
	}
	client.Close()
	for line := range s.heard {
		if line == "dot" {
			t.Error("the dot was sent")
		}
	}
}

func TestCancelledBeforeTheDotIsNotSent(t *testing.T) {
	s := serve(t, nil, false, hello, "250 ok", "250 ok", "354 go", "250 taken")
	client, err := Dial(t.Context(), s.relay)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := client.Send(ctx, letter(), func() error { cancel(); return nil }); err == nil {
		t.Error("it went through")
	}
	client.Close()
	for line := range s.heard {
		if line == "dot" {
			t.Error("the dot was sent")
		}
	}
}

func TestRequirement30MandatoryTLS(t *testing.T) {
	pool, cert := authority(t)
	secure := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	for _, c := range []struct {
		name     string
		mode     TLSMode
		roots    *x509.CertPool
		implicit bool
		replies  []string
		ok       bool
	}{
		{"STARTTLS with a good certificate", Mandatory, pool, false, []string{"250-scripted\r\n250 STARTTLS", "220 tls", hello}, true},
		{"STARTTLS with a certificate of nobody known", Mandatory, x509.NewCertPool(), false, []string{"250-scripted\r\n250 STARTTLS", "220 tls", hello}, false},
		{"STARTTLS stripped", Mandatory, pool, false, []string{hello}, false},
		{"implicit TLS", Implicit, pool, true, []string{hello}, true},
		{"implicit TLS with a certificate of nobody known", Implicit, x509.NewCertPool(), true, []string{hello}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, secure, c.implicit, c.replies...)
			s.relay.TLS, s.relay.Roots = c.mode, c.roots
			client, err := Dial(t.Context(), s.relay)
			if client != nil {
				client.Close()
			}
			if (err == nil) != c.ok {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestPasswordIsNeitherSentInClearNorTraced(t *testing.T) {
	s := serve(t, nil, false, "250-scripted\r\n250 AUTH PLAIN", "235 welcome", "250 ok")
	s.relay.User, s.relay.Password = "user", "hunter2"
	var trace strings.Builder
	s.relay.Trace = func(line string) { trace.WriteString(line + "\n") }
	client, err := Dial(t.Context(), s.relay) // this machine: allowed
	if err != nil {
		t.Fatal(err)
	}
	client.Close()
	if !strings.Contains(trace.String(), "EHLO") || strings.Contains(trace.String(), "hunter2") || strings.Contains(trace.String(), "AHVzZXIAaHVudGVyMg") {
		t.Errorf("the trace:\n%s", trace.String())
	}
	a := &auth{user: "u", password: "p", host: "relay.example.org"}
	if _, _, err := a.Start(serverInfo("relay.example.org", "PLAIN")); err == nil {
		t.Error("the password would go over a connection in the clear")
	}
}

func authority(t *testing.T) (*x509.CertPool, tls.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return pool, tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
