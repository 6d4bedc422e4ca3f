package mail

import (
	"bytes"
	"cmp"
	"crypto"
	"errors"
	"fmt"
	"slices"

	"github.com/emersion/go-msgauth/dkim"
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
}

// NewSigner refuses keys that receivers would, and two under one selector.
func NewSigner(domain string, keys []Key) (*Signer, error) {
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
	return &Signer{domain: domain, keys: keys}, nil
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
	if n := bytes.Count(message, []byte("\r\n")); n != bytes.Count(message, []byte("\n")) || n != bytes.Count(message, []byte("\r")) {
		return nil, errors.New("the mail has a line that does not end in CRLF")
	}
	names, err := signedNames(message)
	if err != nil {
		return nil, err
	}
	for _, k := range s.keys {
		field, err := s.signature(k, names, message)
		if err != nil {
			return nil, fmt.Errorf("selector %s: %w", k.Selector, err)
		}
		fields = append(fields, field...)
	}
	return fields, nil
}

// signature is relaxed/simple: header fields may be folded anew on the way, but
// base64 lines hold no white space that anybody would change.
func (s *Signer) signature(k Key, names []string, message []byte) (string, error) {
	to, err := dkim.NewSigner(&dkim.SignOptions{Domain: s.domain, Selector: k.Selector, Signer: k.Signer, HeaderKeys: names,
		HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationSimple})
	if err != nil {
		return "", err
	}
	_, err = to.Write(message)
	if closed := to.Close(); err == nil { // it waits for a goroutine, so always
		err = closed
	}
	if err != nil {
		return "", err
	}
	return to.Signature(), nil
}
