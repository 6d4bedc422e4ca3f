package app

import (
	netmail "net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"jianxun/config"
	"jianxun/internal/mail"
)

// signedSite writes a configuration with a key file of that text, and gives its path.
func signedSite(t *testing.T, keys, key string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"jianxun.yaml": "listen: 127.0.0.1:0\nops: {listen: \"\"}\nmail:\n  from: 检察 <a@example.org>\n" + keys, "s1.pem": key} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "jianxun.yaml")
}

func TestLettersAreSignedAndHaveTheReturnPath(t *testing.T) {
	file := signedSite(t, "  return_path: bounces@example.org\n  dkim: [{selector: s1, key_file: key.pem}]\n", "")
	if _, err := NewDKIMKey(file, DKIMWish{Domain: "example.org", Kind: "ed25519", File: filepath.Join(filepath.Dir(file), "key.pem")}); err != nil {
		t.Fatal(err)
	}
	a, err := New(t.Context(), Options{ConfigFile: file})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	_, folder, err := a.MailTest(t.Context(), "zhang@example.org")
	if err != nil {
		t.Fatal(err)
	}
	list, err := filepath.Glob(folder + "/*.eml")
	if err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	f, err := os.Open(list[0])
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	m, err := netmail.ReadMessage(f)
	if err != nil {
		t.Fatal(err)
	}
	s := m.Header.Get("DKIM-Signature")
	for _, tag := range []string{"a=ed25519-sha256; ", " d=example.org; ", " s=s1; "} {
		if !strings.Contains(s, tag) {
			t.Errorf("signature %q is without %q", s, tag)
		}
	}
	out, err := a.gen.Load().outgoing(mail.Message{Data: []byte("From: a@example.org\r\n\r\nx\r\n")})
	if err != nil || out.From != "bounces@example.org" {
		t.Errorf("the envelope is from %s, %v", out.From, err)
	}
}

// A start, a reload and check refuse what receivers would not count.
func TestRequirement04IsRefusedAtStart(t *testing.T) {
	for _, c := range []struct{ mail, where, says string }{
		{"  dkim: [{selector: s1, key_file: s1.pem}]\n", ":5:35", "no private key in PEM form"},
		{"  dkim: [{selector: s1, key_file: s1.pem, domain: example.net}]\n", ":5:51", "receivers do not count the signature (DMARC)"},
		{"  return_path: b@example.net\n", ":5:16", "receivers do not count SPF (DMARC)"},
	} {
		file := signedSite(t, c.mail, "nothing")
		a, err := New(t.Context(), Options{ConfigFile: file})
		if err == nil {
			t.Errorf("%s: taken, stopped with %v", c.mail, a.Stop(t.Context()))
			continue
		}
		if faults := faultsOf(err); len(faults) == 0 || !strings.HasSuffix(faults[0].Where(), c.where) || !strings.Contains(faults.Error(), c.says) {
			t.Errorf("%s: %v", c.mail, err)
		}
		cfg, err := config.Load(file, CheckCron)
		if err == nil {
			err = CheckKeys(cfg)
		}
		if faults := faultsOf(err); len(faults) == 0 || !strings.HasSuffix(faults[0].Where(), c.where) {
			t.Errorf("check: %v", err)
		}
	}
}

func TestEveryUnusableKeyIsNamed(t *testing.T) {
	file := signedSite(t, "  dkim:\n    - {selector: s1, key_file: s1.pem}\n    - {selector: s2, key_file: s1.pem}\n", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMA==\n-----END ENCRYPTED PRIVATE KEY-----\n")
	cfg, err := config.Load(file, CheckCron)
	if err != nil {
		t.Fatal(err)
	}
	faults := faultsOf(CheckKeys(cfg))
	if len(faults) != 2 || faults[0].Line != 6 || faults[1].Line != 7 || !strings.Contains(faults[1].Error(), "is encrypted") {
		t.Errorf("%v", faults)
	}
}
