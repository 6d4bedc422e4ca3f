package mail

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-msgauth/dkim"
)

// signing is a domain with a key of each kind.
type signing struct {
	rsa, ed Key
	dns     map[string]string
}

func newSigning(t testing.TB) signing {
	t.Helper()
	s := signing{dns: map[string]string{}}
	for _, k := range []struct {
		to       *Key
		selector string
		kind     KeyKind
	}{{&s.rsa, "s1", RSA}, {&s.ed, "s2", Ed25519}} {
		key, _, err := NewKey(k.kind)
		if err != nil {
			t.Fatal(err)
		}
		*k.to = Key{k.selector, key}
		r, err := RecordOf("example.org", *k.to)
		if err != nil {
			t.Fatal(err)
		}
		s.dns[r.Name] = r.Value
	}
	return s
}

func (s signing) signer(t testing.TB, keys ...Key) *Signer {
	t.Helper()
	signer, err := NewSigner("example.org", keys)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// verify gives what a receiver would say of each signature of a mail.
func (s signing) verify(t testing.TB, mail []byte) []*dkim.Verification {
	t.Helper()
	all, err := dkim.VerifyWithOptions(bytes.NewReader(mail), &dkim.VerifyOptions{LookupTXT: func(name string) ([]string, error) {
		if v, ok := s.dns[name]; ok {
			return []string{v}, nil
		}
		return nil, fmt.Errorf("no record %s", name)
	}})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// everyField is the header of a digest, folded and with tabs as others may write
// it; everyBody is a body with empty lines at its end.
func everyField() []string {
	return []string{"From: =?utf-8?q?=E6=A3=80=E5=AF=9F?= <digest@example.org>", "To:  =?utf-8?q?=E5=BC=A0=E4=B8=89?=\r\n <zhang@example.org>", "Subject: =?utf-8?q?=E8=A6=81?=\r\n\t=?utf-8?q?=E9=97=BB?=",
		"Date: Mon, 23 Nov 2026 08:00:00 +0800", "Message-ID: <weekly.2026-47.abc@example.org>", "MIME-Version: 1.0", "Content-Type: text/plain; charset=UTF-8",
		"Content-Transfer-Encoding: base64", "List-Id: =?utf-8?q?=E8=A6=81?= <weekly.example.org>", "List-Unsubscribe: <https://news.example.org/u/abc>",
		"List-Unsubscribe-Post: List-Unsubscribe=One-Click", "Auto-Submitted: auto-generated", "Precedence: bulk", "Feedback-ID: 47:weekly:jianxun:example.org"}
}

func everyBody() string { return "5qOA5a+f6KaB6Ze7DQo=\r\n5qOA5a+f6KaB6Ze7DQo=\r\n\r\n\r\n" }

func message(fields []string, body string) Message {
	return Message{From: "digest@example.org", To: "zhang@example.org", Data: []byte(strings.Join(fields, "\r\n") + "\r\n\r\n" + body)}
}

func TestRequirement01BothSignaturesOverEveryFieldVerify(t *testing.T) {
	s := newSigning(t)
	m, err := s.signer(t, s.ed, s.rsa).Message(message(everyField(), everyBody()))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(m.Data, []byte("DKIM-Signature: a=rsa-sha256; ")) {
		t.Errorf("RSA does not come first: %.60s", m.Data)
	}
	all := s.verify(t, m.Data)
	if len(all) != 2 {
		t.Fatalf("%d signatures", len(all))
	}
	for _, v := range all {
		if v.Err != nil || v.Domain != "example.org" || v.Time.IsZero() {
			t.Errorf("%+v", v)
		}
		for _, f := range everyField() {
			name, _, _ := strings.Cut(f, ":")
			if !slices.ContainsFunc(v.HeaderKeys, func(k string) bool { return strings.EqualFold(k, name) }) {
				t.Errorf("%s is not signed", name)
			}
		}
	}
	for line := range bytes.Lines(m.Data) {
		if len(line) > 998+2 || !bytes.HasSuffix(line, []byte("\r\n")) || bytes.Count(line, []byte("\r")) != 1 {
			t.Errorf("line %q", line)
		}
	}
}

// A letter has no list, and an empty body is a body too.
func TestRequirement01AbsentFieldsDoNoHarm(t *testing.T) {
	s := newSigning(t)
	for _, body := range []string{"", "\r\n", "\r\n\r\n", "x", "x\r\n"} {
		m, err := s.signer(t, s.rsa, s.ed).Message(message(everyField()[:2], body))
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range s.verify(t, m.Data) {
			if v.Err != nil {
				t.Errorf("body %q: %v", body, v.Err)
			}
		}
	}
}

func TestRequirement02BothUnsubscribeFieldsAreSigned(t *testing.T) {
	s := newSigning(t)
	m, err := s.signer(t, s.rsa, s.ed).Message(message(everyField(), everyBody()))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range s.verify(t, m.Data) {
		for _, name := range []string{"List-Unsubscribe", "List-Unsubscribe-Post"} {
			n := 0
			for _, k := range v.HeaderKeys {
				if strings.EqualFold(k, name) {
					n++
				}
			}
			if n != 2 {
				t.Errorf("%s is listed %d times; twice keeps others from adding one", name, n)
			}
		}
	}
}

func TestRequirement03AChangedByteFails(t *testing.T) {
	s := newSigning(t)
	fields := everyField()
	m := message(fields, everyBody())
	signatures, err := s.signer(t, s.rsa, s.ed).Sign(m.Data)
	if err != nil {
		t.Fatal(err)
	}
	changed := map[string]Message{"the body": message(fields, strings.Replace(everyBody(), "5", "4", 1)), "a longer body": message(fields, everyBody()+"x\r\n")}
	for i, f := range fields {
		last := len(f) - 2
		other := slices.Clone(fields)
		other[i] = f[:last] + string(f[last]^1) + f[last+1:]
		changed[other[i]] = message(other, everyBody())
		changed["without "+f] = message(slices.Delete(slices.Clone(fields), i, i+1), everyBody())
	}
	for _, name := range sealed() {
		changed["another "+name] = message(append([]string{name + ": x"}, fields...), everyBody())
	}
	for what, m := range changed {
		for _, v := range s.verify(t, append(slices.Clone(signatures), m.Data...)) {
			if v.Err == nil {
				t.Errorf("%s: verifies", what)
			}
		}
	}
}

// What relays do to a mail on its way is no change.
func TestFoldingAndFieldsOfRelaysDoNoHarm(t *testing.T) {
	s := newSigning(t)
	m := message(everyField(), everyBody())
	signatures, err := s.signer(t, s.rsa, s.ed).Sign(m.Data)
	if err != nil {
		t.Fatal(err)
	}
	fields := everyField()
	fields[4] = "message-id:\r\n <weekly.2026-47.abc@example.org> "
	fields = append([]string{"Received: from a by b", "List-Id: <outer.example.net>", "Feedback-ID: outer"}, fields...)
	for _, v := range s.verify(t, append(signatures, message(fields, everyBody()+"\r\n").Data...)) {
		if v.Err != nil {
			t.Error(v.Err)
		}
	}
}

func TestMailsThatCannotBeSignedAreRefused(t *testing.T) {
	s := newSigning(t)
	signer := s.signer(t, s.ed)
	for _, m := range []string{"", "From: a@b\r\n", "To: a@b\r\n\r\n", "From: a@b\r\nFrom: c@d\r\n\r\n", "From: a@b\r\n\r\nx\ny\r\n", "From: a@b\r\n\r\nx\ry\r\n", "From: a@b\r\nx\r\n\r\n", " From: a@b\r\n\r\n",
		"From : a@b\r\n\r\n", "From: a@b\r\nFrom\t: c@d\r\n\r\n"} {
		if fields, err := signer.Sign([]byte(m)); err == nil {
			t.Errorf("%q: %s", m, fields)
		}
	}
	if m, err := (*Signer)(nil).Message(Message{Data: []byte("x")}); err != nil || string(m.Data) != "x" {
		t.Errorf("without keys: %q, %v", m.Data, err)
	}
}

// Nothing folds the list of names, so it ends before its line gets too long.
func TestLinesOfSignaturesStayWithin998Octets(t *testing.T) {
	s := newSigning(t)
	signer := s.signer(t, s.ed)
	longest := 0
	for fields := everyField(); ; fields = append(fields, "Cc: <cc@example.org>") {
		signature, err := signer.Sign(message(fields, everyBody()).Data)
		if err != nil {
			break
		}
		for line := range bytes.Lines(signature) {
			longest = max(longest, len(line)-len("\r\n"))
		}
		if longest > 998 {
			t.Fatalf("a line of %d octets", longest)
		}
	}
	if longest < 998-len("Cc:") {
		t.Errorf("refused after a line of %d octets", longest)
	}
}

func TestSignersRefuseKeysThatReceiversWould(t *testing.T) {
	s := newSigning(t)
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		domain string
		keys   []Key
	}{
		"no domain": {"", []Key{s.rsa}}, "no key": {"example.org", nil}, "nil": {"example.org", []Key{{"s1", nil}}}, "1024 bits": {"example.org", []Key{{"s1", short}}},
		"no selector": {"example.org", []Key{{"", s.rsa.Signer}}}, "two keys": {"example.org", []Key{s.rsa, {"s1", s.ed.Signer}}}, "line feed": {"example.org\r\nX: y", []Key{s.rsa}},
	} {
		if _, err := NewSigner(c.domain, c.keys); err == nil {
			t.Errorf("%s is taken", what)
		}
	}
}

func TestSignIsSafeForConcurrentUse(t *testing.T) {
	s := newSigning(t)
	signer := s.signer(t, s.rsa, s.ed)
	m := message(everyField(), everyBody())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			signed, err := signer.Message(m)
			if err != nil {
				t.Error(err)
				return
			}
			for _, v := range s.verify(t, signed.Data) {
				if v.Err != nil {
					t.Error(v.Err)
				}
			}
		})
	}
	wg.Wait()
}

// FuzzSign: what is signed verifies, whatever stands in header and body.
func FuzzSign(f *testing.F) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	s := signing{ed: Key{"s2", key}, dns: map[string]string{"s2._domainkey.example.org": "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey))}}
	f.Add(strings.Join(everyField(), "\r\n"), everyBody())
	f.Add("From : a\r\nTO:\t\r\n  b \r\nto:c", " \r\n\r\n")
	f.Add("From:a", "")
	f.Fuzz(func(t *testing.T, head, body string) {
		m, err := s.signer(t, s.ed).Message(Message{Data: []byte(head + "\r\n\r\n" + body)})
		if err != nil || len(m.Data) > 1<<20 {
			return
		}
		for _, v := range s.verify(t, m.Data)[:1] { // the header may hold signatures of its own
			if v.Err != nil {
				t.Errorf("%q: %v", m.Data, v.Err)
			}
		}
	})
}

// BenchmarkSign signs a mail of 59 KB.
func BenchmarkSign(b *testing.B) {
	s := newSigning(b)
	line := strings.Repeat("5qOA", 19) + "\r\n"
	m := message(everyField(), strings.Repeat(line, 59*1024/len(line)))
	for _, c := range []struct {
		name string
		keys []Key
	}{{"rsa", []Key{s.rsa}}, {"ed25519", []Key{s.ed}}, {"both", []Key{s.rsa, s.ed}}} {
		signer := s.signer(b, c.keys...)
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := signer.Sign(m.Data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
