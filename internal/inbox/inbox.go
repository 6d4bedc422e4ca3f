// Package inbox takes mail that comes in for us: from a Maildir, over SMTP or
// LMTP, and out of an IMAP mailbox.
package inbox

import (
	"context"
	"crypto/x509"
	"log/slog"
	"time"
)

// Mail is one mail that came in.
type Mail struct {
	To    string // envelope recipient, "" when unknown
	Raw   []byte
	Where string // for people: "maildir /x/new/123"
}

// Take is told of every mail. done: it was ours and has been recorded, it may
// be marked as done; not done: it is not ours and stays where it is, untouched.
type Take func(ctx context.Context, m Mail) (done bool, err error)

// Maildir is a folder into which a mail server delivers.
type Maildir struct {
	Dir   string
	Every time.Duration // between two looks; 0: ten seconds
}

// Run takes mail until ctx ends.
func (m Maildir) Run(ctx context.Context, take Take, log *slog.Logger) error { return nil }

// Listener takes mail from a mail server beside us, by SMTP or LMTP.
type Listener struct {
	Address  string // host:port or unix:/path
	LMTP     bool
	Hostname string
	Accept   func(rcpt string) bool
	MaxSize  int64 // octets of a mail; 0: 1 MiB
}

// Run takes mail until ctx ends.
func (l Listener) Run(ctx context.Context, take Take, log *slog.Logger) error { return nil }

// Seen remembers how far a mailbox has been read. 0, 0: not at all.
type Seen interface {
	Last(ctx context.Context, mailbox string) (uidvalidity, uid uint32, err error)
	Remember(ctx context.Context, mailbox string, uidvalidity, uid uint32) error
}

// IMAP is a mailbox on a server.
type IMAP struct {
	Address, User, Password string
	Mailbox                 string        // "": INBOX
	TLS                     string        // implicit, starttls, or none, which only loopback gets
	Every                   time.Duration // between two looks; 0: a minute
	Roots                   *x509.CertPool
	Seen                    Seen
}

// Run takes mail until ctx ends.
func (i IMAP) Run(ctx context.Context, take Take, log *slog.Logger) error { return nil }
