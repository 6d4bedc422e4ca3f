package mail

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/quotedprintable"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// What is read of a mail that comes in: its reading is bounded, and what is
// broken in it costs that part alone. Packages mime/multipart and net/mail stop
// at the first fault, and mails about mails are full of them.
const (
	maxMail   = 1 << 20  // octets looked at
	maxParts  = 64       // entities in all
	maxDepth  = 8        // of entities within entities
	maxFields = 1000     // of one header
	maxText   = 64 << 10 // octets of one part for people
)

// entity is a MIME entity (RFC 2045), as much of it as can be read.
type entity struct {
	head   fields
	kind   string // media type, lower-case
	params map[string]string
	body   []byte // the transfer encoding undone
	parts  []*entity
}

type fields []Field

// get gives the first field of that name, unfolded.
func (f fields) get(name string) string {
	for _, field := range f {
		if strings.EqualFold(field.Name, name) {
			return field.Value
		}
	}
	return ""
}

func (f fields) all(name string) []string {
	var values []string
	for _, field := range f {
		if strings.EqualFold(field.Name, name) {
			values = append(values, field.Value)
		}
	}
	return values
}

// decoded is get for people: encoded words (RFC 2047) are undone.
func (f fields) decoded(name string) string {
	words := mime.WordDecoder{CharsetReader: func(charset string, r io.Reader) (io.Reader, error) {
		b, err := io.ReadAll(r)
		return strings.NewReader(decodeCharset(charset, b)), err
	}}
	value := decodeCharset("", []byte(f.get(name)))
	if d, err := words.DecodeHeader(value); err == nil {
		return d
	}
	return value
}

// cutHead separates header and body, and unfolds the fields. Lines that are no
// field are left out.
func cutHead(raw []byte) (fields, []byte) {
	var head fields
	for len(raw) > 0 {
		end := lineEnd(raw)
		if len(bytes.TrimRight(raw[:end], "\r\n")) == 0 {
			return head, raw[end:]
		}
		for end < len(raw) && (raw[end] == ' ' || raw[end] == '\t') {
			end += lineEnd(raw[end:])
		}
		name, value, ok := strings.Cut(string(raw[:end]), ":")
		if name = strings.TrimRight(name, " \t"); ok && isFieldName(name) && len(head) < maxFields {
			head = append(head, Field{name, strings.TrimSpace(unfold(value))})
		}
		raw = raw[end:]
	}
	return head, nil
}

func unfold(value string) string {
	return strings.ReplaceAll(strings.ReplaceAll(value, "\r", ""), "\n", "")
}

// lineEnd is where the first line ends, its newline counted.
func lineEnd(raw []byte) int {
	if n := bytes.IndexByte(raw, '\n'); n >= 0 {
		return n + 1
	}
	return len(raw)
}

func isFieldName(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

type reader struct{ left int }

func (r *reader) entity(raw []byte, depth int) *entity {
	r.left--
	e := &entity{kind: "text/plain"}
	var body []byte
	e.head, body = cutHead(raw)
	if kind, params, err := mime.ParseMediaType(e.head.get("Content-Type")); kind != "" && (err == nil || params == nil) {
		e.kind, e.params = kind, params
	}
	e.body = decodeTransfer(e.head.get("Content-Transfer-Encoding"), body)
	if boundary := e.params["boundary"]; strings.HasPrefix(e.kind, "multipart/") && boundary != "" && depth < maxDepth {
		for _, part := range splitParts(e.body, boundary, r.left) {
			if r.left <= 0 {
				break
			}
			e.parts = append(e.parts, r.entity(part, depth+1))
		}
	}
	if strings.HasPrefix(e.kind, "multipart/") && len(e.parts) == 0 { // its boundary is missing, or lies
		e.kind = "text/plain"
	}
	return e
}

// splitParts gives at most limit parts; the last may lack its end.
func splitParts(body []byte, boundary string, limit int) [][]byte {
	delimiter := []byte("--" + boundary)
	var parts [][]byte
	start := -1
	for at := 0; at < len(body) && len(parts) < limit; {
		end := at + lineEnd(body[at:])
		line := bytes.TrimRight(body[at:end], " \t\r\n")
		closing := bytes.Equal(line, append(delimiter[:len(delimiter):len(delimiter)], "--"...))
		if closing || bytes.Equal(line, delimiter) {
			if start >= 0 {
				parts = append(parts, body[start:at])
			}
			if closing {
				return parts
			}
			start = end
		}
		at = end
	}
	if start >= 0 && len(parts) < limit {
		parts = append(parts, body[start:])
	}
	return parts
}

// decodeTransfer undoes a transfer encoding as far as it can be undone.
func decodeTransfer(encoding string, body []byte) []byte {
	switch strings.ToLower(encoding) {
	case "base64":
		digits := bytes.Map(func(c rune) rune {
			if c == '+' || c == '/' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' {
				return c
			}
			return -1
		}, body)
		if len(digits)%4 == 1 { // cut off within an octet
			digits = digits[:len(digits)-1]
		}
		out := make([]byte, base64.RawStdEncoding.DecodedLen(len(digits)))
		n, _ := base64.RawStdEncoding.Decode(out, digits)
		return out[:n]
	case "quoted-printable":
		out, _ := io.ReadAll(quotedprintable.NewReader(bytes.NewReader(body)))
		return out
	}
	return body
}

// text is the body for people.
func (e *entity) text() string {
	return decodeCharset(e.params["charset"], e.body[:min(len(e.body), maxText)])
}

// decodeCharset makes UTF-8. Without a label that is known it is taken for
// GB18030, the one that goes unlabelled.
func decodeCharset(label string, b []byte) string {
	label = strings.ToLower(label)
	if known := label == "" || label == "us-ascii" || label == "utf-8"; known && utf8.Valid(b) {
		return string(b)
	}
	encoding, err := htmlindex.Get(label)
	if err != nil || label == "us-ascii" || label == "utf-8" {
		encoding = simplifiedchinese.GB18030
	}
	out, err := encoding.NewDecoder().Bytes(b)
	if err != nil {
		out = b
	}
	return strings.ToValidUTF8(string(out), "�")
}
