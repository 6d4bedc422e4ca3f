package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"strconv"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
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

// Timeouts of RFC 5321 section 4.5.3.2.
const (
	commandTimeout = 5 * time.Minute
	dataTimeout    = 3 * time.Minute
	dotTimeout     = 10 * time.Minute
	quitTimeout    = 5 * time.Second // not in the RFC: nothing depends on it
)

// Client is one connection to the relay. It is not for concurrent use.
type Client struct {
	conn   net.Conn
	smtp   *smtp.Client
	broken bool
}

// Dial connects, negotiates TLS and authenticates. Its errors are RelayDown.
func Dial(ctx context.Context, r Relay) (*Client, error) {
	timeout := r.Timeout
	if timeout == 0 {
		timeout = 30 * time.Second
	}
	c := &Client{}
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
	if c.smtp, err = g.DialToSMTPClientWithContext(ctx); err != nil {
		if c.conn != nil { // go-mail leaves it open
			_ = c.conn.Close()
		}
		return nil, classify("connect", err)
	}
	_ = c.conn.SetDeadline(time.Time{}) // from here on limit bounds each step
	c.smtp.SkipSMTPUTF8(true)           // addresses are ASCII and so is every header
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
		c.conn = conn
		if r.TLS != Implicit {
			return conn, nil
		}
		secure := tls.Client(conn, config)
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

// Send hands one mail over. beforeDot is called when everything but the final
// dot has been written; if it fails the connection is dropped and nothing is
// delivered. Cancelling ctx drops the connection unless the dot is on its way.
func (c *Client) Send(ctx context.Context, m Message, beforeDot func() error) error {
	if c.broken {
		return &Error{Class: RelayDown, Stage: "connect", Err: net.ErrClosed}
	}
	stop := context.AfterFunc(ctx, c.interrupt)
	defer stop()
	if err := c.envelope(m); err != nil {
		return err
	}
	w, err := c.text(m)
	if err != nil {
		return err
	}
	if err := beforeDot(); err != nil {
		return c.drop("text", err)
	}
	if !stop() {
		return c.drop("text", context.Cause(ctx))
	}
	defer c.limit(dotTimeout)()
	if err := w.Close(); err != nil {
		e := classify("dot", err)
		c.broken = c.broken || e.Code == 0 || e.Code == 421
		return e
	}
	return nil
}

func (c *Client) envelope(m Message) error {
	defer c.limit(commandTimeout)()
	if err := c.smtp.Mail("<" + m.From + ">"); err != nil {
		c.broken = true // RelayDown: the next mail would fare no better on it
		return classify("MAIL", err)
	}
	if err := c.smtp.Rcpt("<" + m.To + ">"); err != nil {
		return c.refused("RCPT", err)
	}
	return nil
}

// text writes header and body, all but the final dot.
func (c *Client) text(m Message) (io.WriteCloser, error) {
	defer c.limit(dataTimeout)()
	w, err := c.smtp.Data()
	if err != nil {
		return nil, c.refused("DATA", err)
	}
	if _, err := w.Write(m.Data); err != nil {
		return nil, c.drop("text", err)
	}
	return w, nil
}

// limit bounds what is done until the function it gives is called.
func (c *Client) limit(d time.Duration) func() {
	timer := time.AfterFunc(d, c.interrupt)
	return func() {
		if !timer.Stop() {
			c.broken = true
		}
	}
}

// interrupt makes everything that waits for the server fail now.
func (c *Client) interrupt() { _ = c.conn.SetDeadline(time.Unix(1, 0)) }

// refused resets the transaction that the server stopped, so that one refused
// recipient never harms the next.
func (c *Client) refused(stage string, err error) error {
	e := classify(stage, err)
	if e.Code == 0 || e.Code == 421 || c.smtp.Reset() != nil {
		c.broken = true
	}
	return e
}

// drop closes the connection without the final dot.
func (c *Client) drop(stage string, err error) error {
	c.broken = true
	_ = c.conn.Close()
	return &Error{Class: RelayDown, Stage: stage, Err: err}
}

// Broken tells whether the connection is of no more use.
func (c *Client) Broken() bool { return c.broken }

// Close says QUIT when that makes sense, and closes. What the server answers
// changes nothing: every mail has had its reply.
func (c *Client) Close() {
	if !c.broken {
		defer c.limit(quitTimeout)()
		_ = c.smtp.Quit()
	}
	_ = c.conn.Close()
}

// Address is host:port, for people.
func (r Relay) Address() string { return net.JoinHostPort(r.Host, strconv.Itoa(r.Port)) }
