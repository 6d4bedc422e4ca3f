package mail

import (
	"errors"
	"strings"
	"testing"
)

// sent hands a letter to a server that says this.
func sent(t *testing.T, replies ...string) *Error {
	t.Helper()
	s := serve(t, nil, false, replies...)
	c, err := Dial(t.Context(), s.relay)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var e *Error
	errors.As(c.Send(t.Context(), letter(), yes), &e)
	return e
}

// Postfix by its default says at RCPT what it has against the sender.
func TestARefusalOfTheSenderFailsNoRecipient(t *testing.T) {
	for _, reply := range []string{
		"554 5.7.1 <li@example.org>: Relay access denied",
		"553 5.7.1 <news@example.org>: Sender address rejected: not logged in",
		"530 5.7.0 Authentication required",
		"554 5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied",
	} {
		e := sent(t, "250 scripted", "250 ok", reply, "250 reset")
		if e == nil || e.Class != RelayDown {
			t.Errorf("%s: %v", reply, e)
		}
	}
	e := sent(t, "250 scripted", "250 ok", "250 ok", "550 5.4.5 Daily user sending limit exceeded", "250 reset")
	if e == nil || e.Class != RelayDown {
		t.Errorf("daily limit at DATA: %v", e)
	}
}

// What is no answer to what was asked says nothing of the recipient.
func TestAnUnexpectedReplyIsTemporary(t *testing.T) {
	e := sent(t, "250 scripted", "250 ok", "250 ok", "250 what", "250 reset")
	if e == nil || e.Class != Temporary {
		t.Errorf("250 to DATA: %v", e)
	}
}

// A server may say so much and no more.
func TestAReplyIsBounded(t *testing.T) {
	e := sent(t, "250 scripted", "250 ok", "550 "+strings.Repeat("x", 64<<20), "250 reset")
	if n := len(e.Reply()); n > 2*longestReply {
		t.Errorf("a reply of %d octets goes to the ledger", n)
	}
}

// An answer that nobody asked for is not taken for the one to the dot.
func TestAReplyTooManyIsNotBelieved(t *testing.T) {
	s := serve(t, nil, false, "250 scripted", "250 ok", "250 ok", "354 go\r\n250 noise", "554 5.7.1 refused")
	c, err := Dial(t.Context(), s.relay)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Send(t.Context(), letter(), yes); err == nil {
		t.Error("a mail the server refused counts as sent")
	}
}
