package mail

import (
	"bytes"
	"io"
	"mime"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"
)

func sample() (Form, Person) {
	return Form{
			From: mail.Address{Name: "检察要闻周报", Address: "digest@example.org"}, Subject: "检察要闻周报 2026年第47期",
			ListID: "weekly.example.org", ListName: "检察要闻周报", Feedback: "2026-47:weekly:jianxun:example.org",
			HTML: "<p>" + NameSlot + "：您好</p><a href=\"" + LeaveSlot + "\">退订</a>", Text: NameSlot + "：您好\n退订：" + LeaveSlot + "\n",
		}, Person{
			To: mail.Address{Name: "张三", Address: "zhang@example.org"}, Called: "张三 <&>", Leave: "https://news.example.org/u/abc",
			MessageID: "weekly.2026-47.abc@example.org", Date: time.Date(2026, 11, 23, 8, 0, 0, 0, time.FixedZone("", 8*3600)),
		}
}

func TestRequirement08And09And10HeadersDecode(t *testing.T) {
	f, p := sample()
	m, err := f.Message(p)
	if err != nil {
		t.Fatal(err)
	}
	msg, err := mail.ReadMessage(bytes.NewReader(m.Data))
	if err != nil {
		t.Fatal(err)
	}
	if s, err := new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject")); s != f.Subject || err != nil {
		t.Errorf("subject %q, %v", s, err)
	}
	for h, want := range map[string]mail.Address{"From": f.From, "To": p.To} {
		if list, err := msg.Header.AddressList(h); err != nil || len(list) != 1 || *list[0] != want {
			t.Errorf("%s: %v, %v", h, list, err)
		}
	}
	for h, want := range map[string]string{
		"Date": "Mon, 23 Nov 2026 08:00:00 +0800", "Message-Id": "<weekly.2026-47.abc@example.org>", "List-Unsubscribe": "<https://news.example.org/u/abc>",
		"List-Unsubscribe-Post": "List-Unsubscribe=One-Click", "Auto-Submitted": "auto-generated", "Precedence": "bulk", "Mime-Version": "1.0", "Feedback-Id": "2026-47:weekly:jianxun:example.org",
	} {
		if got := msg.Header[h]; !slices.Equal(got, []string{want}) {
			t.Errorf("%s: %q, want once %q", h, got, want)
		}
	}
	if id := msg.Header.Get("List-Id"); !strings.HasSuffix(id, " <weekly.example.org>") || !strings.HasPrefix(id, "=?utf-8?") {
		t.Errorf("List-Id %q: the phrase is encoded, the id is in clear", id)
	}
}

func TestPersonStandsInTheSlots(t *testing.T) {
	f, p := sample()
	m, err := f.Message(p)
	if err != nil {
		t.Fatal(err)
	}
	c := decoded(t, m)
	if c.HTML != "<p>张三 &lt;&amp;&gt;：您好</p><a href=\"https://news.example.org/u/abc\">退订</a>" {
		t.Errorf("HTML %q", c.HTML)
	}
	if strings.ReplaceAll(c.Text, "\r\n", "\n") != "张三 <&>：您好\n退订：https://news.example.org/u/abc\n" {
		t.Errorf("text %q", c.Text)
	}
	f.HTML = ""
	if m, err = f.Message(p); err != nil || bytes.Contains(m.Data, []byte("multipart")) {
		t.Errorf("a text mail has parts, or %v", err)
	}
}

func decoded(t *testing.T, m Message) Captured {
	t.Helper()
	c := Capture{Dir: t.TempDir()}
	if err := c.Send(t.Context(), m, func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	list, err := c.List(10)
	if err != nil || len(list) != 1 {
		t.Fatalf("%d mails, %v", len(list), err)
	}
	one, err := c.Read(list[0].Name)
	if err != nil {
		t.Fatal(err)
	}
	return one
}

// FuzzMessage: whatever stands in names and subjects, no header field is
// injected, lines end in CRLF and are short, and no line begins with a dot.
func FuzzMessage(f *testing.F) {
	f.Add("张三", "检察要闻", "<p>x</p>")
	f.Add("a\r\nBcc: x@example.org", "s\nX: y", ".\r\n")
	f.Add(strings.Repeat("长", 500), strings.Repeat("a", 2000), strings.Repeat("b", 5000))
	f.Fuzz(func(t *testing.T, name, subject, body string) {
		form, p := sample()
		form.Subject, form.ListName, form.HTML, form.Text = subject, name, body, body
		form.From.Name, p.To.Name, p.Called = name, name, name
		m, err := form.Message(p)
		if err != nil {
			return
		}
		for line := range bytes.Lines(m.Data) {
			if len(line) > 1000 || !bytes.HasSuffix(line, []byte("\r\n")) || bytes.Count(line, []byte("\r")) != 1 || line[0] == '.' {
				t.Fatalf("line %q", line)
			}
		}
		msg, err := mail.ReadMessage(bytes.NewReader(m.Data))
		if err != nil {
			t.Fatal(err)
		}
		known := []string{"Auto-Submitted", "Content-Transfer-Encoding", "Content-Type", "Date", "Feedback-Id", "From", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "Message-Id", "Mime-Version", "Precedence", "Subject", "To"}
		for h, values := range msg.Header {
			if !slices.Contains(known, h) || len(values) != 1 {
				t.Errorf("header %s: %q", h, values)
			}
		}
		if _, err := io.ReadAll(msg.Body); err != nil {
			t.Error(err)
		}
	})
}
