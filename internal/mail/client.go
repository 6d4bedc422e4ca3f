package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/textproto"
	"strconv"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// TLSMode is how the conversation with the relay is protected.
type TLSMode string

// The modes. Implicit is TLS from the first octet (RFC 8314), Mandatory is
// STARTTLS or nothing, Opportunistic takes STARTTLS when offered.
const (
	Implicit      TLSMode = "implicit"
	Mandatory     TLSMode = "mandatory"
	Opportunistic TLSMode = "opportunistic"
	Plaintext     TLSMode = "none"
)

// Relay is the server that mail is handed to.
type Relay struct {
	Host           string
	Port           int
	TLS            TLSMode
	User, Password string
	Hello          string            // name in EHLO; empty: the host's
	Roots          *x509.CertPool    // nil: the system's
	Timeout        time.Duration     // of connecting; 0: 30 s
	Trace          func(line string) // is told of the conversation, without secrets; may be nil
}

// Client is one connection to the relay. It is not for concurrent use.
type Client struct {
	conn      net.Conn
	bound     *boundConn
	text      *textproto.Conn
	trace     func(line string)
	pipelines bool // the server takes commands in a row (RFC 2920)
	broken    bool
}

// Dial connects, negotiates TLS and authenticates. Its errors are RelayDown.
func Dial(ctx context.Context, r Relay) (*Client, error) {
	timeout := r.Timeout
	if timeout == 0 {
		timeout = 30 * time.Second
	}
	c := &Client{trace: r.Trace}
	tlsConfig := &tls.Config{ServerName: r.Host, RootCAs: r.Roots, MinVersion: tls.VersionTLS12}
	opts := []gomail.Option{gomail.WithPort(r.Port), gomail.WithTimeout(timeout), gomail.WithTLSConfig(tlsConfig),
		gomail.WithTLSPolicy(policyOf(r.TLS)), gomail.WithDialContextFunc(c.dialer(r, tlsConfig))}
	if r.Hello != "" {
		opts = append(opts, gomail.WithHELO(r.Hello))
	}
	if r.User != "" {
		opts = append(opts, gomail.WithSMTPAuthCustom(&auth{user: r.User, password: r.Password, host: r.Host}))
	}
	if r.Trace != nil {
		opts = append(opts, gomail.WithDebugLog(), gomail.WithLogger(tracer(r.Trace)))
	}
	g, err := gomail.NewClient(r.Host, opts...)
	if err != nil {
		return nil, classify("connect", err)
	}
	server, err := g.DialToSMTPClientWithContext(ctx)
	if err != nil {
		if c.conn != nil { // go-mail leaves it open
			_ = c.conn.Close()
		}
		return nil, classify("connect", err)
	}
	_ = c.conn.SetDeadline(time.Time{}) // from here on limit bounds each step
	c.text = server.Text
	c.pipelines, _ = server.Extension("PIPELINING")
	return c, nil
}

// dialer keeps hold of the connection, and does implicit TLS itself, because
// go-mail does not when it is given a dialer.
func (c *Client) dialer(r Relay, config *tls.Config) gomail.DialContextFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		c.bound = &boundConn{Conn: conn, left: greetingOctets}
		c.conn = c.bound
		if r.TLS != Implicit {
			return c.conn, nil
		}
		secure := tls.Client(c.conn, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		c.conn = secure
		return secure, nil
	}
}

func policyOf(mode TLSMode) gomail.TLSPolicy {
	switch mode {
	case Mandatory:
		return gomail.TLSMandatory
	case Opportunistic:
		return gomail.TLSOpportunistic
	}
	return gomail.NoTLS
}

// Address is host:port, for people.
func (r Relay) Address() string { return net.JoinHostPort(r.Host, strconv.Itoa(r.Port)) }
