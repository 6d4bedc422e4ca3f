package mail

import (
	"mime"
	"net/mail"
	"strings"
	"testing"
)

// TestRequirement10FieldsDecodeExactly: what a field says is what its reader
// sees, also when it looks like an encoded word itself.
func TestRequirement10FieldsDecodeExactly(t *testing.T) {
	for _, text := range []string{"", "News", "检察要闻周报 2026年第47期", strings.Repeat("长", 60), strings.Repeat("a", 200), "=?utf-8?q?x?=", "Re: =?utf-8?b?eA==?= x",
		"𠮷野 😀 " + strings.Repeat("家𠮷", 30), `"李四, 五" <x@example.org>`} {
		f, p := sample()
		f.Subject, p.To.Name = text, text
		v, err := f.Variant()
		if err != nil {
			t.Fatal(err)
		}
		head, _, _ := strings.Cut(string(v.Message(nil, p).Data), "\r\n\r\n")
		for line := range strings.SplitSeq(head, "\r\n") {
			if strings.HasPrefix(line, "Subject:") && (len(line) > 76 || strings.TrimSpace(line) == "Subject:" && text != "") {
				t.Errorf("%q begins with %q", text, line)
			}
		}
		msg, err := mail.ReadMessage(strings.NewReader(head + "\r\n\r\n"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject"))
		if err != nil || got != text {
			t.Errorf("subject %q is read as %q, %v", text, got, err)
		}
		// As do readers who decode between quotes too.
		to, err := new(mime.WordDecoder).DecodeHeader(msg.Header.Get("To"))
		if err != nil || !strings.Contains(strings.ReplaceAll(to, `\"`, `"`), text) {
			t.Errorf("name %q is read as %q, %v", text, to, err)
		}
	}
}

func TestInvalidTextIsEncodedToo(t *testing.T) {
	if got, err := new(mime.WordDecoder).DecodeHeader(encoded(strings.Repeat("\x80", 100))); err != nil || got != "\uFFFD" {
		t.Errorf("%q, %v", got, err)
	}
}
