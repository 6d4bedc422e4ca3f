package mail

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"io/fs"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Capture keeps mails as .eml files in a folder in the place of sending them.
// The name of a file is made of the Message-ID, so a mail kept twice is one file.
type Capture struct{ Dir string }

// Send writes the mail. As with a relay, nothing is to be seen of it unless
// beforeDot succeeds.
func (c Capture) Send(_ context.Context, m Message, beforeDot func() error) error {
	head, err := mail.ReadMessage(bytes.NewReader(m.Data))
	if err != nil {
		return &Error{Class: Permanent, Stage: "text", Err: err}
	}
	if err := os.MkdirAll(c.Dir, 0o750); err != nil {
		return &Error{Class: RelayDown, Stage: "connect", Err: err}
	}
	f, err := os.CreateTemp(c.Dir, ".mail-*")
	if err != nil {
		return &Error{Class: RelayDown, Stage: "connect", Err: err}
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already once renamed
	_, err = f.Write(m.Data)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = beforeDot()
	}
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(c.Dir, fileName(head.Header.Get("Message-Id"))))
	}
	if err != nil {
		return &Error{Class: RelayDown, Stage: "text", Err: err}
	}
	return nil
}

// Broken is always false.
func (c Capture) Broken() bool { return false }

// Close does nothing.
func (c Capture) Close() {}

func fileName(messageID string) string {
	return strings.Map(func(r rune) rune {
		if r == '.' || r == '-' || r == '@' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, messageID) + ".eml"
}

// Captured is a kept mail, decoded for people.
type Captured struct {
	Name              string // of the file
	Subject, From, To string
	Date              time.Time
	Header            []Field
	HTML, Text        string
}

// Field is a header field as it stands, decoded.
type Field struct{ Name, Value string }

// List gives the newest mails, at most limit, without their bodies.
func (c Capture) List(limit int) ([]Captured, error) {
	names, err := filepath.Glob(filepath.Join(c.Dir, "*.eml"))
	if err != nil {
		return nil, err
	}
	var all []Captured
	for _, n := range names {
		m, err := c.Read(filepath.Base(n))
		if err != nil {
			continue // removed meanwhile, or not ours
		}
		m.HTML, m.Text = "", ""
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b Captured) int {
		return cmp.Or(b.Date.Compare(a.Date), strings.Compare(a.Name, b.Name))
	})
	return all[:min(limit, len(all))], nil
}

// Raw opens the file of a mail. Names that lead out of the folder do not exist.
func (c Capture) Raw(name string) ([]byte, error) {
	if name != fileName(strings.TrimSuffix(name, ".eml")) {
		return nil, fs.ErrNotExist
	}
	return os.ReadFile(filepath.Join(c.Dir, name))
}

// Read gives a mail by the name of its file.
func (c Capture) Read(name string) (Captured, error) {
	raw, err := c.Raw(name)
	if err != nil {
		return Captured{}, err
	}
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return Captured{}, err
	}
	words := new(mime.WordDecoder)
	decode := func(s string) string {
		if d, err := words.DecodeHeader(s); err == nil {
			return d
		}
		return s
	}
	out := Captured{Name: name, Subject: decode(m.Header.Get("Subject")), From: decode(m.Header.Get("From")), To: decode(m.Header.Get("To"))}
	out.Date, _ = m.Header.Date()
	for _, k := range []string{"From", "To", "Subject", "Date", "Message-Id", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post"} {
		if v := m.Header.Get(k); v != "" {
			out.Header = append(out.Header, Field{k, decode(v)})
		}
	}
	return out, out.readParts(m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), m.Body)
}

func (c *Captured) readParts(contentType, encoding string, body io.Reader) error {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return err
	}
	if strings.HasPrefix(kind, "multipart/") {
		parts := multipart.NewReader(body, params["boundary"])
		for {
			p, err := parts.NextRawPart()
			if errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return err
			}
			if err := c.readParts(p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p); err != nil {
				return err
			}
		}
	}
	text, err := io.ReadAll(decoder(encoding, body))
	if kind == "text/html" {
		c.HTML = string(text)
	} else if kind == "text/plain" {
		c.Text = string(text)
	}
	return err
}

func decoder(encoding string, body io.Reader) io.Reader {
	switch strings.ToLower(encoding) {
	case "base64":
		return base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		return quotedprintable.NewReader(body)
	}
	return body
}
