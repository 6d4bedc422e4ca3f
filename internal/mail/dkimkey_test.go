package mail

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"regexp"
	"strings"
	"testing"
)

func TestKeysAreReadAsTheyWereMade(t *testing.T) {
	for _, kind := range []KeyKind{RSA, Ed25519} {
		key, text, err := NewKey(kind)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseKey(text)
		if err != nil || !again.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(key.Public()) {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if _, _, err := NewKey("dsa"); !errors.Is(err, ErrKeyKind) {
		t.Error(err)
	}
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func TestParseKeyTakesWhatOthersWriteAndSaysWhatIsWrong(t *testing.T) {
	long, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p256, err := x509.MarshalPKCS8PrivateKey(curve)
	if err != nil {
		t.Fatal(err)
	}
	pkcs1 := block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(long))
	for _, c := range []struct {
		name string
		text []byte
		want error
	}{
		{"PKCS #1", pkcs1, nil},
		{"words before it", append([]byte("Key of example.org\n"), pkcs1...), nil},
		{"the public half before it", append(block("PUBLIC KEY", []byte("x")), pkcs1...), nil},
		{"empty", nil, ErrNoKey},
		{"only a public half", block("PUBLIC KEY", []byte("x")), ErrNoKey},
		{"cut off", pkcs1[:len(pkcs1)/2], ErrNoKey},
		{"damaged", block("PRIVATE KEY", []byte("x")), ErrNoKey},
		{"1024 bits", block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(short)), ErrShortKey},
		{"a curve", block("PRIVATE KEY", p256), ErrKeyKind},
		{"a curve of its own form", block("EC PRIVATE KEY", []byte("x")), ErrKeyKind},
		{"encrypted", block("ENCRYPTED PRIVATE KEY", []byte("x")), ErrEncrypted},
		{"encrypted long ago", pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-128-CBC,00"}, Bytes: []byte("x")}), ErrEncrypted},
	} {
		if _, err := ParseKey(c.text); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

func TestRecordsSayWhatTheStandardsWant(t *testing.T) {
	s := newSigning(t)
	r, err := RecordOf("example.org", s.rsa)
	if err != nil || r.Name != "s1._domainkey.example.org" || !regexp.MustCompile(`^v=DKIM1; k=rsa; p=MII[A-Za-z0-9+/]{300,400}={0,2}$`).MatchString(r.Value) {
		t.Errorf("%+v, %v", r, err)
	}
	parts := regexp.MustCompile(`"([^"]*)"`).FindAllStringSubmatch(r.Zone(), -1)
	whole := ""
	for _, p := range parts {
		if whole += p[1]; len(p[1]) > 255 {
			t.Errorf("a string of %d octets", len(p[1]))
		}
	}
	if whole != r.Value || len(parts) != 2 || !strings.HasPrefix(r.Zone(), "s1._domainkey.example.org. IN TXT ( \"v=DKIM1;") {
		t.Error(r.Zone())
	}
	r, err = RecordOf("example.org", s.ed)
	if err != nil || !regexp.MustCompile(`^v=DKIM1; k=ed25519; p=[A-Za-z0-9+/]{43}=$`).MatchString(r.Value) {
		t.Errorf("%+v, %v", r, err)
	}
}

// The example of RFC 8463, appendix A.2.
func TestRecordOfTheStandardsExample(t *testing.T) {
	const der = "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g"
	key, err := ParseKey([]byte("-----BEGIN PRIVATE KEY-----\n" + der + "\n-----END PRIVATE KEY-----\n"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := RecordOf("football.example.com", Key{"brisbane", key})
	if err != nil || r.Name != "brisbane._domainkey.football.example.com" || r.Value != "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestDomains(t *testing.T) {
	for s, want := range map[string]bool{"example.org": true, "a": true, "xn--fsqu00a.cn": true, "s1.2026": true, "": false, ".org": false, "a..b": false, "a b": false,
		"a_b": false, "-a.org": false, "a-": false, "检察.cn": false, "a;b": false, strings.Repeat("a", 64): false, strings.Repeat("a.", 127) + "a": false} {
		if IsDomain(s) != want {
			t.Errorf("%q: %v", s, !want)
		}
	}
}

// FuzzParseKey: whatever the file holds, a key that is taken can sign.
func FuzzParseKey(f *testing.F) {
	_, text, err := NewKey(Ed25519)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte("-----BEGIN RSA PRIVATE KEY-----\n\n-----END RSA PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		key, err := ParseKey(text)
		if err != nil {
			return
		}
		if _, err := RecordOf("example.org", Key{"s1", key}); err != nil {
			t.Error(err)
		}
	})
}
