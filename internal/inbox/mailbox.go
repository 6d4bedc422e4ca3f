package inbox

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// The bounds of each step with an IMAP server: the library waits for an answer
// for ever, and reads one of any length.
const (
	stepTime   = 2 * time.Minute
	stepOctets = 16 << 20
)

// mailbox is a connection to an IMAP server, logged in.
type mailbox struct {
	client *imapclient.Client
	conn   *boundedConn
	timer  *time.Timer
	stop   func() bool
}

// boundedConn reads so many octets and no more.
type boundedConn struct {
	net.Conn
	left atomic.Int64
}

func (b *boundedConn) Read(p []byte) (int, error) {
	if b.left.Load() <= 0 {
		return 0, errors.New("the server says more than can be heard")
	}
	n, err := b.Conn.Read(p)
	b.left.Add(-int64(n))
	return n, err
}

// step gives the next step its time and its octets.
func (m *mailbox) step() {
	m.conn.left.Store(stepOctets)
	m.timer.Reset(stepTime)
}

func (i IMAP) connect(ctx context.Context) (*mailbox, error) {
	conn, err := (&net.Dialer{Timeout: 30 * time.Second}).DialContext(ctx, "tcp", i.Address)
	if err != nil {
		return nil, failing("connect", err)
	}
	m := &mailbox{conn: &boundedConn{Conn: conn}}
	hangUp := func() { _ = conn.Close() }
	m.timer = time.AfterFunc(stepTime, hangUp)
	m.stop = context.AfterFunc(ctx, hangUp)
	m.step()
	if m.client, err = i.secure(ctx, m.conn); err != nil {
		m.close()
		return nil, failing("connect", err)
	}
	if err := i.login(m); err != nil {
		m.close()
		return nil, failing("log in", err)
	}
	return m, nil
}

// secure begins the conversation as TLS says. The password goes in the clear
// only to this machine itself.
func (i IMAP) secure(ctx context.Context, conn *boundedConn) (*imapclient.Client, error) {
	host, _, err := net.SplitHostPort(i.Address)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{ServerName: host, RootCAs: i.Roots, MinVersion: tls.VersionTLS12}
	switch i.TLS {
	case "implicit":
		secure := tls.Client(conn, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		return imapclient.New(secure, nil), nil
	case "starttls":
		return imapclient.NewStartTLS(conn, &imapclient.Options{TLSConfig: config})
	}
	if peer, ok := conn.RemoteAddr().(*net.TCPAddr); !ok || !peer.IP.IsLoopback() {
		return nil, errors.New("without TLS only a server on this machine is spoken to")
	}
	return imapclient.New(conn, nil), nil
}

// login also says who we are: NetEase opens no mailbox for those who do not.
func (i IMAP) login(m *mailbox) error {
	if err := m.client.WaitGreeting(); err != nil {
		return err
	}
	if m.client.State() == imap.ConnStateNotAuthenticated {
		m.step()
		if err := m.client.Login(i.User, i.Password).Wait(); err != nil {
			return err
		}
	}
	m.step()
	if m.client.Caps().Has(imap.CapID) {
		if _, err := m.client.ID(&imap.IDData{Name: "jianxun"}).Wait(); err != nil {
			return err
		}
	}
	return nil
}

// open selects a mailbox and gives its UIDVALIDITY.
func (m *mailbox) open(name string) (uint32, error) {
	m.step()
	selected, err := m.client.Select(name, nil).Wait()
	if err == nil && selected.UIDValidity == 0 {
		err = errors.New("it has no UIDVALIDITY")
	}
	if err != nil {
		return 0, err
	}
	return selected.UIDValidity, nil
}

// after gives the first UIDs after last, at most limit.
func (m *mailbox) after(last uint32, limit int) ([]imap.UID, error) {
	m.step()
	var rest imap.UIDSet
	rest.AddRange(imap.UID(last)+1, 0) // to the end; names the last mail even when it is older
	found, err := m.client.UIDSearch(&imap.SearchCriteria{UID: []imap.UIDSet{rest}}, nil).Wait()
	if err != nil {
		return nil, err
	}
	set, _ := found.All.(imap.UIDSet)
	var uids []imap.UID
	for _, r := range set {
		// not AllUIDs: a range of four thousand millions is written in a few octets
		for uid := max(uint64(r.Start), uint64(last)+1); uid <= uint64(r.Stop) && len(uids) < limit; uid++ {
			uids = append(uids, imap.UID(uid))
		}
	}
	return uids, nil
}

// read gives a mail, or nil when it is gone. It stays unseen.
func (m *mailbox) read(uid imap.UID) ([]byte, error) {
	m.step()
	whole := &imap.FetchItemBodySection{Peek: true, Partial: &imap.SectionPartial{Size: maxMail}}
	cmd := m.client.Fetch(imap.UIDSetNum(uid), &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{whole}})
	var found []byte
	for answer := cmd.Next(); answer != nil; answer = cmd.Next() {
		for item := answer.Next(); item != nil; item = answer.Next() {
			body, ok := item.(imapclient.FetchItemDataBodySection)
			if !ok || body.Literal == nil {
				continue
			}
			raw, err := io.ReadAll(body.Literal)
			if err == nil && int64(len(raw)) < body.Literal.Size() {
				err = io.ErrUnexpectedEOF // the library takes what is cut off for whole
			}
			if err != nil {
				return nil, err // and would read on in two places if it were asked for more
			}
			found = raw[:min(len(raw), maxMail)]
		}
	}
	return found, cmd.Close()
}

func (m *mailbox) markSeen(uid imap.UID) error {
	m.step()
	return m.client.Store(imap.UIDSetNum(uid), &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagSeen}}, nil).Close()
}

// close says goodbye if the server still listens; its answer changes nothing.
func (m *mailbox) close() {
	defer m.stop()
	defer m.timer.Stop()
	if m.client == nil {
		_ = m.conn.Close()
		return
	}
	m.step()
	_ = m.client.Logout().Wait()
	_ = m.client.Close()
}
