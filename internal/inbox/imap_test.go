package inbox

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"maps"
	"net"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
)

// post is an IMAP server in memory, with one user and one mailbox.
type post struct {
	t       *testing.T
	memory  *imapmemserver.Server
	user    *imapmemserver.User
	mode    string
	address string
	roots   *x509.CertPool
	config  *tls.Config
	server  *imapserver.Server
}

func newPost(t *testing.T, mode string) *post {
	t.Helper()
	certified := httptest.NewTLSServer(nil) // for its certificate alone
	certified.Close()
	p := &post{
		t: t, memory: imapmemserver.New(), user: imapmemserver.NewUser("bounces", "secret word"), mode: mode, address: "127.0.0.1:0",
		roots: x509.NewCertPool(), config: &tls.Config{Certificates: certified.TLS.Certificates, MinVersion: tls.VersionTLS12},
	}
	p.roots.AddCert(certified.Certificate())
	p.memory.AddUser(p.user)
	p.create()
	p.open()
	t.Cleanup(func() { _ = p.server.Close() })
	return p
}

func (p *post) create() {
	p.t.Helper()
	if err := p.user.Create("INBOX", nil); err != nil {
		p.t.Fatal(err)
	}
}

// open serves, at the same address as before.
func (p *post) open() {
	p.t.Helper()
	options := imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return p.memory.NewSession(), nil, nil
		},
		InsecureAuth: true, Logger: log.New(io.Discard, "", 0),
	}
	if p.mode == "starttls" {
		options.TLSConfig, options.InsecureAuth = p.config, false
	}
	p.server = imapserver.New(&options)
	l, err := net.Listen("tcp", p.address)
	if err != nil {
		p.t.Fatal(err)
	}
	p.address = l.Addr().String()
	if p.mode == "implicit" {
		l = tls.NewListener(l, p.config)
	}
	go func(s *imapserver.Server) { _ = s.Serve(l) }(p.server)
}

type literal struct{ *strings.Reader }

func (l literal) Size() int64 { return l.Reader.Size() }

func (p *post) deliver(texts ...string) {
	p.t.Helper()
	for _, text := range texts {
		if _, err := p.user.Append("INBOX", literal{strings.NewReader(text)}, &imap.AppendOptions{}); err != nil {
			p.t.Fatal(err)
		}
	}
}

// want checks how many mails there are, and how many of them are unseen.
func (p *post) want(all, unseen uint32) {
	p.t.Helper()
	s, err := p.user.Status("INBOX", &imap.StatusOptions{NumMessages: true, NumUnseen: true})
	if err != nil || *s.NumMessages != all || *s.NumUnseen != unseen {
		p.t.Errorf("%d mails, %d unseen (%v), want %d and %d", *s.NumMessages, *s.NumUnseen, err, all, unseen)
	}
}

func (p *post) source(seen Seen, r *rounds) IMAP {
	return IMAP{Address: p.address, User: "bounces", Password: "secret word", TLS: p.mode, Roots: p.roots, Seen: seen, Every: time.Hour, pause: r.pause}
}

// memory of how far mailboxes have been read.
type memory struct {
	mu    sync.Mutex
	at    map[string][2]uint32
	fails error
}

func newMemory() *memory { return &memory{at: map[string][2]uint32{}} }

func (m *memory) Last(_ context.Context, mailbox string) (uidvalidity, uid uint32, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.at[mailbox][0], m.at[mailbox][1], m.fails
}

func (m *memory) Remember(_ context.Context, mailbox string, uidvalidity, uid uint32) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at[mailbox] = [2]uint32{uidvalidity, uid}
	return m.fails
}

func (m *memory) uid() uint32 {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, at := range m.at {
		return at[1]
	}
	return 0
}

func TestRequirement29IMAPMarksOursAndLeavesTheRest(t *testing.T) {
	for _, mode := range []string{"implicit", "starttls", "none"} {
		t.Run(mode, func(t *testing.T) {
			p, b, m, r := newPost(t, mode), &book{}, newMemory(), newRounds()
			p.deliver(ours, theirs, ours, theirs)
			log, _ := start(t, p.source(m, r).Run, b.take)
			if wait := <-r.over; wait != time.Hour {
				t.Errorf("it waits %s", wait)
			}
			got := b.took()
			if len(got) != 4 || string(got[0].Raw) != ours || got[1].Where != "imap bounces@"+p.address+"/INBOX, uid 2" || got[0].To != "" {
				t.Errorf("told of %q", got)
			}
			p.want(4, 2)
			r.next()
			if got := b.took(); len(got) != 0 {
				t.Errorf("told again of %q", got)
			}
			p.deliver(ours)
			r.next()
			if got := b.took(); len(got) != 1 || m.uid() != 5 || !slices.Equal(slices.Collect(maps.Keys(m.at)), []string{"bounces@" + p.address + "/INBOX"}) {
				t.Errorf("told of %q, remembers %v", got, m.at)
			}
			p.want(5, 2)
			if log.String() != "" {
				t.Error(log)
			}
		})
	}
}

func TestIMAPBeginsAnewWithANewUIDValidity(t *testing.T) {
	p, b, m, r := newPost(t, "none"), &book{}, newMemory(), newRounds()
	p.deliver(theirs, theirs, theirs)
	start(t, p.source(m, r).Run, b.take)
	<-r.over
	b.took()
	if err := p.user.Delete("INBOX"); err != nil {
		t.Fatal(err)
	}
	p.create()
	p.deliver(ours)
	r.next()
	if got := b.took(); len(got) != 1 || m.uid() != 1 {
		t.Errorf("told of %q, remembers %v", got, m.at)
	}
	p.want(1, 0)
}

func TestIMAPComesBackToAServerThatWentAway(t *testing.T) {
	p, b, r := newPost(t, "implicit"), &book{}, newRounds()
	p.deliver(ours)
	log, _ := start(t, p.source(newMemory(), r).Run, b.take)
	<-r.over
	if err := p.server.Close(); err != nil {
		t.Fatal(err)
	}
	r.next()
	r.next()
	p.deliver(ours)
	p.open()
	r.next()
	if got := b.took(); len(got) != 2 || log.count("WARN") != 1 || log.count("taken again") != 1 {
		t.Errorf("told of %d; %s", len(got), log)
	}
}

func TestIMAPKeepsWhatCannotBeRecorded(t *testing.T) {
	p, b, m, r := newPost(t, "none"), &book{fails: errStore}, newMemory(), newRounds()
	p.deliver(ours, ours)
	log, _ := start(t, p.source(m, r).Run, b.take)
	<-r.over
	r.next()
	if m.uid() != 0 {
		t.Errorf("it remembers %d", m.uid())
	}
	p.want(2, 2)
	b.fail(nil)
	r.next()
	p.want(2, 0)
	if len(b.took()) != 2 || log.count("record a mail") != 1 {
		t.Error(log)
	}
}

func TestIMAPToldTwiceRatherThanNever(t *testing.T) {
	p, b, m, r := newPost(t, "none"), &book{}, newMemory(), newRounds()
	p.deliver(ours)
	m.fails = errStore
	log, _ := start(t, p.source(m, r).Run, b.take)
	<-r.over
	m.mu.Lock()
	m.fails = nil
	m.mu.Unlock()
	r.next()
	if len(b.took()) != 1 || log.count("remember the mailbox") != 1 {
		t.Error(log)
	}
}

// TestIMAPIsRefused: a login, a certificate, a server without TLS. The password
// is never sent without TLS that was asked for, and never logged.
func TestIMAPIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		served string
		change func(*IMAP)
		says   string
	}{
		"wrong password":         {"none", func(i *IMAP) { i.Password = "another secret" }, "log in"},
		"wrong certificate":      {"implicit", func(i *IMAP) { i.Roots = x509.NewCertPool() }, "certificate"},
		"wrong certificate late": {"starttls", func(i *IMAP) { i.Roots = x509.NewCertPool() }, "certificate"},
		"STARTTLS stripped":      {"none", func(i *IMAP) { i.TLS = "starttls" }, "connect"},
		"no such mailbox":        {"none", func(i *IMAP) { i.Mailbox = "Elsewhere" }, "open the mailbox"},
		"TLS in the clear":       {"none", func(i *IMAP) { i.TLS = "implicit" }, "connect"},
	} {
		t.Run(name, func(t *testing.T) {
			p, b, r := newPost(t, c.served), &book{}, newRounds()
			p.deliver(ours)
			source := p.source(newMemory(), r)
			c.change(&source)
			log, _ := start(t, source.Run, b.take)
			<-r.over
			r.next()
			if len(b.took()) != 0 || log.count("WARN") != 1 || log.count(c.says) == 0 || log.count("secret") != 0 {
				t.Error(log)
			}
		})
	}
}

func TestIMAPKnowsThreeWordsForTLS(t *testing.T) {
	if err := (IMAP{TLS: "opportunistic"}).Run(t.Context(), nil, nil); err == nil {
		t.Error("it ran")
	}
}

// far is a connection to a server elsewhere.
type far struct{ net.Conn }

func (far) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 143} }

func TestIMAPWithoutTLSStaysOnThisMachine(t *testing.T) {
	if _, err := (IMAP{Address: "192.0.2.1:143", TLS: "none"}).secure(t.Context(), &boundedConn{Conn: far{}}); err == nil {
		t.Error("the password would go over the network")
	}
}

// scripted answers each command by its name; $ stands for its tag, and a server
// that says "hang up" does so.
func scripted(t *testing.T, answers map[string]string) (address string, heard *lines) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	heard = &lines{}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go converse(conn, answers, heard)
		}
	}()
	return l.Addr().String(), heard
}

func converse(conn net.Conn, answers map[string]string, heard *lines) {
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, "* OK [CAPABILITY IMAP4rev1 ID] ready\r\n"); err != nil {
		return
	}
	var line []byte
	for one := make([]byte, 1); ; {
		if _, err := conn.Read(one); err != nil {
			return
		}
		if line = append(line, one[0]); one[0] != '\n' {
			continue
		}
		_, _ = heard.Write(line)
		words := bytes.Fields(line)
		line = nil
		name := string(words[1])
		if name == "UID" {
			name += " " + string(words[2])
		}
		answer, ok := answers[name]
		if !ok {
			answer = "$ OK done"
		}
		answer = strings.NewReplacer("$", string(words[0]), "\n", "\r\n").Replace(answer)
		if _, err := io.WriteString(conn, answer+"\r\n"); err != nil || strings.HasSuffix(answer, "hang up") {
			return
		}
	}
}

func openAnswers(more map[string]string) map[string]string {
	all := map[string]string{
		"LOGIN": "$ OK [CAPABILITY IMAP4rev1 ID] in", "ID": "* ID NIL\n$ OK done",
		"SELECT": "* 1 EXISTS\n* OK [UIDVALIDITY 7] valid\n$ OK [READ-WRITE] done", "UID SEARCH": "* SEARCH 4\n$ OK done",
		"UID FETCH": "* 1 FETCH (UID 4 BODY[]<0> {4}\nOURS)\n$ OK done",
	}
	maps.Copy(all, more)
	return all
}

func TestIMAPOfOddServers(t *testing.T) {
	for name, c := range map[string]struct {
		answers map[string]string
		told    int
		uid     uint32
		says    string // in the log; "": nothing
	}{
		"plain":                    {nil, 1, 4, ""},
		"read-only":                {map[string]string{"UID STORE": "$ NO read-only"}, 1, 4, ""},
		"a mail that is gone":      {map[string]string{"UID FETCH": "$ OK done"}, 0, 4, ""},
		"a mail that is not meant": {map[string]string{"UID FETCH": "* 1 FETCH (UID 9 BODY[]<0> {4}\nOURS)\n$ OK done"}, 0, 4, ""},
		"four thousand millions":   {map[string]string{"UID SEARCH": "* ESEARCH (TAG \"$\") UID ALL 1:4294967295\n$ OK done", "UID FETCH": "$ OK done"}, 0, 1000, ""},
		"no UIDVALIDITY":           {map[string]string{"SELECT": "$ OK done"}, 0, 0, "open the mailbox"},
		"nonsense":                 {map[string]string{"UID SEARCH": "* (((("}, 0, 0, "search the mailbox"},
		"cut off in a mail":        {map[string]string{"UID FETCH": "hang up"}, 0, 0, "read a mail"},
		"cut off within a literal": {map[string]string{"UID FETCH": "* 1 FETCH (UID 4 BODY[]<0> {400}\nOURS\nhang up"}, 0, 0, "read a mail"},
		"a mail of gigabytes":      {map[string]string{"UID FETCH": "* 1 FETCH (UID 4 BODY[]<0> {4000000000}\n" + strings.Repeat("OURS", stepOctets/4+1<<10)}, 0, 0, "read a mail"},
		"a refusal with words":     {map[string]string{"LOGIN": "$ NO wrong"}, 0, 0, "log in"},
	} {
		t.Run(name, func(t *testing.T) {
			address, heard := scripted(t, openAnswers(c.answers))
			b, m, r := &book{}, newMemory(), newRounds()
			log, _ := start(t, IMAP{Address: address, User: "u", Password: "p", TLS: "none", Seen: m, pause: r.pause}.Run, b.take)
			<-r.over
			if got := b.took(); len(got) != c.told || m.uid() != c.uid || log.count(c.says) == 0 && c.says != "" || c.says == "" && log.String() != "" {
				t.Errorf("told of %.200q, remembers %d; %s", got, m.uid(), log)
			}
			if said := heard.String(); c.told > 0 && !(strings.Index(said, "ID (") < strings.Index(said, "SELECT")) {
				t.Errorf("it did not say who it is before it opened the mailbox:\n%s", said)
			}
		})
	}
}

// TestIMAPEndsWhileTheServerIsSilent: the library would wait for ever.
func TestIMAPEndsWhileTheServerIsSilent(t *testing.T) {
	address, heard := scripted(t, openAnswers(map[string]string{"SELECT": "* 1 EXISTS"}))
	_, stop := start(t, IMAP{Address: address, User: "u", Password: "p", TLS: "none", Seen: newMemory()}.Run, (&book{}).take)
	heard.wait("SELECT")
	stop()
}
