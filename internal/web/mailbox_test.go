package web

import (
	"io/fs"
	"slices"
	"strings"
	"testing"

	"jianxun/templates"
)

// letters is a mailbox with one letter.
type letters struct{}

var letter = Letter{Name: "1.eml", Subject: "2026年第1期", To: "a@example.org", Date: monday, HTML: "<p style=\"color:red\">正文</p><script>x()</script>", Text: "正文",
	Header: []templates.Header{{Name: "Subject", Value: "2026年第1期"}}}

func (letters) Letters(int) ([]Letter, error) { return []Letter{letter}, nil }

func (letters) Letter(name string) (Letter, error) {
	if name != letter.Name {
		return Letter{}, fs.ErrNotExist
	}
	return letter, nil
}

func (letters) Raw(string) ([]byte, error) { return []byte("Subject: x\r\n\r\n正文\r\n"), nil }

func withMailbox(s *Settings) { s.Mailbox, s.Folder = letters{}, "var/mail" }

func TestCapturedMailIsShownOnThisComputerOnly(t *testing.T) {
	s := newSite(t, withMailbox)
	for host, want := range map[string]int{
		"127.0.0.1:8080": 200, "127.0.0.1": 200, "localhost:8080": 200, "LOCALHOST": 200, "[::1]:8080": 200, "[::1]": 200, "127.8.8.8": 200,
		"news.example.org": 404, "192.168.1.2:8080": 404, "localhost.evil.example": 404, "127.0.0.1.evil.example": 404, "127.0.0.1.": 404, "": 404, "0.0.0.0": 404, "evil.example:127": 404,
	} {
		for _, target := range []string{"/mail", "/mail/1.eml", "/mail/1.eml/html", "/mail/1.eml/raw"} {
			if r := s.get(target, "Host: "+host); r.StatusCode != want {
				t.Errorf("%s at %q is %d, want %d", target, host, r.StatusCode, want)
			}
		}
		linked := html(t, s.get("/", "Host: "+host), 200).Find("nav a[href='/mail']").Length() == 1
		if linked != (want == 200) {
			t.Errorf("at %q the page links to captured mail: %v", host, linked)
		}
	}
}

func TestWithoutAMailboxThereIsNoMailPage(t *testing.T) {
	s := newSite(t)
	for _, target := range []string{"/mail", "/mail/1.eml", "/mail/1.eml/raw"} {
		wantStatus(t, s.get(target, "Host: localhost"), 404)
	}
}

func TestALetterIsShownSafely(t *testing.T) {
	s := newSite(t, withMailbox)
	const here = "Host: localhost:8080"
	list := html(t, s.get("/mail", here), 200)
	if got := attrs(list, "main li a", "href"); !slices.Equal(got, []string{"/mail/1.eml"}) {
		t.Errorf("letters %v", got)
	}
	doc := html(t, s.get("/mail/1.eml", here), 200)
	frame := doc.Find("iframe[src='/mail/1.eml/html']")
	if sandbox, ok := frame.Attr("sandbox"); !ok || sandbox != "" {
		t.Errorf("the frame allows %q, %v", sandbox, ok)
	}
	if got := texts(doc, "pre.mailtext"); !slices.Equal(got, []string{"正文"}) {
		t.Errorf("the text is %q", got)
	}
	part := s.get("/mail/1.eml/html", here)
	if policy := part.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "sandbox;") || strings.Contains(policy, "script") {
		t.Errorf("policy %q", policy)
	}
	raw := s.get("/mail/1.eml/raw", here)
	if raw.Header.Get("Content-Type") != "message/rfc822" || !strings.HasPrefix(string(body(t, raw)), "Subject: x\r\n") {
		t.Errorf("the raw letter has the header %v", raw.Header)
	}
	for _, target := range []string{"/mail/2.eml", "/mail/2.eml/raw", "/mail/1.eml/x", "/mail/..%2f1.eml", "/mail/"} {
		wantStatus(t, s.get(target, here), 404)
	}
}
