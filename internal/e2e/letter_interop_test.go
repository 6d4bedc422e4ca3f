//go:build interop

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// letterScript says what python3's email package makes of the mails of a folder.
const letterScript = `
import email, email.header, email.policy, email.utils, glob, json, sys
def decoded(value):
    return str(email.header.make_header(email.header.decode_header(value.replace("\n", ""))))
def mailbox(field): # the newer interface puts spaces between encoded words of a name, against RFC 2047 section 6.2
    name, address = email.utils.parseaddr(field.replace("\n", ""))
    return [decoded(name), address]
def seen(raw):
    m = email.message_from_bytes(raw, policy=email.policy.default)
    old = email.message_from_bytes(raw)
    fields = {}
    for name in m.keys():
        fields.setdefault(name.lower(), []).append(str(m[name]))
    return {
      "Fields": fields,
      "Defects": [str(d) for p in m.walk() for d in p.defects] + [k + ": " + str(d) for k, v in m.items() for d in v.defects],
      "ASCII": raw[:raw.index(b"\n\n")].isascii(),
      "Subject": str(m["subject"]),
      "From": mailbox(old["from"]),
      "To": mailbox(old["to"]),
      "Addresses": [a.addr_spec for a in m["to"].addresses],
      "ListRaw": old["list-id"].replace("\n", ""),
      "List": decoded(old["list-id"]),
    }
print(json.dumps([seen(open(n, "rb").read()) for n in sorted(glob.glob(sys.argv[1]))]))
`

type letter struct {
	Fields                 map[string][]string
	Defects                []string
	ASCII                  bool
	Subject, ListRaw, List string
	From, To               [2]string // name and address
	Addresses              []string  // of To
}

// letterTo sends an issue to one reader through Postfix and reads what arrived.
func letterTo(t *testing.T, title, list string) (o *office, l letter) {
	t.Helper()
	p := newPostfix(t, postfixOf{accounts: accounts(1)})
	o = newOffice(t, p, title, list, "")
	o.next()
	var all []letter
	python(t, &all, letterScript, p.path("mail/*/new/*"))
	if len(all) != 1 {
		t.Fatalf("%d mails", len(all))
	}
	return o, all[0]
}

const oneReader = "subscribers: [{email: reader00@staff.example.org, name: 张三}]\n"

func TestInteropRequirement08ListID(t *testing.T) {
	_, l := letterTo(t, "检察要闻周报", oneReader)
	if !regexp.MustCompile(`^(=\?utf-8\?[bq]\?[!->@-~]+\?= )+<weekly\.example\.org>$`).MatchString(l.ListRaw) {
		t.Errorf("List-Id: %s", l.ListRaw)
	}
	if l.List != "检察要闻周报 <weekly.example.org>" {
		t.Errorf("it reads %s", l.List)
	}
}

func TestInteropRequirement09FieldsOnce(t *testing.T) {
	_, l := letterTo(t, "检察要闻周报", oneReader)
	for name, form := range map[string]string{
		"auto-submitted":        `auto-generated`,
		"precedence":            `bulk`,
		"feedback-id":           `\d{4}-1:weekly:jianxun:example\.org`,
		"date":                  `[MTWFS][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0800`,
		"message-id":            `<weekly\.\d{4}-1\.[0-9a-f]{20}@example\.org>`,
		"list-unsubscribe":      `<http://127\.0\.0\.1:\d+/u/[\w-]+>`,
		"list-unsubscribe-post": `List-Unsubscribe=One-Click`,
		"from":                  `.*`, "to": `.*`, "subject": `.*`, "list-id": `.*`, "mime-version": `1\.0`, "content-type": `multipart/alternative; .*`,
	} {
		if got := l.Fields[name]; len(got) != 1 || !regexp.MustCompile("^(?:"+form+")$").MatchString(got[0]) {
			t.Errorf("%s: %q", name, got)
		}
	}
	if len(l.Defects) != 0 || !l.ASCII {
		t.Errorf("defects %v, only ASCII %v", l.Defects, l.ASCII)
	}
}

// TestInteropRequirement10NamesAndSubjects has names and a title that ask to be
// mistaken for more than a name.
func TestInteropRequirement10NamesAndSubjects(t *testing.T) {
	names := []string{"张三", "李四, 五", `王"小"明\`, "赵六 <x@evil.example>", "=?utf-8?q?forged?=", "𠮷野 😀",
		strings.Repeat("最高人民检察院办公厅新闻宣传处", 6), "O'Brien (Beijing); team:", "Zhang"}
	people := accounts(len(names) + 1)
	title := `检察要闻, "周报"（省院）=?utf-8?q?x?= ` + strings.Repeat("长", 60)
	list := "subscribers:\n"
	for i, name := range names {
		quoted, err := json.Marshal(name)
		if err != nil {
			t.Fatal(err)
		}
		list += fmt.Sprintf("  - {email: %s, name: %s}\n", people[i], quoted)
	}
	p := newPostfix(t, postfixOf{accounts: people})
	o := newOffice(t, p, title, list, "")
	o.next()
	got := map[string]string{}
	var all []letter
	python(t, &all, letterScript, p.path("mail/*/new/*"))
	for _, l := range all {
		if len(l.Addresses) != 1 || len(l.Defects) != 0 || !l.ASCII {
			t.Errorf("to %q, defects %v, only ASCII %v", l.Addresses, l.Defects, l.ASCII)
		}
		got[l.To[1]] = l.To[0]
		if !strings.HasPrefix(l.Subject, title+" ") || !strings.HasSuffix(l.Subject, "年第1期") {
			t.Errorf("subject %q", l.Subject)
		}
		if l.List != title+" <weekly.example.org>" {
			t.Errorf("list %q", l.List)
		}
		if fmt.Sprint(l.From) != "[检察要闻周报 digest@example.org]" {
			t.Errorf("from %q", l.From)
		}
	}
	for i, name := range names {
		if got[people[i]] != name {
			t.Errorf("%q arrives as %q", name, got[people[i]])
		}
	}
}

// TestInteropRequirement10NoInjection: a name that brings lines of its own brings
// no field and no body.
func TestInteropRequirement10NoInjection(t *testing.T) {
	names := []string{`赵六\r\nBcc: evil@example.org`, `赵六\nBcc: evil@example.org`, `赵六\rBcc: evil@example.org`, `赵六\r\n\r\nbody`, `a\x0bBcc: x`}
	people, list := accounts(len(names)), "subscribers:\n"
	for i, name := range names {
		list += fmt.Sprintf("  - {email: %s, name: \"%s\"}\n", people[i], name)
	}
	p := newPostfix(t, postfixOf{accounts: people})
	newOffice(t, p, "检察要闻周报", list, "").next()
	var all []letter
	python(t, &all, letterScript, p.path("mail/*/new/*"))
	if len(all) != len(names) {
		t.Errorf("%d mails", len(all))
	}
	for _, l := range all {
		if len(l.Fields["bcc"]) != 0 || len(l.Addresses) != 1 || !slices.Contains(people, l.Addresses[0]) || len(l.Defects) != 0 || l.Fields["content-type"] == nil {
			t.Errorf("to %q, fields %q, defects %v", l.Addresses, l.Fields, l.Defects)
		}
	}
}

// TestInteropRequirement01Postfix: the signatures hold behind a real server,
// which has put its own fields above them.
func TestInteropRequirement01Postfix(t *testing.T) {
	o, _ := letterTo(t, "检察要闻周报", oneReader)
	arrived := o.only("reader00@staff.example.org")
	whole := strings.ReplaceAll(arrived, "\n", "\r\n") // a Maildir has the line ends of the system
	if !strings.Contains(whole, "\r\nReceived: from ") || !strings.Contains(whole, " with ESMTPS ") {
		t.Errorf("it did not come over TLS: %s", whole[:min(len(whole), 2000)])
	}
	said := dkimpy(t, o.dns, map[string]string{"arrived": whole, "changed": strings.Replace(whole, "Precedence: bulk", "Precedence: list", 1)})
	if fmt.Sprint(said) != "map[arrived:[true true true] changed:[false false false]]" {
		t.Errorf("%v", said)
	}
}

// TestInteropRequirement15SpamAssassin has it judge, by its local rules, mails as
// Postfix delivered them.
func TestInteropRequirement15SpamAssassin(t *testing.T) {
	spamassassin := tool(t, "spamassassin")
	for _, format := range []string{"html", "text"} {
		o, _ := letterTo(t, "检察要闻周报", strings.Replace(oneReader, "}", ", format: "+format+"}", 1))
		cmd := exec.Command(spamassassin, "--local", "--test-mode", "--nocreate-prefs")
		cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "LC_ALL=C.UTF-8")
		cmd.Stdin = strings.NewReader(o.only("reader00@staff.example.org"))
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		status := regexp.MustCompile(`(?s)X-Spam-Status: \w+, score=(-?[\d.]+) .*?tests=(.*?)\s+autolearn`).FindSubmatch(out)
		if status == nil {
			t.Fatalf("no verdict in %s", out)
		}
		score, err := strconv.ParseFloat(string(status[1]), 64)
		t.Logf("%s: %s by %s", format, status[1], strings.Join(strings.Fields(string(status[2])), ""))
		if err != nil || score > 0 {
			_, details, _ := strings.Cut(string(out), "Content analysis details")
			t.Errorf("%s: score %s: %s", format, status[1], details)
		}
	}
}
