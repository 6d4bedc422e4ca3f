package e2e

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/mail"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"jianxun/internal/app"
)

const choosingSite = `
sources:
  - {name: pages, kind: directory, path: pages, every: 1s}
digests:
  - {slug: weekly, title: 检察要闻周报, schedule: "0 8 * * MON"}
  - {slug: daily, title: 每日要闻, schedule: "0 9 * * *"}
mail:
  from: 检察要闻周报 <digest@example.org>
  relay: smtp://%s
subscribers: subscribers.yaml
subscribe: {open: true, digests: [weekly], per_hour: 3}
`

// form is what browsers and mail programs send.
const form = "application/x-www-form-urlencoded"

// choosing is an App within the test, with a clock that stands still.
type choosing struct {
	*site
	*app.App
	clock *clock
	relay *sink
}

func newChoosing(t *testing.T) *choosing {
	t.Helper()
	relay := newSink(t, "")
	c := &choosing{site: newSite(t, fmt.Sprintf(choosingSite, relay.addr)), clock: &clock{}, relay: relay}
	c.write("subscribers.yaml", "subscribers:\n  - {email: zhang@example.org, name: 张三, digests: [weekly, daily]}\n")
	for n, column := range []string{"检察要闻", "检务公开", "检察要闻", "检务公开"} {
		c.write(fmt.Sprintf("pages/%d.txt", n), fmt.Sprintf("当前位置:首页-%s\n第%d号案件办结\n时间:2026-11-1%d  作者:张三  新闻来源:检察日报\n\n  检察机关办结第%d号案件。\n", column, n, n, n))
	}
	c.clock.set(time.Date(2026, 11, 19, 12, 0, 0, 0, time.FixedZone("CST", 8*60*60)))
	c.start()
	return c
}

func (c *choosing) start() {
	c.t.Helper()
	var err error
	if c.App, err = app.New(c.t.Context(), app.Options{ConfigFile: filepath.Join(c.dir, "jianxun.yaml"), Now: c.clock.Now, Log: slog.New(slog.DiscardHandler)}); err != nil {
		c.t.Fatal(err)
	}
	a := c.App
	c.t.Cleanup(func() {
		if err := a.Stop(context.WithoutCancel(c.t.Context())); err != nil {
			c.t.Error(err)
		}
	})
	if err := c.Start(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
}

// issue drafts the next weekly and sends it, and gives the mails that left.
func (c *choosing) issue(n int) map[string]received {
	c.t.Helper()
	before := len(c.relay.all())
	if _, err := c.DraftIssue(c.t.Context(), "weekly"); err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.SendIssue(c.t.Context(), "weekly", nil); err != nil {
		c.t.Fatal(err)
	}
	mails := map[string]received{}
	for _, m := range c.relay.all()[before:] {
		mails[m.to] = m
	}
	if len(mails) != n {
		c.t.Fatalf("%d mails, want %d", len(mails), n)
	}
	return mails
}

func readMail(t testing.TB, m received) *mail.Message {
	t.Helper()
	msg, err := mail.ReadMessage(strings.NewReader(strings.ReplaceAll(m.data, "\r\n", "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

// plain is the text of a mail that is nothing but text.
func plain(t testing.TB, m *mail.Message) string {
	t.Helper()
	text, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, m.Body))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// own is the address of a person's own page, from their mail.
func own(t testing.TB, m received) string {
	t.Helper()
	return strings.Trim(readMail(t, m).Header.Get("List-Unsubscribe"), "<>")
}

// TestAChoiceHoldsFromTheNextIssueOn: a person of the file chooses text and one
// column. Neither a reload of the file nor a restart undoes it.
func TestAChoiceHoldsFromTheNextIssueOn(t *testing.T) {
	c := newChoosing(t)
	first := c.issue(1)["zhang@example.org"]
	if kind := readMail(t, first).Header.Get("Content-Type"); !strings.HasPrefix(kind, "multipart/alternative") {
		t.Fatalf("the first mail is %s", kind)
	}
	choice := url.Values{"action": {"preferences"}, "digest": {"weekly"}, "column": {"检务公开"}, "format": {"text"}}
	resp, page := request(t, http.MethodPost, own(t, first), choice.Encode(), "Content-Type", form)
	if resp.StatusCode != 200 || !strings.Contains(page, "已保存") {
		t.Fatalf("%s: %s", resp.Status, page)
	}
	for week, what := range []func(){
		func() {},
		func() {
			c.write("subscribers.yaml", "subscribers:\n  - {email: zhang@example.org, name: 张三丰, digests: [weekly, daily], format: html, columns: [检察要闻]}\n")
			if err := c.Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
		},
		func() {
			if err := c.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			c.start()
		},
	} {
		what()
		for n, column := range []string{"检察要闻", "检务公开"} {
			name := fmt.Sprintf("pages/new-%d-%d.txt", week, n)
			c.write(name, fmt.Sprintf("当前位置:首页-%s\n%s的第%d周\n时间:2026-11-18  作者:张三  新闻来源:检察日报\n\n  检察机关办结案件。\n", column, column, week))
			if _, err := c.Ingest(t.Context(), nil, nil, nil); err != nil {
				t.Fatal(err)
			}
		}
		c.clock.set(c.clock.Now().Add(time.Minute))
		m := readMail(t, c.issue(1)["zhang@example.org"])
		if kind := m.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/plain") {
			t.Errorf("week %d: the mail is %s", week, kind)
		}
		text := plain(t, m)
		if !strings.Contains(text, fmt.Sprintf("检务公开的第%d周", week)) || strings.Contains(text, fmt.Sprintf("检察要闻的第%d周", week)) {
			t.Errorf("week %d: the mail holds %s", week, text)
		}
	}
	if out := c.must("subscribers", "list"); !strings.Contains(out, "本人选择：weekly；检务公开；text") {
		t.Errorf("the list says %s", out)
	}
	if out := c.must("check"); !strings.Contains(out, "zhang@example.org 实际收到的与文件所写不同；本人选择：weekly；检务公开；text") {
		t.Errorf("check says %s", out)
	}
	people, err := c.Subscribers(t.Context())
	if err != nil || len(people) != 1 || people[0].Name != "张三丰" || people[0].Own == nil || !slices.Equal(people[0].Own.Digests, []string{"weekly"}) {
		t.Errorf("the list is %+v, %v", people, err)
	}
}

var inLetter = regexp.MustCompile(`http://\S+/confirm/\S+`)

// letter waits for the letter to an address and gives the link in it.
func (c *choosing) letter(email string) string {
	c.t.Helper()
	c.relay.wait(c.t, 1)
	all := c.relay.all()
	m := all[len(all)-1]
	link := inLetter.FindString(plain(c.t, readMail(c.t, m)))
	if m.to != email || link == "" {
		c.t.Fatalf("the letter to %s: %s", m.to, m.data)
	}
	return link
}

func (c *choosing) subscribe(email string, want int) {
	c.t.Helper()
	body := url.Values{"email": {email}, "digest": {"weekly"}}.Encode()
	if resp, _ := request(c.t, http.MethodPost, c.url("/subscribe"), body, "Content-Type", form); resp.StatusCode != want {
		c.t.Errorf("%s is answered %s, want %d", email, resp.Status, want)
	}
}

func TestSubscribingByOneself(t *testing.T) {
	c := newChoosing(t)
	c.subscribe("li@example.org", 200)
	link := c.letter("li@example.org")
	if resp, page := get(t, link); resp.StatusCode != 200 || !strings.Contains(page, "<form") {
		t.Fatalf("%s: %s", resp.Status, page)
	}
	people, err := c.Subscribers(t.Context())
	if err != nil || len(people) != 2 || people[0].Email != "li@example.org" || people[0].State != "pending" || people[0].Listed {
		t.Errorf("before it is confirmed the list is %+v, %v", people, err)
	}
	if resp, page := request(t, http.MethodPost, link, "action=confirm", "Content-Type", form); resp.StatusCode != 200 || !strings.Contains(page, "订阅成功") {
		t.Fatalf("%s: %s", resp.Status, page)
	}
	c.write("list.yaml", "subscribers: [{email: wang@example.org, digests: [weekly]}]\n")
	for _, what := range []func() error{
		func() error { return c.Reload(t.Context()) },
		func() error {
			_, err := c.ImportSubscribers(t.Context(), filepath.Join(c.dir, "list.yaml"), true, false)
			return err
		},
	} {
		if err := what(); err != nil {
			t.Fatal(err)
		}
	}
	li := c.issue(3)["li@example.org"]
	c.relay.wait(t, 3)
	if resp, _ := request(t, http.MethodPost, own(t, li), "List-Unsubscribe=One-Click", "Content-Type", form); resp.StatusCode != 200 {
		t.Fatal(resp.Status)
	}
	people, err = c.Subscribers(t.Context())
	if err != nil || people[0].State != "unsubscribed" || people[0].Origin != "self" {
		t.Errorf("the list is %+v, %v", people, err)
	}
	c.clock.set(c.clock.Now().Add(24 * time.Hour))
	c.subscribe("li@example.org", 200) // a letter lets come back who left
	if resp, _ := request(t, http.MethodPost, c.letter("li@example.org"), "", "Content-Type", form); resp.StatusCode != 200 {
		t.Fatal(resp.Status)
	}
	people, err = c.Subscribers(t.Context())
	if err != nil || people[0].State != "active" {
		t.Errorf("the list is %+v, %v", people, err)
	}
}

func TestLettersAnHourAreBoundedAndForgottenAfterAWeek(t *testing.T) {
	c := newChoosing(t)
	for n, want := range []int{200, 200, 200, 503} {
		c.subscribe(fmt.Sprintf("p%d@example.org", n), want)
	}
	if err := c.Stop(t.Context()); err != nil { // which waits for letters on their way
		t.Fatal(err)
	}
	if n := len(c.relay.all()); n != 3 {
		t.Errorf("%d letters, want 3", n)
	}
	link := inLetter.FindString(plain(t, readMail(t, c.relay.all()[0])))
	c.clock.set(c.clock.Now().Add(7*24*time.Hour + time.Second))
	c.start()
	if people, err := c.Subscribers(t.Context()); err != nil || len(people) != 1 {
		t.Errorf("a week later the list is %+v, %v", people, err)
	}
	if resp, _ := request(t, http.MethodPost, link, "", "Content-Type", form); resp.StatusCode != 404 {
		t.Errorf("the old letter is answered %s", resp.Status)
	}
}
