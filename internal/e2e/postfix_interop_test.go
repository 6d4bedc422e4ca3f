//go:build interop

package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// postfix is a Postfix of the test's own: the relay of a site, the mail server
// of its readers, and where its bounces come in. Nothing of it lies outside its
// folder.
type postfix struct {
	t    *testing.T
	dir  string
	addr string // of its SMTP server
	ca   string // file with the authority of its certificate
}

const (
	staffDomain  = "staff.example.org" // of the readers
	bouncesTo    = "bounces@example.org"
	mailboxLimit = 400_000 // octets that a mailbox may hold
)

const postfixMain = `compatibility_level = 3.6
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
disable_dns_lookups = yes
smtp_host_lookup = native
smtpd_tls_security_level = %[3]s
smtpd_tls_chain_files = %[1]s/relay.pem
recipient_delimiter = +
# It takes mail to addresses that are not there, and finds that out later.
smtpd_reject_unlisted_recipient = no
virtual_mailbox_domains = staff.example.org, example.org
virtual_mailbox_maps = texthash:%[1]s/mailboxes
virtual_mailbox_base = %[1]s/mail
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
virtual_mailbox_limit = %[2]d
message_size_limit = %[2]d
transport_maps = texthash:%[1]s/transport
default_transport = error:no mail leaves the test
lmtp_tls_security_level = none
# What cannot be delivered the first time comes back at once.
maximal_queue_lifetime = 0
minimal_backoff_time = 1s
maximal_backoff_time = 1s
queue_run_delay = 1s
`

// postfixOf says what a Postfix is to be.
type postfixOf struct {
	accounts  []string // with a Maildir each; bounces@example.org always has one
	full      string   // an account whose mailbox has no room for another mail
	transport string   // lines of transport(5)
	clear     bool     // it offers no STARTTLS
}

// newPostfix starts a Postfix that runs until the test ends.
func newPostfix(t *testing.T, o postfixOf) *postfix {
	t.Helper()
	postconf := tool(t, "postconf")
	if os.Getuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("only root may start a Postfix")
		}
		t.Skip("only root may start a Postfix; this part did not run")
	}
	dir, err := os.MkdirTemp("", "jianxun-postfix-") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { // it runs as several users
		t.Fatal(err)
	}
	p := &postfix{t: t, dir: dir, addr: fmt.Sprintf("127.0.0.1:%d", lowPort(t)), ca: filepath.Join(dir, "ca.pem")}
	p.folder("etc", 0) // what lies beside its configuration Postfix complains of
	p.folder("mail", 65534)
	p.queue(id(t, "postfix"))
	p.certify()
	p.configure(o)
	p.start(filepath.Join(strings.TrimSpace(command(t, "", postconf, "-d", "-h", "daemon_directory")), "master"))
	eventually(t, "Postfix listens", func() bool { return listens(p.addr) })
	return p
}

// start starts it until the test ends, and then ends its group of processes:
// stopping it orderly would take seconds.
func (p *postfix) start(master string) {
	p.t.Helper()
	p.t.Cleanup(func() {
		if pid, err := strconv.Atoi(strings.TrimSpace(read(p.t, p.path("queue/pid/master.pid")))); err != nil || pid < 2 {
			p.t.Errorf("Postfix %d goes on running: %v", pid, err)
		} else if err := syscall.Kill(-pid, syscall.SIGKILL); err != nil {
			p.t.Error(err)
		}
		if p.t.Failed() {
			p.t.Log(read(p.t, p.path("mail.log")))
		}
	})
	command(p.t, "", master, "-c", p.path("etc"), "-w")
}

// folder makes a folder that belongs to a user.
func (p *postfix) folder(name string, user int) {
	p.t.Helper()
	if err := os.Mkdir(p.path(name), 0o755); err != nil {
		p.t.Fatal(err)
	}
	p.give(name, user)
}

// queue makes the folders of its queue, for which its own script takes seconds.
func (p *postfix) queue(owner int) {
	p.t.Helper()
	p.folder("data", owner)
	p.folder("queue", 0)
	p.folder("queue/pid", 0)
	for _, name := range strings.Fields("active bounce corrupt defer deferred flush hold incoming maildrop private public saved trace") {
		p.folder("queue/"+name, owner)
	}
}

func (p *postfix) give(name string, user int) {
	p.t.Helper()
	if err := os.Chown(p.path(name), user, -1); err != nil {
		p.t.Fatal(err)
	}
}

func id(t *testing.T, name string) int {
	t.Helper()
	u, err := user.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(u.Uid)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (p *postfix) path(name string) string { return filepath.Join(p.dir, name) }

func (p *postfix) configure(o postfixOf) {
	boxes := ""
	for _, a := range append([]string{bouncesTo}, o.accounts...) {
		boxes += a + " " + a + "/\n"
		for _, sub := range []string{"", "/tmp", "/cur", "/new"} {
			p.folder("mail/"+a+sub, 65534)
		}
	}
	if o.full != "" {
		boxes += o.full + " " + o.full + "\n" // a file, as it ends without a slash
		write(p.t, p.path("mail/"+o.full), "From x@example.org Mon Nov 23 08:00:00 2026\n\n"+strings.Repeat("full\n", (mailboxLimit-1000)/5))
		p.give("mail/"+o.full, 65534)
	}
	tls := "may"
	if o.clear {
		tls = "none"
	}
	write(p.t, p.path("mailboxes"), boxes)
	write(p.t, p.path("transport"), o.transport)
	write(p.t, p.path("etc/main.cf"), fmt.Sprintf(postfixMain, p.dir, mailboxLimit, tls))
	services := p.addr + " inet n - n - - smtpd\n"
	for _, service := range []string{ // with how they lie and how many of them there may be
		"postlog unix-dgram n - n - 1 postlogd", "qmgr unix n - n 300 1 qmgr", "pickup unix n - n 60 1 pickup", "cleanup unix n - n - 0 cleanup",
		"rewrite unix - - n - - trivial-rewrite", "bounce unix - - n - 0 bounce", "defer unix - - n - 0 bounce", "trace unix - - n - 0 bounce",
		"virtual unix - n n - - virtual", "lmtp unix - - n - - lmtp", "smtp unix - - n - - smtp", "anvil unix - - n - 1 anvil", "scache unix - - n - 1 scache",
		"proxymap unix - - n - - proxymap", "tlsmgr unix - - n 1000? 1 tlsmgr", "error unix - - n - - error", "retry unix - - n - - error",
		"flush unix n - n 1000? 0 flush", "showq unix n - n - - showq",
	} {
		services += service + "\n"
	}
	write(p.t, p.path("etc/master.cf"), services)
}

// certify makes an authority, and a certificate of it for this machine.
func (p *postfix) certify() {
	p.t.Helper()
	ca, caKey := p.certificate("ca", nil, nil)
	leaf, leafKey := p.certificate("127.0.0.1", ca, caKey)
	key, err := x509.MarshalPKCS8PrivateKey(leafKey)
	if err != nil {
		p.t.Fatal(err)
	}
	chain := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})) +
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw}))
	write(p.t, p.path("relay.pem"), chain)
	write(p.t, p.ca, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Raw})))
}

// certificate is signed by the authority by; nil: by itself.
func (p *postfix) certificate(name string, by *x509.Certificate, byKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	p.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		p.t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	if by == nil {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
		by, byKey = c, key
	}
	raw, err := x509.CreateCertificate(rand.Reader, c, by, &key.PublicKey, byKey)
	if err != nil {
		p.t.Fatal(err)
	}
	made, err := x509.ParseCertificate(raw)
	if err != nil {
		p.t.Fatal(err)
	}
	return made, key
}

// mails are those in the Maildir of an account.
func (p *postfix) mails(account string) []string {
	p.t.Helper()
	names, err := filepath.Glob(p.path("mail/" + account + "/new/*"))
	if err != nil {
		p.t.Fatal(err)
	}
	var all []string
	for _, name := range names {
		all = append(all, read(p.t, name))
	}
	return all
}

// idle waits until its queue is empty: what came in has been delivered or has
// come back, and what came back too.
func (p *postfix) idle() {
	p.t.Helper()
	eventually(p.t, "the queue of Postfix is empty", func() bool {
		return strings.Contains(command(p.t, "", tool(p.t, "postqueue"), "-c", p.path("etc"), "-p"), "Mail queue is empty")
	})
}

func listens(addr string) bool {
	c, err := net.Dial("tcp", addr)
	if err == nil {
		_ = c.Close()
	}
	return err == nil
}
