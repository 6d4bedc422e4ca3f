// Package inbox takes mail that comes in for us: out of a Maildir, over SMTP or
// LMTP from a mail server beside us, and out of an IMAP mailbox.
//
// It promises that mail is marked as done only after Take has recorded it, that
// mail which is not ours stays where it is and as it is, and that nothing is
// ever deleted. So a mail may be told twice, after a crash or a lost connection,
// and is never lost. When the other side fails, or Take does, it says so once
// and tries again, after a second and at last every five minutes; a Take that
// fails holds up the mails behind it.
package inbox

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Mail is one mail that came in.
type Mail struct {
	To    string // envelope recipient, "" when unknown
	Raw   []byte // at most a mebibyte of it, or what MaxSize of a Listener says
	Where string // for people: "maildir /x/new/123"
}

// Take is told of every mail. done: it was ours and has been recorded, it may
// be marked as done; not done: it is not ours and stays where it is, untouched.
type Take func(ctx context.Context, m Mail) (done bool, err error)

// maxMail bounds what is read of a mail, in octets.
const maxMail = 1 << 20

// fault is why mail cannot be taken now.
type fault struct {
	doing string // connect, log in, read …
	err   error
}

func (f *fault) Error() string { return fmt.Sprintf("%s: %v", f.doing, f.err) }
func (f *fault) Unwrap() error { return f.err }

func failing(doing string, err error) error {
	if err == nil {
		return nil
	}
	return &fault{doing, err}
}

// watch logs when a source fails, at another step than before, and when it is
// well again. It may be used by several at once.
type watch struct {
	log   *slog.Logger
	where string

	mu    sync.Mutex
	doing string // at which step it fails; "": it is well
}

func (w *watch) tell(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	doing := ""
	if err != nil {
		doing = "run"
		if f, ok := err.(*fault); ok {
			doing = f.doing
		}
	}
	switch {
	case doing == w.doing:
	case err == nil:
		w.log.Info("incoming mail is taken again", "from", w.where)
	default:
		w.log.Warn("incoming mail cannot be taken, it is tried again", "from", w.where, "error", err)
	}
	w.doing = doing
}

// pause waits, and tells whether ctx still lives. Tests have one of their own.
type pause func(ctx context.Context, d time.Duration) bool

func rest(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// The wait after a fault, doubled each time.
const (
	firstRetry = time.Second
	lastRetry  = 5 * time.Minute
)

// repeat does a round every so often until ctx ends: at once when there is more
// to do, and with growing waits when it fails.
func repeat(ctx context.Context, w *watch, wait pause, every time.Duration, round func(context.Context) (more bool, err error)) {
	if wait == nil {
		wait = rest
	}
	retry := firstRetry
	for {
		more, err := round(ctx)
		if ctx.Err() != nil {
			return
		}
		w.tell(err)
		next := every
		switch {
		case err != nil:
			next = retry
			retry = min(2*retry, lastRetry)
		case more:
			next, retry = 0, firstRetry
		default:
			retry = firstRetry
		}
		if !wait(ctx, next) {
			return
		}
	}
}
