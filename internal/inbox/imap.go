package inbox

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/emersion/go-imap/v2"
)

// Seen remembers how far a mailbox has been read. 0, 0: not at all.
type Seen interface {
	Last(ctx context.Context, mailbox string) (uidvalidity, uid uint32, err error)
	Remember(ctx context.Context, mailbox string, uidvalidity, uid uint32) error
}

// IMAP is a mailbox on a server, best one of its own: at first, and whenever its
// UIDVALIDITY changes, everything in it is read. What is done is marked as seen,
// and nothing else changes.
type IMAP struct {
	Address, User, Password string
	Mailbox                 string         // "": INBOX
	TLS                     string         // implicit, starttls, or none, which only loopback gets
	Every                   time.Duration  // between two looks; 0: a minute
	Roots                   *x509.CertPool // nil: those of the system
	Seen                    Seen

	pause pause
}

// maxRound bounds the mails looked at in one connection.
const maxRound = 1000

// Run takes mail until ctx ends, and gives nil then. An unknown word for TLS is
// an error at once: no waiting would help.
func (i IMAP) Run(ctx context.Context, take Take, log *slog.Logger) error {
	if i.TLS != "implicit" && i.TLS != "starttls" && i.TLS != "none" {
		return fmt.Errorf("TLS is %q, not one of implicit, starttls, none", i.TLS)
	}
	if i.Mailbox == "" {
		i.Mailbox = "INBOX"
	}
	if i.Every <= 0 {
		i.Every = time.Minute
	}
	w := &watch{log: log, where: "imap " + i.name()}
	repeat(ctx, w, i.pause, i.Every, func(ctx context.Context) (bool, error) { return i.round(ctx, take) })
	return nil
}

// name is what a mailbox is remembered by.
func (i IMAP) name() string { return i.User + "@" + i.Address + "/" + i.Mailbox }

// round opens the mailbox and takes what came since the last time.
func (i IMAP) round(ctx context.Context, take Take) (more bool, err error) {
	c, err := i.connect(ctx)
	if err != nil {
		return false, err
	}
	defer c.close()
	validity, err := c.open(i.Mailbox)
	if err != nil {
		return false, failing("open the mailbox", err)
	}
	known, last, err := i.Seen.Last(ctx, i.name())
	if err != nil {
		return false, failing("remember the mailbox", err)
	}
	if known != validity {
		last = 0
	}
	uids, err := c.after(last, maxRound)
	if err != nil {
		return false, failing("search the mailbox", err)
	}
	for _, uid := range uids {
		if err := i.one(ctx, c, take, uid); err != nil {
			return false, err
		}
		if err := i.Seen.Remember(ctx, i.name(), validity, uint32(uid)); err != nil {
			return false, failing("remember the mailbox", err)
		}
	}
	return len(uids) == maxRound, nil
}

// one takes one mail, if it is still there.
func (i IMAP) one(ctx context.Context, c *mailbox, take Take, uid imap.UID) error {
	raw, err := c.read(uid)
	if err != nil {
		return failing("read a mail", err)
	}
	if raw == nil {
		return nil
	}
	done, err := take(ctx, Mail{Raw: raw, Where: fmt.Sprintf("imap %s, uid %d", i.name(), uid)})
	if err != nil {
		return failing("record a mail", err)
	}
	if !done {
		return nil
	}
	var refused *imap.Error // a mailbox that may not be written to is read all the same
	if err := c.markSeen(uid); err != nil && !errors.As(err, &refused) {
		return failing("mark a mail as seen", err)
	}
	return nil
}
