package inbox

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/emersion/go-smtp"
)

// desk makes the sessions of a listener, and knows when no mail is being taken.
type desk struct {
	Listener
	ctx   context.Context
	take  Take
	watch *watch

	busy   sync.RWMutex // read-locked while a mail is being taken
	closed bool
}

// NewSession begins a conversation.
func (d *desk) NewSession(c *smtp.Conn) (smtp.Session, error) {
	where := d.protocol() + " " + d.Address
	if peer, ok := c.Conn().RemoteAddr().(*net.TCPAddr); ok {
		where += " from " + peer.String()
	}
	conn, _ := c.Conn().(*clientConn)
	return &session{desk: d, conn: conn, where: where}, nil
}

// close waits until no mail is being taken, and lets none in after that.
func (d *desk) close() {
	d.busy.Lock()
	d.closed = true
	d.busy.Unlock()
}

// session is one conversation. The library may still read a mail that was
// broken off when the next one begins, so the envelope is locked.
type session struct {
	desk  *desk
	conn  *clientConn
	where string

	mu       sync.Mutex
	from, to string
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.from = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if !s.desk.Accept(to) {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such address here"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.to = to
	return nil
}

// Data takes the mail. As the last server on its way, it writes down the return
// path (RFC 5321 section 4.4), which tells reports from letters.
func (s *session) Data(r io.Reader) error {
	s.mu.Lock()
	m := Mail{To: s.to, Raw: fmt.Appendf(nil, "Return-Path: <%s>\r\n", s.from), Where: s.where}
	s.mu.Unlock()
	text, err := io.ReadAll(r)
	if err == nil && s.conn.silent.Load() {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		if _, chunked := r.(*io.PipeReader); chunked {
			// broken off within BDAT: the library would mix its end up with that of
			// the next mail, so there is no next one on this connection
			_ = s.conn.Close()
		}
		return err
	}
	m.Raw = append(m.Raw, text...)
	return s.desk.record(m)
}

func (d *desk) record(m Mail) error {
	later := &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "Not recorded, try again later"}
	d.busy.RLock()
	defer d.busy.RUnlock()
	if d.closed || d.ctx.Err() != nil {
		return later
	}
	_, err := d.take(d.ctx, m)
	if d.ctx.Err() == nil {
		d.watch.tell(failing("record a mail", err))
	}
	if err != nil {
		return later
	}
	return nil
}
