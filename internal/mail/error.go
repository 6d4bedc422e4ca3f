package mail

import (
	"errors"
	"fmt"
	"net/textproto"
	"strings"
	"time"
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

// Advice is what a server asks for with its refusal, beside waiting.
type Advice string

// The pieces of advice.
const (
	Slower           Advice = "slower"          // too many mails in a time
	FewerConnections Advice = "connections"     // too many at once
	NewConnection    Advice = "next connection" // enough mails on this one
)

// Error is a failed conversation. No mail was delivered by it unless its class
// is Uncertain.
type Error struct {
	Class Class
	Stage string // connect, MAIL, RCPT, DATA, text, dot
	Code  int    // of the server's reply, 0 when there was none
	Err   error

	Advice Advice        // empty: none
	After  time.Duration // not again before; 0: the server did not say
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s: %v", e.Stage, e.Err)
}

// longestReply bounds what is kept of a server's words, in octets.
const longestReply = 1000

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Reply is the server's words, or what the network said.
func (e *Error) Reply() string {
	text := e.Err.Error()
	var reply *textproto.Error
	if errors.As(e.Err, &reply) {
		text = fmt.Sprintf("%d %s", reply.Code, reply.Msg)
	}
	if len(text) > longestReply {
		text = strings.ToValidUTF8(text[:longestReply], "") + "…"
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
	e.Advice, e.After = adviceIn(reply.Msg)
	switch {
	case stage == "connect", stage == "MAIL", stage != "dot" && aboutUs(e): // it is the sender that is not welcome
		e.Class = RelayDown
	case reply.Code/100 == 4, e.Advice != "":
		e.Class = Temporary
	case reply.Code/100 != 5 && stage == "dot": // neither yes nor no
		e.Class = Uncertain
	case reply.Code/100 != 5: // not an answer to what was asked
		e.Class = Temporary
	}
	return e
}

// aboutUs tells a refusal of the sender from one of the recipient. Postfix, by its
// default, keeps what it has against a sender until RCPT.
func aboutUs(e *Error) bool {
	if e.Code == 530 || e.Code == 535 || e.Code == 538 {
		return true
	}
	text := strings.ToLower(e.Reply())
	for _, words := range []string{"relay access denied", "relaying denied", "unable to relay", "not permitted to relay", "sender address rejected",
		"client host rejected", "client was not authenticated", "authentication required", "daily user sending", "sending quota"} {
		if strings.Contains(text, words) {
			return true
		}
	}
	return false
}

// adviceIn knows how servers say that something is too much, whatever the code:
// QQ Mail answers its limits of frequency with the permanent 550, NetEase has codes
// of its own (HL:ICC, HL:IFC, MI:DMC, DT:SPM).
func adviceIn(text string) (Advice, time.Duration) {
	text = strings.ToLower(text)
	for _, known := range []struct {
		words  string
		advice Advice
		after  time.Duration
	}{
		{"hl:icc", FewerConnections, 0},
		{"too many connections", FewerConnections, 0},
		{"too many concurrent", FewerConnections, 0},
		{"connection frequency limit", FewerConnections, 0},
		{"mi:dmc", NewConnection, 0},
		{"too many messages on this connection", NewConnection, 0},
		{"dt:spm", Slower, 2 * time.Minute},
		{"hl:ifc", Slower, 0},
		{"frequency limit", Slower, 0},
		{"frequency is limited", Slower, 0},
		{"rate limit", Slower, 0},
		{"too frequent", Slower, 0},
		{"频率", Slower, 0},
	} {
		if strings.Contains(text, known.words) {
			return known.advice, known.after
		}
	}
	return "", 0
}

// isTooMuch tells whether a server says that something was too much.
func isTooMuch(text string) bool {
	advice, _ := adviceIn(text)
	return advice != ""
}
