// Package mail knows one message form, one SMTP conversation, one captured file
// and one mail that came back. It knows nothing of issues and subscribers but
// how a return path names them.
//
// It promises that a message is complete before the conversation begins, that
// the final dot is sent only after the caller has recorded that it will be, and
// that every failure says at which stage it happened and of which class it is:
// temporary, permanent, uncertain, or of the relay itself. What came back is
// read within bounds and never fails for being broken; when in doubt the address
// is not to blame.
package mail

import (
	"bytes"
	"html"
	"net/mail"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// Slots stand in a Form where the parts of one person go.
const (
	NameSlot  = "jianxun-slot-name"
	LeaveSlot = "https://slot.jianxun.invalid/leave"
)

// Form is what the mails of an issue to people of the same choice share.
type Form struct {
	From     mail.Address
	Subject  string
	ListID   string // RFC 2919, without brackets: weekly.example.org
	ListName string
	HTML     string // empty: a text mail
	Text     string
}

// Person is what differs from mail to mail.
type Person struct {
	To        mail.Address
	Called    string // put in the place of NameSlot
	Leave     string // https URL for List-Unsubscribe, and in the place of LeaveSlot
	MessageID string // without brackets
	Date      time.Time
}

// Message is a mail ready to be sent.
type Message struct {
	From, To string // the envelope (RFC 5321)
	Data     []byte // header and body, lines ending in CRLF
}

// Message gives the mail to one person.
func (f Form) Message(p Person) (Message, error) {
	m := newMessage(f.From, p.To, f.Subject, p.MessageID, p.Date)
	m.SetGenHeaderPreformatted("List-Id", f.listID())
	m.SetGenHeaderPreformatted("List-Unsubscribe", "<"+p.Leave+">")
	m.SetGenHeaderPreformatted("List-Unsubscribe-Post", "List-Unsubscribe=One-Click") // RFC 8058
	m.SetGenHeaderPreformatted("Precedence", "bulk")
	m.SetBodyString(gomail.TypeTextPlain, fill(f.Text, p.Called, p.Leave))
	if f.HTML != "" {
		m.AddAlternativeString(gomail.TypeTextHTML, fill(f.HTML, html.EscapeString(p.Called), html.EscapeString(p.Leave)))
	}
	var b bytes.Buffer
	if _, err := m.WriteTo(&b); err != nil {
		return Message{}, err
	}
	return Message{From: f.From.Address, To: p.To.Address, Data: b.Bytes()}, nil
}

// listID has an encoded phrase and the id in clear, which encoding the whole
// field would hide.
func (f Form) listID() string {
	phrase := (&mail.Address{Name: oneLine(f.ListName), Address: "a@b"}).String()
	phrase = strings.ReplaceAll(phrase, "?= =?", "?=\r\n =?") // go-mail folds only what it encodes itself
	return strings.TrimSuffix(phrase, "<a@b>") + "<" + f.ListID + ">"
}

func fill(s, name, leave string) string {
	return strings.NewReplacer(NameSlot, name, LeaveSlot, leave).Replace(s)
}

// maxField bounds what a name or a subject may bring into a header field, in
// characters; even encoded it then keeps lines under 998 octets (RFC 5322).
const maxField = 200

// oneLine keeps text from reaching into the next header field.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if runes := []rune(s); len(runes) > maxField {
		return string(runes[:maxField-1]) + "…"
	}
	return s
}
