package mail

import (
	"bytes"
	"errors"
	"fmt"
	netmail "net/mail"
	"net/textproto"
	"strings"
)

// What a signature covers. A name that is listed once more than the header has
// it lets nobody add one: who shows a mail may show the one that was added.

// sealed are the fields that a reader acts on or sees.
func sealed() []string {
	return []string{"From", "To", "Cc", "Reply-To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type",
		"Content-Transfer-Encoding", "List-Unsubscribe", "List-Unsubscribe-Post"}
}

// covered are signed as they are; relays and mailing lists may add their own.
func covered() []string {
	return []string{"List-Id", "Auto-Submitted", "Precedence", "Feedback-ID"}
}

// maxNames keeps the line of the names, which is not folded, within 998 octets
// (RFC 5322 section 2.1.1).
const maxNames = 998 - len(" h=;")

// signedNames gives the names to sign. A header with anything but fields is
// refused, and one with another number of From than one.
func signedNames(message []byte) (names []string, err error) {
	m, err := netmail.ReadMessage(bytes.NewReader(message))
	if err != nil {
		return nil, errors.New("the mail has no header, or a line in it that is no field") // which is not told: it may hold a secret
	}
	for name := range m.Header {
		if strings.ContainsFunc(name, notInName) {
			return nil, errors.New("the header of the mail has a field whose name is none")
		}
	}
	count := func(name string) int { return len(m.Header[textproto.CanonicalMIMEHeaderKey(name)]) }
	if n := count("From"); n != 1 {
		return nil, fmt.Errorf("the mail has %d fields From; it must have one", n)
	}
	for _, name := range sealed() {
		for range count(name) + 1 {
			names = append(names, name)
		}
	}
	for _, name := range covered() {
		for range count(name) {
			names = append(names, name)
		}
	}
	if len(strings.Join(names, ":")) > maxNames {
		return nil, errors.New("the mail has too many fields to sign")
	}
	return names, nil
}

// notInName tells what cannot stand in the name of a field (RFC 5322 section
// 3.6.8), a space before the colon included: not all read that alike.
func notInName(r rune) bool { return r <= ' ' || r > '~' }
