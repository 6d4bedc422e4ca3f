package mail

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"strings"
)

// KeyKind is an algorithm of DKIM keys, as DNS records name it.
type KeyKind string

// The kinds. All receivers know RSA.
const (
	RSA     KeyKind = "rsa"
	Ed25519 KeyKind = "ed25519"
)

// minRSA is the least size in bits: large receivers refuse smaller keys.
const minRSA = 2048

// What may be wrong with a key.
var (
	ErrNoKey     = errors.New("there is no private key in PEM form (PKCS #8 or PKCS #1)")
	ErrEncrypted = errors.New("the private key is encrypted")
	ErrKeyKind   = errors.New("the private key is neither RSA nor Ed25519")
	ErrShortKey  = errors.New("the RSA key has less than 2048 bits")
)

// NewKey makes a key, of 2048 bits if it is RSA, and its text: PKCS #8 in PEM.
func NewKey(kind KeyKind) (key crypto.Signer, text []byte, err error) {
	switch kind {
	case RSA:
		key, err = rsa.GenerateKey(rand.Reader, minRSA)
	case Ed25519:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		err = ErrKeyKind
	}
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	return key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// ParseKey reads the first private key of a PEM text. Its errors are the four
// above.
func ParseKey(text []byte) (crypto.Signer, error) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		var key any
		var err error
		switch {
		case block.Type == "ENCRYPTED PRIVATE KEY", block.Headers["DEK-Info"] != "":
			return nil, ErrEncrypted
		case block.Type == "PRIVATE KEY":
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case block.Type == "RSA PRIVATE KEY":
			key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		case strings.HasSuffix(block.Type, " PRIVATE KEY"):
			return nil, ErrKeyKind
		default:
			continue // a certificate or a public half beside it
		}
		if err != nil {
			return nil, ErrNoKey
		}
		signer, ok := key.(crypto.Signer)
		if !ok {
			return nil, ErrKeyKind
		}
		_, err = kindOf(signer)
		return signer, err
	}
	return nil, ErrNoKey
}

// kindOf refuses keys that receivers would.
func kindOf(key crypto.Signer) (KeyKind, error) {
	if key == nil {
		return "", ErrNoKey
	}
	switch public := key.Public().(type) {
	case *rsa.PublicKey:
		if public.N.BitLen() < minRSA {
			return RSA, ErrShortKey
		}
		return RSA, nil
	case ed25519.PublicKey:
		return Ed25519, nil
	}
	return "", ErrKeyKind
}

// Record is what a domain publishes of a key: a TXT record of the DNS.
type Record struct{ Name, Value string }

// RecordOf gives the record of a domain's key (RFC 6376 section 3.6.1, RFC 8463
// section 4.2).
func RecordOf(domain string, k Key) (Record, error) {
	kind, err := kindOf(k.Signer)
	if err != nil {
		return Record{}, err
	}
	public, ok := k.Signer.Public().(ed25519.PublicKey)
	der := []byte(public)
	if !ok {
		if der, err = x509.MarshalPKIXPublicKey(k.Signer.Public()); err != nil {
			return Record{}, err
		}
	}
	return Record{Name: k.Selector + "._domainkey." + domain,
		Value: "v=DKIM1; k=" + string(kind) + "; p=" + base64.StdEncoding.EncodeToString(der)}, nil
}

// maxString is how much one string of a TXT record holds, in octets (RFC 1035
// section 3.3).
const maxString = 255

// Zone is the record as a line of a zone file.
func (r Record) Zone() string {
	var parts []string
	rest := r.Value
	for ; len(rest) > maxString; rest = rest[maxString:] {
		parts = append(parts, `"`+rest[:maxString]+`"`)
	}
	return r.Name + ". IN TXT ( " + strings.Join(append(parts, `"`+rest+`"`), " ") + " )"
}

// IsDomain tells whether s can stand in the DNS, as the name of a domain or as a
// selector.
func IsDomain(s string) bool {
	for _, label := range strings.Split(s, ".") {
		if len(label) == 0 || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.Trim(label, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" {
			return false
		}
	}
	return len(s) <= 253
}
