package e2e

import (
	"bufio"
	"fmt"
	"net"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// bouncing is a site whose mail comes back into a folder, and over LMTP.
type bouncing struct {
	*site
	relay   *sink
	maildir string
	lmtp    string
	pages   int
}

func newBouncing(t *testing.T) *bouncing {
	t.Helper()
	b := &bouncing{relay: newSink(t, ""), maildir: t.TempDir(), lmtp: fmt.Sprintf("127.0.0.1:%d", freePort(t))}
	for _, part := range []string{"new", "cur", "tmp"} {
		if err := os.Mkdir(filepath.Join(b.maildir, part), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	b.site = newSite(t, fmt.Sprintf(`
sources: [{name: pages, kind: directory, path: ./pages, every: 1h}]
digests: [{slug: weekly, title: 检察要闻周报, schedule: "0 8 1 1 *"}]
mail:
  from: 检察要闻周报 <digest@example.org>
  relay: smtp://%s
  bounces: {address: bounces@example.org, maildir: %q, listen: "lmtp://%s", every: 1s}
subscribers: subscribers.yaml
`, b.relay.addr, b.maildir, b.lmtp))
	b.write("subscribers.yaml", threePeople)
	return b
}

// next sends the next issue, and gives the return path of each who got it.
func (b *bouncing) next() map[string]string {
	b.t.Helper()
	b.pages++
	b.write(fmt.Sprintf("pages/%d.txt", b.pages), strings.Replace(samplePage, "中央第七督导组", fmt.Sprintf("第%d督导组", b.pages), 1))
	before := len(b.relay.all())
	b.must("ingest")
	b.must("issue", "draft", "weekly")
	b.must("issue", "send", "weekly")
	paths := map[string]string{}
	for _, m := range b.relay.all()[before:] {
		paths[m.to] = m.from
	}
	return paths
}

// arrives puts a mail into the folder as a mail server does.
func (b *bouncing) arrives(name, text string) {
	b.t.Helper()
	b.t.Logf("%s arrives", name)
	write(b.t, filepath.Join(b.maildir, "tmp", name), text)
	if err := os.Rename(filepath.Join(b.maildir, "tmp", name), filepath.Join(b.maildir, "new", name)); err != nil {
		b.t.Fatal(err)
	}
}

// states are the states of all, with the reasons.
func (b *bouncing) states() string {
	b.t.Helper()
	var people []struct{ Email, State, Reason string }
	b.data(&people, "subscribers", "list")
	var all []string
	for _, p := range people {
		all = append(all, strings.TrimSpace(p.Email+" "+p.State+" "+p.Reason))
	}
	return strings.Join(all, "; ")
}

func (b *bouncing) unmatched() (n int) {
	b.t.Helper()
	var list []struct{ ID int64 }
	b.data(&list, "bounces", "list", "--unmatched")
	return len(list)
}

// left are the names of what is still new in the folder.
func (b *bouncing) left() string {
	b.t.Helper()
	entries, err := os.ReadDir(filepath.Join(b.maildir, "new"))
	if err != nil {
		b.t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

// deliver hands a mail over by LMTP (RFC 2033) and gives the answer for its one
// recipient.
func (b *bouncing) deliver(to, text string) string {
	b.t.Helper()
	conn, err := net.Dial("tcp", b.lmtp)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	c := textproto.NewReader(bufio.NewReader(conn))
	var answer string
	for i, line := range []string{"", "LHLO mail.example.org\r\n", "MAIL FROM:<>\r\n", "RCPT TO:<" + to + ">\r\n", "DATA\r\n", strings.ReplaceAll(text, "\n", "\r\n") + ".\r\n"} {
		if _, err := conn.Write([]byte(line)); err != nil {
			b.t.Fatal(err)
		}
		code, said, err := c.ReadResponse(0)
		if answer = fmt.Sprint(code, " ", said); err != nil || code/100 == 5 || code/100 == 4 {
			b.t.Fatalf("step %d: %s, %v", i, answer, err)
		}
	}
	return answer
}

// dsn is a report as mail servers send it (RFC 3464).
func dsn(to, recipient, status, words string) string {
	return fmt.Sprintf(`From: MAILER-DAEMON@mail.example.org (Mail Delivery System)
To: %s
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I'm sorry to have to inform you that your message could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example.org

Final-Recipient: rfc822; %s
Action: failed
Status: %s
Diagnostic-Code: smtp; %s

--b
Content-Type: text/rfc822-headers

From: digest@example.org
Message-ID: <weekly.2026-1.00000000000000000000@example.org>

--b--
`, to, recipient, status, words)
}

// complaint is a report as mailbox providers send it (RFC 5965).
func complaint(to, recipient string) string {
	return fmt.Sprintf(`From: feedback@mail.example.net
To: %s
Subject: FW: digest
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: text/plain

This is an abuse report.

--b
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: feedback/1
Version: 1
Original-Rcpt-To: <%s>

--b
Content-Type: text/rfc822-headers

From: digest@example.org

--b--
`, to, recipient)
}

func vacation(to, from string) string {
	return fmt.Sprintf("From: %s\nTo: %s\nSubject: =?utf-8?B?6Ieq5Yqo5Zue5aSN?=\nAuto-Submitted: auto-replied\nContent-Type: text/plain; charset=utf-8\n\n我正在休假。\n", from, to)
}

// TestRequirement29WhatABounceDoes goes the whole way: an issue leaves, mails of
// it come back, and the next issue goes to those whose address is alive.
func TestRequirement29WhatABounceDoes(t *testing.T) {
	const zhang, li, wang = "zhang@example.org", "li@example.org", "Wang@example.org"
	b := newBouncing(t)
	paths := b.next()
	if len(paths) != 3 || paths[zhang] == paths[li] || !strings.HasPrefix(paths[zhang], "bounces+") || !strings.HasSuffix(paths[zhang], "@example.org") {
		t.Fatalf("return paths %v", paths)
	}
	b.serve()

	b.arrives("1.vacation", vacation(paths[wang], wang))
	b.arrives("2.hard", dsn(paths[zhang], zhang, "5.1.1", "550 5.1.1 no such user here"))
	bounced := "Wang@example.org active; li@example.org active; zhang@example.org bounced 550 5.1.1 no such user here"
	eventually(t, "zhang is bounced", func() bool { return b.states() == bounced })

	// A token that is not ours bounces nobody. The mail server gave this one to the
	// folder after the others: once it is kept, they have all been looked at.
	mark := strings.TrimSuffix(strings.TrimPrefix(paths[li], "bounces+"), "@example.org")
	other := strings.TrimSuffix(strings.TrimPrefix(paths[wang], "bounces+"), "@example.org")
	forged := "bounces+" + mark[:len(mark)/2] + other[len(mark)/2:] + "@example.org" // li's, with the end of another's
	b.arrives("3.forged", dsn(forged, li, "5.1.1", "550 5.1.1 no such user here"))
	eventually(t, "the forged report is kept", func() bool { return b.unmatched() == 1 })
	if got := b.states(); got != bounced {
		t.Errorf("people are %s", got)
	}
	eventually(t, "only the automatic reply is left", func() bool { return b.left() == "1.vacation" })
	if got := read(t, filepath.Join(b.maildir, "new", "1.vacation")); got != vacation(paths[wang], wang) {
		t.Errorf("the automatic reply is now %s", got)
	}

	if answer := b.deliver(paths[li], complaint(paths[li], li)); !strings.HasPrefix(answer, "250") {
		t.Errorf("the listener answers %s", answer)
	}
	if got := b.states(); !strings.Contains(got, "li@example.org unsubscribed abuse") {
		t.Errorf("people are %s", got)
	}
	if got := b.next(); len(got) != 1 || got[wang] == "" {
		t.Errorf("the second issue goes to %v", got)
	}

	b.must("subscribers", "lift", zhang, "--reason", "邮箱已恢复")
	if _, errs, code := b.run("subscribers", "lift", li, "--reason", "误会"); code != 1 || !strings.Contains(errs, "只能由本人") {
		t.Errorf("a complaint is lifted: exit %d, %s", code, errs)
	}
	if got := b.next(); len(got) != 2 || got[zhang] == "" || got[zhang] == paths[zhang] {
		t.Errorf("the third issue goes to %v", got)
	}
	b.arrives("4.again", dsn(paths[zhang], zhang, "5.1.1", "550 5.1.1 the same once more"))
	b.arrives("5.soft", dsn(b.next()[wang], wang, "4.2.2", "452 4.2.2 mailbox full"))
	eventually(t, "both are recorded", func() bool { return b.left() == "1.vacation" })
	if list := b.must("bounces", "list"); !strings.Contains(list, "4.2.2") {
		t.Errorf("listed are\n%s", list)
	}
	if got := b.states(); got != "Wang@example.org active; li@example.org unsubscribed abuse; zhang@example.org active" {
		t.Errorf("in the end people are %s", got)
	}
	_, metrics := get(t, fmt.Sprintf("http://127.0.0.1:%d/metrics", b.ops))
	for _, want := range []string{`{kind="hard"} 1`, `{kind="complaint"} 1`, `{kind="soft"} 1`, `{kind="unmatched"} 1`} {
		if !strings.Contains(metrics, "jianxun_bounces_total"+want) {
			t.Errorf("the metrics do not say %s", want)
		}
	}
}

// TestRequirement29NoOtherReturnPathWithoutAnAddress: then mail comes back to the sender.
func TestRequirement29NoOtherReturnPathWithoutAnAddress(t *testing.T) {
	relay := newSink(t, "")
	s := sending(t, relay.addr, threePeople)
	s.must("issue", "send", "weekly")
	for _, m := range relay.all() {
		if m.from != "digest@example.org" {
			t.Errorf("the mail to %s comes back to %s", m.to, m.from)
		}
	}
}
