package mail

import (
	"bytes"
	"net/mail"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// Letter is a mail of the service itself to one person, in plain text: nobody
// is subscribed to it, so it has no list and nothing to leave.
type Letter struct {
	From, To      mail.Address
	Subject, Text string
	MessageID     string // without brackets
	Date          time.Time
}

// Message gives the letter as it is sent.
func (l Letter) Message() (Message, error) {
	m := newMessage(l.From, l.To, l.Subject, l.MessageID, l.Date)
	m.SetBodyString(gomail.TypeTextPlain, l.Text)
	var b bytes.Buffer
	if _, err := m.WriteTo(&b); err != nil {
		return Message{}, err
	}
	return Message{From: l.From.Address, To: l.To.Address, Data: b.Bytes()}, nil
}

// newMessage begins a mail with what every mail of ours has in its header. Text
// is base64 throughout: for Chinese it is half the size of quoted-printable, and
// no line begins with a dot.
func newMessage(from, to mail.Address, subject, id string, date time.Time) *gomail.Msg {
	m := gomail.NewMsg(gomail.WithEncoding(gomail.EncodingB64), gomail.WithNoDefaultUserAgent())
	m.FromMailAddress(&mail.Address{Name: oneLine(from.Name), Address: from.Address})
	m.ToMailAddress(&mail.Address{Name: oneLine(to.Name), Address: to.Address})
	m.SetGenHeaderPreformatted("Subject", encoded(oneLine(subject)))
	m.SetDateWithValue(date)
	m.SetMessageIDWithValue(id)
	m.SetGenHeaderPreformatted("Auto-Submitted", "auto-generated") // RFC 3834
	return m
}
