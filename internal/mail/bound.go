package mail

import (
	"errors"
	"net"
)

// How much a server may say until it is asked again: a reply, and before that all
// of its greeting, what it offers, and TLS.
const (
	replyOctets    = 128 << 10
	greetingOctets = 1 << 20
)

// boundConn is a connection on which the other side may say only so much.
type boundConn struct {
	net.Conn
	left int
}

func (c *boundConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errors.New("the server says more than a reply may hold")
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}
