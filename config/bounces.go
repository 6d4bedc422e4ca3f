package config

import (
	"net"
	netmail "net/mail"
	"net/url"
	"os"
	"strings"
	"time"

	"jianxun/internal/news"
)

// Bounces is where mail comes back to, and how it gets from there to us.
type Bounces struct {
	Address string // return paths are made of it; empty: mail comes back to the sender, and is not read
	SoftRun int    // issues in a row that come back softly until an address is taken for dead
	Maildir string // folder, empty: none
	Listen  Listen
	IMAP    IMAP
	Every   time.Duration // between two looks into a Maildir or mailbox
}

// Listen is where mail is taken from a mail server.
type Listen struct {
	Address string // host:port or unix:/path; empty: nowhere
	LMTP    bool
}

// IMAP is a mailbox on a server.
type IMAP struct {
	Address        string // host:port; empty: none
	User, Password string
	Mailbox        string
	TLS            string // implicit, starttls; none on this machine
	CA             []byte // PEM; nil: the system's
}

// verpOctets is what a return path needs beside the address's own local part, of
// the 64 octets that RFC 5321 allows, for two million issues.
const verpOctets = 48

func (r *resolver) bounces(s bouncesSchema, from netmail.Address) Bounces {
	b := Bounces{Address: s.Address, SoftRun: 3, Every: orTime(s.Every, time.Minute)}
	if r.doc.has("mail.bounces.soft_run") {
		b.SoftRun = s.SoftRun
	}
	if b.SoftRun < 1 || b.SoftRun > 100 {
		r.fault("mail.bounces.soft_run", "the number of issues in a row must be from 1 to 100")
	}
	if b.Every < time.Second {
		r.fault("mail.bounces.every", "mail that came back is looked for every second at most")
	}
	r.bouncesTo(s, from)
	if s.Maildir != "" {
		b.Maildir = r.abs(s.Maildir)
		if info, err := os.Stat(b.Maildir); err != nil {
			r.fault("mail.bounces.maildir", "the folder %s cannot be read", b.Maildir)
		} else if !info.IsDir() {
			r.fault("mail.bounces.maildir", "%s is not a folder", b.Maildir)
		}
	}
	if s.Listen != "" {
		b.Listen = r.bouncesListen(s.Listen)
	}
	if s.IMAP != "" {
		b.IMAP = r.bouncesIMAP(s)
	} else if s.IMAPPassword != "" || s.IMAPPasswordFile != "" || s.IMAPCAFile != "" {
		r.fault("mail.bounces", "imap_password, imap_password_file and imap_ca_file are for a mailbox; write imap: imaps://USER@HOST/INBOX")
	}
	return b
}

// bouncesTo checks the address that return paths are made of.
func (r *resolver) bouncesTo(s bouncesSchema, from netmail.Address) {
	const path = "mail.bounces.address"
	if s.Address == "" {
		if s.Maildir+s.Listen+s.IMAP != "" {
			r.fault("mail.bounces", "without mail.bounces.address nothing that comes back can be told apart; write one such as bounces@example.org")
		}
		return
	}
	if err := news.CheckEmail(s.Address); err != nil {
		r.doc.fault(path, err)
		return
	}
	local, domain, _ := strings.Cut(s.Address, "@")
	_, fromDomain, _ := strings.Cut(from.Address, "@")
	switch {
	case strings.Contains(local, "+"):
		r.fault(path, "the address must be without +, behind which each mail gets its own mark")
	case len(local) > 64-verpOctets:
		r.fault(path, "the part before the @ may have %d characters at most, as each mail adds its own mark to it", 64-verpOctets)
	case from.Address != "" && organisation(strings.ToLower(domain)) != organisation(strings.ToLower(fromDomain)):
		r.fault(path, "the domain %s is not of the organisation of mail.from, %s; receivers would take the mail for forged", domain, fromDomain)
	}
}

func (r *resolver) bouncesListen(address string) (l Listen) {
	const path = "mail.bounces.listen"
	scheme, rest, _ := strings.Cut(address, ":")
	switch scheme {
	case "lmtp+unix":
		if strings.Trim(rest, "/") == "" || strings.HasPrefix(rest, "//") {
			break
		}
		return Listen{Address: "unix:" + r.abs(rest), LMTP: true}
	case "lmtp", "smtp":
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
			break
		}
		r.address(path, u.Host)
		return Listen{Address: u.Host, LMTP: scheme == "lmtp"}
	}
	r.fault(path, "%q is not a place to take mail at such as lmtp://127.0.0.1:2424, smtp://127.0.0.1:2525 or lmtp+unix:/run/jianxun/lmtp", redactUser(address))
	return l
}

func (r *resolver) bouncesIMAP(s bouncesSchema) (m IMAP) {
	const path = "mail.bounces.imap"
	u, err := url.Parse(s.IMAP)
	if err != nil || u.Hostname() == "" || u.User.Username() == "" || u.Scheme != "imap" && u.Scheme != "imaps" || u.RawQuery != "" || u.Fragment != "" {
		r.fault(path, "%q is not a mailbox such as imaps://user@mail.example.org/INBOX", redact(s.IMAP))
		return m
	}
	m = IMAP{User: u.User.Username(), Mailbox: or(strings.Trim(u.Path, "/"), "INBOX")}
	host, port := u.Hostname(), "143"
	switch {
	case u.Scheme == "imaps":
		m.TLS, port = "implicit", "993"
	case host == "localhost" || net.ParseIP(host).IsLoopback():
		m.TLS = "none"
	default:
		m.TLS = "starttls"
	}
	m.Address = net.JoinHostPort(host, or(u.Port(), port))
	m.Password = r.bouncesPassword(s, u)
	if s.IMAPCAFile != "" {
		if text, ok := r.open(r.abs(s.IMAPCAFile), "mail.bounces.imap_ca_file"); ok {
			m.CA = []byte(text)
		}
	}
	return m
}

func (r *resolver) bouncesPassword(s bouncesSchema, u *url.URL) string {
	password, _ := u.User.Password()
	twice := password != "" && s.IMAPPassword != ""
	password = or(password, s.IMAPPassword)
	if s.IMAPPasswordFile != "" {
		twice = twice || password != ""
		if text, ok := r.open(r.abs(s.IMAPPasswordFile), "mail.bounces.imap_password_file"); ok {
			password = strings.TrimRight(text, "\r\n")
		}
	}
	switch {
	case twice:
		r.fault("mail.bounces", "the password is given twice; keep one of imap_password, imap_password_file and the address of the mailbox")
	case password == "" && s.IMAPPasswordFile == "":
		r.fault("mail.bounces.imap", "the mailbox has a user but there is no password; give imap_password_file or imap_password: ${VARIABLE}")
	}
	return password
}
