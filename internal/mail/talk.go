package mail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// Timeouts of RFC 5321 section 4.5.3.2.
const (
	commandTimeout = 5 * time.Minute
	dataTimeout    = 3 * time.Minute
	dotTimeout     = 10 * time.Minute
	quitTimeout    = 5 * time.Second // not in the RFC: nothing depends on it
)

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
	if err := c.body(m.Data); err != nil {
		return c.drop("text", err)
	}
	if c.text.R.Buffered() > 0 {
		return c.drop("text", errors.New("the server answers what it was not asked"))
	}
	if err := beforeDot(); err != nil {
		return c.drop("text", err)
	}
	if !stop() {
		return c.drop("text", context.Cause(ctx))
	}
	return c.dot()
}

// command is a line to the server, and what it must answer.
type command struct {
	stage, line string
	code        int
}

// envelope names sender and recipient and asks to send the text. It costs one
// round trip where the server takes commands in a row, otherwise three.
func (c *Client) envelope(m Message) error {
	defer c.limit(commandTimeout)()
	commands := []command{{"MAIL", "MAIL FROM:<" + m.From + ">", 250}, {"RCPT", "RCPT TO:<" + m.To + ">", 25}, {"DATA", "DATA", 354}}
	for _, cmd := range commands {
		if strings.ContainsAny(cmd.line, "\r\n") {
			return &Error{Class: Permanent, Stage: cmd.stage, Err: fmt.Errorf("%q holds the end of a line", cmd.line)}
		}
	}
	if !c.pipelines {
		for _, cmd := range commands {
			if err := errors.Join(c.say(cmd), c.flush(), c.hear(cmd)); err != nil {
				return c.refused(cmd.stage, err, false)
			}
		}
		return nil
	}
	var errs [3]error
	for _, cmd := range commands {
		_ = c.say(cmd) // what fails here fails again below
	}
	err := c.flush()
	for i, cmd := range commands {
		if err == nil {
			errs[i] = c.hear(cmd)
		}
	}
	for i, cmd := range commands {
		if err = errors.Join(err, errs[i]); err != nil {
			return c.refused(cmd.stage, err, errs[2] == nil)
		}
	}
	return nil
}

// refused ends the transaction that the server stopped, so that one refused
// recipient never harms the next. A server that waits for the text all the same
// is left: a dot would tell it that the text is complete.
func (c *Client) refused(stage string, err error, waits bool) error {
	e := classify(stage, err)
	reset := command{"RSET", "RSET", 250}
	if stage == "MAIL" || e.Code < 400 || e.Code == 421 || waits ||
		c.say(reset) != nil || c.flush() != nil || c.hear(reset) != nil {
		c.broken = true
	}
	return e
}

// body writes header and body, all but the final dot. Lines that begin with a dot
// get another (RFC 5321 section 4.5.2); mails of ours have none.
func (c *Client) body(data []byte) error {
	defer c.limit(dataTimeout)()
	if bytes.HasPrefix(data, []byte(".")) || bytes.Contains(data, []byte("\n.")) {
		data = bytes.ReplaceAll(append([]byte("\n"), data...), []byte("\n."), []byte("\n.."))[1:]
	}
	_, err := c.text.W.Write(data)
	if !bytes.HasSuffix(data, []byte("\r\n")) {
		_, _ = c.text.W.WriteString("\r\n") // what fails here fails at flush
	}
	return errors.Join(err, c.flush())
}

func (c *Client) dot() error {
	defer c.limit(dotTimeout)()
	end := command{"dot", ".", 250}
	err := errors.Join(c.say(end), c.flush())
	if err == nil {
		err = c.hear(end)
	}
	if err == nil {
		return nil
	}
	e := classify("dot", err)
	c.broken = c.broken || e.Code == 0 || e.Code == 421
	return e
}

func (c *Client) say(cmd command) error {
	if c.trace != nil {
		c.trace("C: " + cmd.line)
	}
	_, err := c.text.W.WriteString(cmd.line + "\r\n")
	return err
}

func (c *Client) flush() error { return c.text.W.Flush() }

// hear reads one reply, of a bounded size.
func (c *Client) hear(cmd command) error {
	c.bound.left = replyOctets
	code, text, err := c.text.ReadResponse(cmd.code)
	if c.trace != nil && (err == nil || code != 0) {
		c.trace(fmt.Sprintf("S: %d %s", code, text))
	}
	return err
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
		quit := command{"QUIT", "QUIT", 221}
		if c.say(quit) == nil && c.flush() == nil {
			_ = c.hear(quit)
		}
	}
	_ = c.conn.Close()
}
