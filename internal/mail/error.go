package mail

import (
	"errors"
	"fmt"
	"net/textproto"
	"strings"
)

// Class is what a failure means for the mail.
type Class string

// The classes.
const (
	Temporary Class = "temporary" // this mail later
	Permanent Class = "permanent" // this mail never
	Uncertain Class = "uncertain" // nobody knows whether it was delivered
	RelayDown Class = "relay"     // not this mail's fault: the relay cannot be used now
)

// Error is a failed conversation. No mail was delivered by it unless its class
// is Uncertain.
type Error struct {
	Class Class
	Stage string // connect, MAIL, RCPT, DATA, text, dot
	Code  int    // of the server's reply, 0 when there was none
	Err   error
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s: %v", e.Stage, e.Err)
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Reply is the server's words, or what the network said.
func (e *Error) Reply() string {
	text := e.Err.Error()
	var reply *textproto.Error
	if errors.As(e.Err, &reply) {
		text = fmt.Sprintf("%d %s", reply.Code, reply.Msg)
	}
	return strings.Join(strings.Fields(text), " ")
}

// classify tells what the failure of a command means. Without a reply the
// connection is lost: harmless before the dot, uncertain after it.
func classify(stage string, err error) *Error {
	var reply *textproto.Error
	if !errors.As(err, &reply) {
		if stage == "dot" {
			return &Error{Class: Uncertain, Stage: stage, Err: err}
		}
		return &Error{Class: RelayDown, Stage: stage, Err: err}
	}
	e := &Error{Class: Permanent, Stage: stage, Code: reply.Code, Err: err}
	switch {
	case stage == "connect", stage == "MAIL": // it is the sender that is not welcome
		e.Class = RelayDown
	case reply.Code/100 == 4, isFrequencyLimit(reply.Msg):
		e.Class = Temporary
	case reply.Code/100 != 5 && stage == "dot": // neither yes nor no
		e.Class = Uncertain
	}
	return e
}

// isFrequencyLimit knows the servers that answer "too fast" with a permanent
// code; QQ Mail does.
func isFrequencyLimit(text string) bool {
	text = strings.ToLower(text)
	for _, words := range []string{"frequency limit", "frequency is limited", "too many connections", "rate limit", "too frequent", "频率"} {
		if strings.Contains(text, words) {
			return true
		}
	}
	return false
}
