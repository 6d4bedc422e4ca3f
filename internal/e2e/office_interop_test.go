//go:build interop

package e2e

import (
	"fmt"
	"net/mail"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// office is a site whose readers have their mailboxes at a Postfix, which is
// its relay too.
type office struct {
	*site
	postfix *postfix
	dns     map[string]string // records of its DKIM keys
	pages   int
}

const officeSite = `
sources: [{name: pages, kind: directory, path: ./pages, every: 1h}]
digests: [{slug: weekly, title: %q, schedule: "0 8 1 1 *"}]
subscribers: subscribers.yaml
` + fromExample + `  relay: smtp://%s
  tls: mandatory
  ca_file: %s
  retry: {first: 1s, max: 1s}
`

// newOffice has the readers of list, a subscribers.yaml. mail is more of the
// configuration below mail.
func newOffice(t *testing.T, p *postfix, title, list, mail string) *office {
	t.Helper()
	o := &office{site: newSite(t, fromExample), postfix: p}
	dns, keys := keyPair(o.site)
	o.dns = dns
	o.configure(fmt.Sprintf(officeSite, title, p.addr, p.ca) + mail + keys)
	o.write("subscribers.yaml", list)
	o.write("pages/0.txt", samplePage)
	return o
}

// draft makes the next issue, with an article of its own.
func (o *office) draft() {
	o.t.Helper()
	o.pages++
	o.write(fmt.Sprintf("pages/%d.txt", o.pages), strings.Replace(samplePage, "中央第七督导组", fmt.Sprintf("第%d督导组", o.pages), 1))
	o.must("ingest")
	o.must("issue", "draft", "weekly")
}

// next sends the next issue and waits until Postfix has done with it.
func (o *office) next() {
	o.t.Helper()
	o.draft()
	o.must("issue", "send", "weekly")
	o.postfix.idle()
}

// only is the mail of the only one that an account has.
func (o *office) only(account string) string {
	o.t.Helper()
	mails := o.postfix.mails(account)
	if len(mails) != 1 {
		o.t.Fatalf("%s has %d mails", account, len(mails))
	}
	return mails[0]
}

func accounts(n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf("reader%02d@%s", i, staffDomain))
	}
	return list
}

func subscribersOf(people []string) string {
	list := "subscribers:\n"
	for i, email := range people {
		list += fmt.Sprintf("  - {email: %s, name: 读者%d}\n", email, i)
	}
	return list
}

// TestInteropRequirement29Postfix: fifty accounts, one that is not there and one
// that is full. What a real server reports of them comes back on each of the
// ways, and the second issue goes to those who can and want to have it.
func TestInteropRequirement29Postfix(t *testing.T) {
	for _, way := range []string{"maildir", "listen"} {
		t.Run(way, func(t *testing.T) { bouncesOf(t, way) })
	}
}

func bouncesOf(t *testing.T, way string) {
	people := accounts(50)
	unknown, full := "nobody@"+staffDomain, "full@"+staffDomain
	lmtp := fmt.Sprintf("127.0.0.1:%d", lowPort(t))
	at := postfixOf{accounts: people, full: full}
	if way == "listen" {
		host, port, _ := strings.Cut(lmtp, ":")
		at.transport = fmt.Sprintf("%s lmtp:[%s]:%s\n", bouncesTo, host, port)
	}
	p := newPostfix(t, at)
	where := map[string]string{"maildir": p.path("mail/" + bouncesTo), "listen": "lmtp://" + lmtp}[way]
	o := newOffice(t, p, "检察要闻周报", subscribersOf(append(slices.Clone(people), unknown, full)),
		fmt.Sprintf("  bounces: {address: %s, %s: %q, every: 1s}\n", bouncesTo, way, where))
	o.serve()
	o.next()
	for _, who := range people {
		if n := len(p.mails(who)); n != 1 {
			t.Errorf("%s has %d copies", who, n)
		}
	}
	eventually(t, "both bounces are recorded", func() bool {
		return fmt.Sprint(o.bounces()) == fmt.Sprintf("map[%s:soft 5.2.2 %s:hard 5.1.1]", full, unknown)
	})
	states, reason := o.states()
	if states[unknown] != "bounced" || !strings.Contains(reason, "unknown user") || states[full] != "active" {
		t.Errorf("%s is %s (%q), %s is %s", unknown, states[unknown], reason, full, states[full])
	}

	gone := people[7]
	leave(t, o.only(gone))
	if states, _ := o.states(); states[gone] != "unsubscribed" {
		t.Errorf("%s is %s", gone, states[gone])
	}
	o.next()
	for _, who := range people {
		if n, want := len(p.mails(who)), map[bool]int{true: 1, false: 2}[who == gone]; n != want {
			t.Errorf("after the second issue %s has %d copies", who, n)
		}
	}
	if is := o.issue(); is.Deliveries.Sent != 50 || is.State != "sent" { // 49 and the full one
		t.Errorf("%+v", is)
	}
	if left, err := filepath.Glob(p.path("mail/" + bouncesTo + "/new/*")); err != nil || len(left) != 0 && way == "listen" {
		t.Errorf("%v, %v", left, err)
	}
}

// bounces are what came back, by address.
func (o *office) bounces() map[string]string {
	o.t.Helper()
	var list []struct{ Email, Kind, Status string }
	o.data(&list, "bounces", "list")
	all := map[string]string{}
	for _, b := range list {
		all[b.Email] = b.Kind + " " + b.Status
	}
	return all
}

// states are those of all readers, and the reason of the one who bounced.
func (o *office) states() (states map[string]string, reason string) {
	o.t.Helper()
	var people []struct{ Email, State, Reason string }
	o.data(&people, "subscribers", "list")
	states = map[string]string{}
	for _, p := range people {
		states[p.Email] = p.State
		reason += p.Reason
	}
	return states, reason
}

// leave does what a mail program does when its reader says unsubscribe (RFC 8058).
func leave(t *testing.T, letter string) {
	t.Helper()
	msg, err := mail.ReadMessage(strings.NewReader(letter))
	if err != nil {
		t.Fatal(err)
	}
	resp, _ := request(t, "POST", strings.Trim(msg.Header.Get("List-Unsubscribe"), "<>"), msg.Header.Get("List-Unsubscribe-Post"),
		"Content-Type", "application/x-www-form-urlencoded")
	if resp.StatusCode != 200 || len(resp.Cookies()) != 0 {
		t.Errorf("one-click: %s", resp.Status)
	}
}
