package inbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/emersion/go-smtp"
	"golang.org/x/net/netutil"
)

// Listener takes mail from a mail server beside us, by SMTP or LMTP. It relays
// nothing and knows nobody but whom Accept accepts. Whoever reaches the address
// may speak to it: it belongs on loopback, on a socket, or behind a mail server.
//
// A mail that it took is nowhere else, so Take must keep what is not ours as
// well; 250 is said only after Take has returned without an error.
type Listener struct {
	Address  string // host:port or unix:/path
	LMTP     bool
	Hostname string // said in the greeting; "": localhost
	Accept   func(rcpt string) bool
	MaxSize  int64 // octets of a mail; 0: 1 MiB

	pause pause
	ready func(net.Addr) // told when it listens
}

// The bounds of conversations.
const (
	maxConnections = 16
	maxLine        = 64 << 10         // octets
	maxIdle        = 5 * time.Minute  // for a command, and for a whole mail
	maxSession     = 20 * time.Minute // for all of it
)

// Run takes mail until ctx ends; it always gives nil.
func (l Listener) Run(ctx context.Context, take Take, log *slog.Logger) error {
	if l.MaxSize <= 0 {
		l.MaxSize = maxMail
	}
	if l.Hostname == "" {
		l.Hostname = "localhost"
	}
	w := &watch{log: log, where: l.protocol() + " " + l.Address}
	repeat(ctx, w, l.pause, 0, func(ctx context.Context) (bool, error) { return false, l.serve(ctx, take, w) })
	return nil
}

func (l Listener) protocol() string {
	if l.LMTP {
		return "lmtp"
	}
	return "smtp"
}

// serve listens until ctx ends or listening fails, and returns when no mail is
// being taken any more.
func (l Listener) serve(ctx context.Context, take Take, w *watch) error {
	ln, err := listen(ctx, l.Address)
	if err != nil {
		return failing("listen", err)
	}
	w.tell(nil)
	desk := &desk{ctx: ctx, Listener: l, take: take, watch: w}
	s := smtp.NewServer(desk)
	s.LMTP, s.Domain = l.LMTP, l.Hostname
	s.MaxRecipients = 1 // one mail, one answer: 452 makes the client send the rest by itself
	s.MaxMessageBytes, s.MaxLineLength = l.MaxSize, maxLine
	s.ReadTimeout, s.WriteTimeout = maxIdle, time.Minute
	s.ErrorLog = errorLog{w.log}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	if l.ready != nil {
		l.ready(ln.Addr())
	}
	err = s.Serve(boundedListener{netutil.LimitListener(ln, maxConnections)})
	_ = s.Close()
	desk.close()
	return failing("listen", err)
}

// listen opens the address. A socket that a process left behind when it was
// killed is removed, if nobody answers on it. Who may reach a socket is for its
// folder to say, as for a port on loopback: everybody on the machine otherwise.
func listen(ctx context.Context, address string) (net.Listener, error) {
	var config net.ListenConfig
	path, isSocket := strings.CutPrefix(address, "unix:")
	if !isSocket {
		return config.Listen(ctx, "tcp", address)
	}
	ln, err := config.Listen(ctx, "unix", path)
	if errors.Is(err, syscall.EADDRINUSE) && abandoned(ctx, path) {
		if err := os.Remove(path); err != nil {
			return nil, err
		}
		ln, err = config.Listen(ctx, "unix", path)
	}
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o666); err != nil { //nolint:gosec // the mail server is another user
		return nil, errors.Join(err, ln.Close())
	}
	return ln, nil
}

func abandoned(ctx context.Context, path string) bool {
	if info, err := os.Lstat(path); err != nil || info.Mode()&os.ModeSocket == 0 {
		return false
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	if err == nil {
		_ = conn.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

// boundedListener watches over each connection.
type boundedListener struct{ net.Listener }

func (b boundedListener) Accept() (net.Conn, error) {
	conn, err := b.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &clientConn{Conn: conn, end: time.AfterFunc(maxSession, func() { _ = conn.Close() })}, nil
}

// clientConn ends after maxSession: the library bounds each step, and steps can
// be repeated for ever. It also knows when the client fell silent: the library
// takes a chunk (BDAT) that is cut off for a whole one.
type clientConn struct {
	net.Conn
	end    *time.Timer
	silent atomic.Bool
}

func (c *clientConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil {
		c.silent.Store(true)
	}
	return n, err
}

func (c *clientConn) Close() error {
	c.end.Stop()
	return c.Conn.Close()
}

// errorLog takes what the library has to say. What clients do wrong is their
// matter; a panic is ours.
type errorLog struct{ log *slog.Logger }

func (e errorLog) Printf(format string, v ...any) {
	if strings.HasPrefix(format, "panic") {
		e.log.Error("a conversation about incoming mail broke off", "error", fmt.Sprintf(format, v...))
	} else {
		e.log.Debug("incoming mail", "error", fmt.Sprintf(format, v...))
	}
}

func (e errorLog) Println(v ...any) { e.Printf("%s", fmt.Sprint(v...)) }
