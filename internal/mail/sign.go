package mail

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Key is a private key, and the selector under which its public half is found.
type Key struct {
	Selector string
	Signer   crypto.Signer
}

// Signer signs mails for a domain by DKIM (RFC 6376), once with each of its keys:
// rsa-sha256, and ed25519-sha256 (RFC 8463) for those who know it. It is safe for
// concurrent use. A nil Signer leaves mails as they are.
type Signer struct {
	domain string
	keys   []Key
	now    func() time.Time
}

// NewSigner refuses keys that receivers would, and two under one selector.
func NewSigner(domain string, keys []Key, now func() time.Time) (*Signer, error) {
	if !IsDomain(domain) {
		return nil, fmt.Errorf("%q is not a domain", domain)
	}
	if len(keys) == 0 {
		return nil, errors.New("there is no key to sign with")
	}
	seen := map[string]bool{}
	for _, k := range keys {
		if _, err := kindOf(k.Signer); err != nil {
			return nil, fmt.Errorf("selector %s: %w", k.Selector, err)
		}
		if !IsDomain(k.Selector) || seen[k.Selector] {
			return nil, fmt.Errorf("%q is not a selector, or has two keys", k.Selector)
		}
		seen[k.Selector] = true
	}
	keys = slices.Clone(keys)
	slices.SortStableFunc(keys, func(a, b Key) int { return cmp.Compare(rank(a), rank(b)) })
	return &Signer{domain: domain, keys: keys, now: now}, nil
}

// rank puts RSA first: some receivers judge by the first signature alone.
func rank(k Key) int {
	if kind, _ := kindOf(k.Signer); kind == RSA {
		return 0
	}
	return 1
}

// Message gives the mail with its signatures in front.
func (s *Signer) Message(m Message) (Message, error) {
	if s == nil {
		return m, nil
	}
	fields, err := s.Sign(m.Data)
	if err != nil {
		return Message{}, err
	}
	m.Data = append(fields, m.Data...)
	return m, nil
}

// Sign gives the header fields to put in front of a message, one for each key. A
// message whose lines do not all end in CRLF is refused: a relay would mend it,
// and the signature would no longer hold.
func (s *Signer) Sign(message []byte) (fields []byte, err error) {
	head, body, ok := bytes.Cut(message, []byte("\r\n\r\n"))
	if n := bytes.Count(message, []byte("\r\n")); !ok || n != bytes.Count(message, []byte("\n")) || n != bytes.Count(message, []byte("\r")) {
		return nil, errors.New("the mail has no end of its header, or a line that does not end in CRLF")
	}
	names, signed, err := pick(string(head))
	if err != nil {
		return nil, err
	}
	hash := bodyHash(body) // the costly part besides RSA, so once for all keys
	for _, k := range s.keys {
		if fields, err = s.appendField(fields, k, names, signed, hash); err != nil {
			return nil, err
		}
	}
	return fields, nil
}

// bodyHash is of the body in simple canonicalization (RFC 6376 section 3.4.3):
// base64 lines hold no white space that anybody would change.
func bodyHash(body []byte) string {
	for bytes.HasSuffix(body, []byte("\r\n")) {
		body = body[:len(body)-2]
	}
	h := sha256.New()
	h.Write(body)
	h.Write([]byte("\r\n"))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// appendField makes the signature with one key (RFC 6376 section 3.7).
func (s *Signer) appendField(to []byte, k Key, names []string, signed, bodyHash string) ([]byte, error) {
	kind, err := kindOf(k.Signer)
	if err != nil {
		return nil, err
	}
	field := fmt.Sprintf("DKIM-Signature: v=1; a=%s-sha256; c=relaxed/simple;\r\n d=%s;\r\n s=%s; t=%d;\r\n h=%s;\r\n bh=%s;\r\n b=",
		kind, s.domain, k.Selector, s.now().Unix(), foldNames(names), bodyHash)
	digest := sha256.Sum256([]byte(signed + relaxed(field)))
	how := crypto.SHA256
	if kind == Ed25519 {
		how = 0 // the digest is what is signed, RFC 8463 section 3
	}
	signature, err := k.Signer.Sign(rand.Reader, digest[:], how)
	if err != nil {
		return nil, fmt.Errorf("selector %s: %w", k.Selector, err)
	}
	to = append(to, field...)
	b := base64.StdEncoding.EncodeToString(signature)
	for ; len(b) > 72; b = b[72:] {
		to = append(to, b[:72]+"\r\n  "...)
	}
	return append(to, b+"\r\n"...), nil
}
