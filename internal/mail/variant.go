package mail

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html"
	"mime"
	"net/mail"
	"slices"
	"strings"
	"time"
)

// Variant is a Form made ready for many people: the message that go-mail builds
// is cut at the slots, and what lies between them is encoded once. A mail costs
// its few personal fields and the lines around the slots; decoded it equals what
// Form.Message gives. A Variant is for concurrent use.
type Variant struct {
	from  string
	head  []byte // the fields that all share
	parts []part
	end   []byte // after the last part
}

// part is what stands before an encoded body, and the body around its slots.
type part struct {
	before   []byte
	segments []segment
	slots    []slot // between the segments
}

type slot struct {
	leave, html bool // else the name, and text
}

// Variant cuts the message.
func (f Form) Variant() (*Variant, error) {
	golden, err := f.Message(Person{To: f.From, Called: NameSlot, Leave: LeaveSlot, MessageID: "id@example.org", Date: time.Unix(0, 0)})
	if err != nil {
		return nil, err
	}
	head, body, found := bytes.Cut(golden.Data, []byte("\r\n\r\n"))
	if !found {
		return nil, fmt.Errorf("the message has no body")
	}
	v := &Variant{from: f.From.Address, head: shared(head)}
	if v.parts, v.end, err = cut(head, body); err != nil {
		return nil, err
	}
	return v, nil
}

// personal are the fields that differ from mail to mail.
func personal(field []byte) bool {
	for _, name := range []string{"To:", "Date:", "Message-ID:", "List-Unsubscribe:"} {
		if len(field) >= len(name) && strings.EqualFold(string(field[:len(name)]), name) {
			return true
		}
	}
	return false
}

// shared are the fields of a header without the personal ones.
func shared(head []byte) []byte {
	var kept []byte
	skip := false
	for line := range bytes.SplitAfterSeq(slices.Concat(head, []byte("\r\n")), []byte("\r\n")) {
		if len(line) > 0 && line[0] != ' ' && line[0] != '\t' {
			skip = personal(line)
		}
		if !skip {
			kept = append(kept, line...)
		}
	}
	return kept
}

// cut takes a message of go-mail's apart: one body, or the parts of one multipart.
func cut(head, body []byte) (parts []part, end []byte, err error) {
	msg, err := mail.ReadMessage(bytes.NewReader(slices.Concat(head, []byte("\r\n\r\n"))))
	if err != nil {
		return nil, nil, err
	}
	kind, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil {
		return nil, nil, err
	}
	if !strings.HasPrefix(kind, "multipart/") {
		p, err := newPart(nil, body, kind)
		return []part{p}, nil, err
	}
	delimiter := []byte("--" + params["boundary"])
	for {
		at := bytes.Index(body, delimiter)
		if at < 0 {
			return nil, nil, fmt.Errorf("a part of the message has no end")
		}
		if body = body[at:]; bytes.HasPrefix(body[len(delimiter):], []byte("--")) {
			return parts, body, nil
		}
		top, rest, _ := bytes.Cut(body, []byte("\r\n\r\n"))
		text, _, _ := bytes.Cut(rest, delimiter)
		kind := "text/plain"
		if bytes.Contains(top, []byte("text/html")) {
			kind = "text/html"
		}
		p, err := newPart(slices.Concat(top, []byte("\r\n\r\n")), text, kind)
		if err != nil {
			return nil, nil, err
		}
		parts, body = append(parts, p), rest
	}
}

// newPart decodes a body and cuts it at its slots.
func newPart(before, encoded []byte, kind string) (part, error) {
	text, err := base64.StdEncoding.DecodeString(string(encoded)) // which passes over line ends
	if err != nil {
		return part{}, fmt.Errorf("a part of the message is not base64: %w", err)
	}
	p := part{before: bytes.Clone(before)}
	for {
		name, leave := bytes.Index(text, []byte(NameSlot)), bytes.Index(text, []byte(LeaveSlot))
		s, at, width := slot{html: kind == "text/html"}, name, len(NameSlot)
		if name < 0 || leave >= 0 && leave < name {
			s.leave, at, width = true, leave, len(LeaveSlot)
		}
		if at < 0 {
			p.segments = append(p.segments, newSegment(text))
			return p, nil
		}
		p.segments = append(p.segments, newSegment(text[:at]))
		p.slots = append(p.slots, s)
		text = text[at+width:]
	}
}

// Message gives the mail to one person, written after what is in dst already,
// which may be nil and is often the memory of the mail before.
func (v *Variant) Message(dst []byte, p Person) Message {
	dst = append(dst, v.head...)
	dst = append(dst, "Date: "...)
	dst = p.Date.AppendFormat(dst, time.RFC1123Z)
	dst = append(dst, "\r\nMessage-ID: <"...)
	dst = append(dst, p.MessageID...)
	dst = append(dst, ">\r\nTo: "...)
	dst = append(dst, mailbox(p.To)...)
	dst = append(dst, "\r\nList-Unsubscribe: <"...)
	dst = append(dst, p.Leave...)
	dst = append(dst, ">\r\n\r\n"...)
	for i := range v.parts {
		dst = v.parts[i].appendTo(dst, p)
	}
	return Message{From: p.sender(v.from), To: p.To.Address, Data: append(dst, v.end...)}
}

func (p *part) appendTo(dst []byte, person Person) []byte {
	dst = append(dst, p.before...)
	left := make([]byte, 0, 512)
	for i := range p.segments {
		dst, left = p.segments[i].appendTo(dst, left)
		if i < len(p.slots) {
			left = append(left, p.slots[i].value(person)...)
		}
	}
	return appendLines(dst, left)
}

func (s slot) value(p Person) string {
	value := oneLine(p.Called)
	if s.leave {
		value = p.Leave
	}
	if s.html {
		return html.EscapeString(value)
	}
	return value
}

// mailbox is an address with its name as a header field holds it, folded.
func mailbox(a mail.Address) string {
	name := oneLine(a.Name)
	if name == "" {
		return "<" + a.Address + ">"
	}
	if forges(name) {
		return encoded(name) + "\r\n <" + a.Address + ">"
	}
	folded := (&mail.Address{Name: name, Address: a.Address}).String()
	return strings.ReplaceAll(folded, "?= =?", "?=\r\n =?")
}
