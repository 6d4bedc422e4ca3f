package e2e

import (
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/mail"
	"strings"
	"testing"
)

const sendingSite = `
sources:
  - {name: samples, kind: directory, path: "builtin:samples"}
mail:
  from: 检察要闻周报 <digest@example.org>
  relay: smtp://%s
  retry: {first: 1s, max: 2s}
subscribers: subscribers.yaml
`

const threePeople = `
subscribers:
  - {email: zhang@example.org, name: 张三, unit: 办公室}
  - {email: li@example.org, name: "李四, 五"}
  - {email: Wang@example.org}
`

func sending(t *testing.T, relay, people string) *site {
	t.Helper()
	s := newSite(t, fmt.Sprintf(sendingSite, relay))
	s.write("subscribers.yaml", people)
	s.must("ingest")
	s.must("issue", "draft", "weekly")
	return s
}

type issue struct {
	Number     int
	State      string
	Deliveries struct{ Queued, Sent, Deferred, Failed, Uncertain, Suppressed int }
	Trouble    []struct{ Email, State, Reply string }
}

func (s *site) issue() issue {
	s.t.Helper()
	var is issue
	s.data(&is, "issue", "show", "weekly")
	return is
}

func TestEachGetsOneMail(t *testing.T) {
	relay := newSink(t, "")
	s := sending(t, relay.addr, threePeople)
	s.must("issue", "send", "weekly")
	s.must("issue", "send", "weekly")
	for _, who := range []string{"zhang@example.org", "li@example.org", "Wang@example.org"} {
		if n := relay.copies()[who]; n != 1 {
			t.Errorf("%s got %d copies", who, n)
		}
	}
	if is := s.issue(); is.State != "sent" || is.Deliveries.Sent != 3 {
		t.Errorf("%+v", is)
	}
	for _, m := range relay.all() {
		checkMail(t, m)
	}
}

// checkMail decodes a mail with the standard library, not with what made it.
func checkMail(t *testing.T, m received) {
	t.Helper()
	msg, err := mail.ReadMessage(strings.NewReader(strings.ReplaceAll(m.data, "\r\n", "\n")))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject"))
	if err != nil || !strings.HasPrefix(subject, "检察要闻周报 ") || !strings.HasSuffix(subject, "年第1期") {
		t.Errorf("subject %q, %v", subject, err)
	}
	to, err := msg.Header.AddressList("To")
	if err != nil || len(to) != 1 || to[0].Address != m.to {
		t.Errorf("to %v, %v", to, err)
	}
	for _, h := range []string{"Date", "Message-Id", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "Auto-Submitted", "Precedence"} {
		if n := len(msg.Header[h]); n != 1 {
			t.Errorf("%d fields %s", n, h)
		}
	}
	if !strings.Contains(msg.Header.Get("List-Id"), "<weekly.example.org>") {
		t.Errorf("List-Id %q hides the id", msg.Header.Get("List-Id"))
	}
	kind, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("%s, %v", kind, err)
	}
	var kinds []string
	for parts := multipart.NewReader(msg.Body, params["boundary"]); ; {
		p, err := parts.NextRawPart()
		if err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, p))
		if err != nil {
			t.Fatal(err)
		}
		kind, _, _ := mime.ParseMediaType(p.Header.Get("Content-Type"))
		kinds = append(kinds, kind)
		leave := strings.Trim(msg.Header.Get("List-Unsubscribe"), "<>")
		for _, want := range []string{"古城墙", "您好", leave} {
			if !strings.Contains(string(body), want) {
				t.Errorf("%s to %s does not hold %q", kind, m.to, want)
			}
		}
		if strings.Contains(string(body), "jianxun-slot") || strings.Contains(string(body), "slot.jianxun") {
			t.Errorf("%s to %s shows a slot", kind, m.to)
		}
	}
	if fmt.Sprint(kinds) != "[text/plain text/html]" {
		t.Errorf("parts %v", kinds)
	}
}

func TestRelayDownLosesNothing(t *testing.T) {
	address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	s := sending(t, address, threePeople)
	if out, errs, code := s.run("issue", "send", "weekly"); code != 1 || !strings.Contains(errs, "没有丢失") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	if is := s.issue(); is.Deliveries.Queued != 3 {
		t.Errorf("%+v", is.Deliveries)
	}
	s.serve()
	relay := newSink(t, address)
	relay.wait(t, 3)
	eventually(t, "the issue is sent", func() bool { return s.issue().State == "sent" })
	if len(relay.all()) != 3 {
		t.Errorf("%d mails", len(relay.all()))
	}
}

func TestOneRefusedRecipientHarmsNoOther(t *testing.T) {
	relay := newSink(t, "")
	relay.behave(func(stage, address string) string {
		if stage == "RCPT" && address == "li@example.org" {
			return "550 5.1.1 no such user here"
		}
		return ""
	})
	s := sending(t, relay.addr, threePeople)
	s.must("issue", "send", "weekly")
	is := s.issue()
	if is.Deliveries.Sent != 2 || is.Deliveries.Failed != 1 || is.State != "sent" {
		t.Errorf("%+v", is)
	}
	if len(is.Trouble) != 1 || is.Trouble[0].Reply != "550 5.1.1 no such user here" {
		t.Errorf("the server's words are not kept: %+v", is.Trouble)
	}
}

func TestTemporaryRefusalIsTriedAgain(t *testing.T) {
	relay := newSink(t, "")
	refused := 0
	relay.behave(func(stage, address string) string {
		if stage == "dot" && address == "li@example.org" && refused == 0 {
			refused++
			return "451 4.7.1 greylisted, try later"
		}
		return ""
	})
	s := sending(t, relay.addr, threePeople)
	s.must("issue", "send", "weekly")
	if is := s.issue(); is.Deliveries.Sent != 3 {
		t.Errorf("%+v", is.Deliveries)
	}
	if n := relay.copies()["li@example.org"]; n != 1 {
		t.Errorf("%d copies", n)
	}
}

func TestUnsubscribing(t *testing.T) {
	relay := newSink(t, "")
	s := sending(t, relay.addr, threePeople)
	s.must("issue", "send", "weekly")
	s.serve()
	var leave string
	for _, m := range relay.all() {
		if m.to == "zhang@example.org" {
			msg, err := mail.ReadMessage(strings.NewReader(m.data))
			if err != nil {
				t.Fatal(err)
			}
			leave = strings.Trim(msg.Header.Get("List-Unsubscribe"), "<>")
		}
	}
	state := func() string {
		var people []struct{ Email, State string }
		s.data(&people, "subscribers", "list")
		for _, p := range people {
			if p.Email == "zhang@example.org" {
				return p.State
			}
		}
		return ""
	}
	if resp, page := get(t, leave); resp.StatusCode != 200 || !strings.Contains(page, "<form") || state() != "active" {
		t.Fatalf("GET: %s, %s", resp.Status, state())
	}
	for range 2 {
		resp, _ := request(t, http.MethodPost, leave, "List-Unsubscribe=One-Click", "Content-Type", "application/x-www-form-urlencoded")
		if resp.StatusCode != 200 || len(resp.Cookies()) != 0 || state() != "unsubscribed" {
			t.Fatalf("POST: %s, %s", resp.Status, state())
		}
	}
	if out := s.must("check"); !strings.Contains(out, "zhang@example.org") {
		t.Errorf("check does not say who unsubscribed: %s", out)
	}
}
