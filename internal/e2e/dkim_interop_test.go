//go:build interop

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"jianxun/internal/mail"
)

// dkimScript says of each signature of each mail whether python3-dkim takes it.
const dkimScript = `
import dkim, json, sys
asked = json.load(sys.stdin)
def record(name, timeout=5):
    return asked["DNS"].get(name.decode().rstrip("."), "").encode()
def verifies(text, i):
    try:
        return dkim.DKIM(text.encode()).verify(idx=i, dnsfunc=record)
    except dkim.DKIMException as e:
        return False
def whole(text):
    return dkim.verify(text.encode(), dnsfunc=record)
print(json.dumps({name: [whole(m)] + [verifies(m, i) for i in range(m.count("DKIM-Signature:"))] for name, m in asked["Mails"].items()}))
`

// dkimpy asks python3-dkim: of each mail whether dkim.verify takes it, and then
// each signature.
func dkimpy(t *testing.T, dns, mails map[string]string) map[string][]bool {
	t.Helper()
	python := "/usr/bin/python3" // Debian's, which has the Debian packages
	if err := exec.Command(python, "-c", "import dkim, nacl").Run(); err != nil {
		tool(t, "python3-dkim") // fails, or names what is missing
	}
	asked, err := json.Marshal(map[string]any{"DNS": dns, "Mails": mails})
	if err != nil {
		t.Fatal(err)
	}
	said := map[string][]bool{}
	if out := command(t, string(asked), python, "-c", dkimScript); json.Unmarshal([]byte(out), &said) != nil {
		t.Fatal(out)
	}
	return said
}

// keyPair makes a key of each kind with the program. It gives the records for
// the DNS, and what to configure below mail.
func keyPair(s *site) (dns map[string]string, config string) {
	s.t.Helper()
	dns = map[string]string{}
	for selector, kind := range map[string]string{"s1": "rsa", "s2": "ed25519"} {
		var made struct{ Name, Value string }
		s.data(&made, "mail", "dkim-key", "--type", kind, "keys/"+selector+".pem")
		dns[made.Name] = made.Value
	}
	return dns, "  dkim:\n    - {selector: s2, key_file: keys/s2.pem}\n    - {selector: s1, key_file: keys/s1.pem}\n"
}

const fromExample = "mail:\n  from: 检察要闻周报 <digest@example.org>\n"

func TestInteropRequirement01DkimOfALetter(t *testing.T) {
	s := newSite(t, fromExample)
	dns, keys := keyPair(s)
	s.configure(fromExample + keys)
	s.must("mail", "test", "someone@example.org")
	list, err := filepath.Glob(filepath.Join(s.dir, "var/mail/*.eml"))
	if err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	letter := read(t, list[0])
	at := strings.LastIndex(strings.TrimRight(letter, "\r\n"), "\r\n") + 2
	said := dkimpy(t, dns, map[string]string{"letter": letter, "changed": letter[:at] + "x" + letter[at+1:]})
	if fmt.Sprint(said) != "map[changed:[false false false] letter:[true true true]]" {
		t.Errorf("%v", said)
	}
}

// digestFields is the header of a digest.
func digestFields() []string {
	return []string{"From: =?utf-8?q?=E6=A3=80=E5=AF=9F?= <digest@example.org>", "To: =?utf-8?q?=E5=BC=A0=E4=B8=89?=\r\n <zhang@example.org>",
		"Subject: =?utf-8?q?=E8=A6=81?=\r\n =?utf-8?q?=E9=97=BB?=", "Date: Mon, 23 Nov 2026 08:00:00 +0800", "Message-ID: <weekly.2026-47.abc@example.org>",
		"MIME-Version: 1.0", "Content-Type: text/plain; charset=UTF-8", "Content-Transfer-Encoding: base64", "List-Id: =?utf-8?q?=E8=A6=81?= <weekly.example.org>",
		"List-Unsubscribe: <https://news.example.org/u/abc>", "List-Unsubscribe-Post: List-Unsubscribe=One-Click", "Auto-Submitted: auto-generated",
		"Precedence: bulk", "Feedback-ID: 47:weekly:jianxun:example.org"}
}

// TestInteropRequirement03Dkim changes every field and the body of a mail.
func TestInteropRequirement03Dkim(t *testing.T) {
	s := newSite(t, fromExample)
	dns, _ := keyPair(s)
	var keys []mail.Key
	for _, selector := range []string{"s1", "s2"} {
		text, err := os.ReadFile(filepath.Join(s.dir, "keys", selector+".pem"))
		if err != nil {
			t.Fatal(err)
		}
		key, err := mail.ParseKey(text)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, mail.Key{Selector: selector, Signer: key})
	}
	signer, err := mail.NewSigner("example.org", keys)
	if err != nil {
		t.Fatal(err)
	}
	fields, body := digestFields(), "\r\n\r\n"+strings.Repeat("5qOA5a+f6KaB6Ze7DQo=\r\n", 100)
	whole := strings.Join(fields, "\r\n") + body
	signed, err := signer.Sign([]byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	mails := map[string]string{"as it is": string(signed) + whole, "body": string(signed) + strings.Join(fields, "\r\n") + body[:500] + "A" + body[501:],
		"unsubscribe added": string(signed) + "List-Unsubscribe: <https://evil.example/>\r\n" + whole, "from added": string(signed) + "From: x@evil.example\r\n" + whole}
	for _, f := range fields {
		name, _, _ := strings.Cut(f, ":")
		changed := f[:len(f)-2] + string(f[len(f)-2]^1) + f[len(f)-1:]
		mails[name] = string(signed) + strings.Replace(whole, f, changed, 1)
	}
	for name, said := range dkimpy(t, dns, mails) {
		want := fmt.Sprint([]bool{name == "as it is", name == "as it is", name == "as it is"})
		if fmt.Sprint(said) != want {
			t.Errorf("%s: %v, want %s", name, said, want)
		}
	}
}
