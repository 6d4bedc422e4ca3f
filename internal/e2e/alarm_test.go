package e2e

import (
	"context"
	"encoding/base64"
	"io"
	"log/slog"
	"mime"
	"net/mail"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"jianxun/internal/app"
)

const alarmingSite = `
sources:
  - {name: samples, kind: directory, path: "builtin:samples"}
mail: {from: 检察要闻周报 <digest@example.org>, relay: "smtp://RELAY", admins: [ops@example.org]}
subscribers: subscribers.yaml
`

// letter is the newest letter to the admins.
func (s *sink) letter(t *testing.T) (subject, text string) {
	t.Helper()
	for _, m := range s.all() {
		if m.to != "ops@example.org" {
			continue
		}
		msg, err := mail.ReadMessage(strings.NewReader(m.data))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, msg.Body))
		if err != nil {
			t.Fatal(err)
		}
		if subject, err = new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject")); err != nil {
			t.Fatal(err)
		}
		text = string(body)
		if msg.Header.Get("Auto-Submitted") != "auto-generated" || msg.Header.Get("List-Unsubscribe") != "" {
			t.Errorf("header %v", msg.Header)
		}
	}
	return subject, text
}

// TestAdminsAreToldOfTrouble: a refused configuration is worth one letter an
// hour, and so is an issue that did not reach everybody.
func TestAdminsAreToldOfTrouble(t *testing.T) {
	relay := newSink(t, "")
	relay.behave(func(stage, address string) string {
		if stage == "RCPT" && address == "li@example.org" {
			return "550 5.1.1 no such user here"
		}
		return ""
	})
	good := strings.ReplaceAll(alarmingSite, "RELAY", relay.addr)
	s := newSite(t, good)
	s.write("subscribers.yaml", threePeople)
	c := &clock{now: time.Date(2026, 11, 19, 12, 0, 0, 0, time.UTC)}
	a, err := app.New(t.Context(), app.Options{ConfigFile: filepath.Join(s.dir, "jianxun.yaml"), Now: c.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Stop(context.WithoutCancel(t.Context())) })
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	refuse := func() {
		t.Helper()
		s.configure(good + "sise: {}\n")
		if err := a.Reload(t.Context()); err == nil {
			t.Fatal("it was taken")
		}
	}
	refuse()
	relay.wait(t, 1)
	if subject, text := relay.letter(t); subject != "检讯：配置未被采用" || !strings.Contains(text, "jianxun.yaml:8:1: ") || !strings.Contains(text, "sise") {
		t.Errorf("%s\n%s", subject, text)
	}
	c.set(c.Now().Add(59 * time.Minute))
	refuse()
	c.set(c.Now().Add(2 * time.Minute))
	refuse()
	relay.wait(t, 1)
	if _, text := relay.letter(t); len(relay.all()) != 2 || !strings.Contains(text, "略去未发的信：") {
		t.Errorf("%d letters, the last of them: %s", len(relay.all()), text)
	}
	s.configure(good)
	if err := a.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := a.DraftIssue(t.Context(), "weekly"); err != nil {
		t.Fatal(err)
	}
	if v, err := a.SendIssue(t.Context(), "weekly", nil); err != nil || v.Deliveries.Failed != 1 {
		t.Fatalf("%+v, %v", v.Deliveries, err)
	}
	relay.wait(t, 2)
	c.set(c.Now().Add(time.Minute))
	relay.wait(t, 1)
	if subject, text := relay.letter(t); !strings.Contains(subject, "2026年第1期未能送达所有人") || !strings.Contains(text, "送达 2 封，失败 1 封，结果不明 0 封") ||
		!strings.Contains(text, "jianxun issue show weekly/2026-1") {
		t.Errorf("%s\n%s", subject, text)
	}
}
