package news

import (
	"net/mail"
	"strings"
	"time"
)

// SubscriberState is whether a person may be written to.
type SubscriberState string

// The states of a subscriber. Only an active one receives mail.
const (
	Pending      SubscriberState = "pending"
	Active       SubscriberState = "active"
	Unsubscribed SubscriberState = "unsubscribed"
	Bounced      SubscriberState = "bounced"
)

// MailFormat is the form of digest a person wants.
type MailFormat string

// The formats. FormatHTML carries the plain text beside it.
const (
	FormatHTML MailFormat = "html"
	FormatText MailFormat = "text"
)

// Subscriber is a person or an office that receives digests.
type Subscriber struct {
	ID       string // UUID of the normalised address
	Email    string // as written
	Name     string
	Unit     string
	Digests  []string // slugs
	Columns  []string // empty: all
	Keywords []string
	Format   MailFormat
	Until    time.Time // last day, exclusive end of it; zero: no end
	State    SubscriberState
	Listed   bool // on the current list; a person taken off it gets nothing
	Origin   ListOrigin
	Chosen   *Preferences // nil: nothing; the fields above are what the list says
}

// ListOrigin tells which list a subscriber came from.
type ListOrigin string

// The lists: the configuration's subscribers file, imported spreadsheets, and
// people who subscribed themselves.
const (
	FromFile   ListOrigin = "file"
	FromImport ListOrigin = "import"
	FromSelf   ListOrigin = "self"
)

// NormalEmail is the form in which addresses are compared: lower case.
// RFC 5321 lets local parts differ by case; no mail system in use does.
func NormalEmail(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

// SubscriberID is the identity of an address.
func SubscriberID(email string) string {
	return ArticleID("subscriber\x1f" + NormalEmail(email))
}

// CheckEmail tells what is wrong with an address, or nil. Only the plain form
// name@domain is accepted, in ASCII (RFC 5321 section 4.1.2), with a domain of
// two labels or more, or localhost.
func CheckEmail(email string) error {
	a, err := mail.ParseAddress(email)
	if err != nil || a.Name != "" || a.Address != email || strings.ContainsAny(email, "<> \t\"[]") {
		return Errorf(Invalid, "%q is not an e-mail address such as name@example.org", email)
	}
	for _, r := range email {
		if r > 0x7e || r < 0x21 {
			return Errorf(Invalid, "%q holds a character that mail servers do not accept; write the domain in its xn-- form", email)
		}
	}
	local, domain, _ := strings.Cut(email, "@")
	if len(local) > 64 || len(domain) > 253 || (!strings.Contains(strings.Trim(domain, "."), ".") && domain != "localhost") {
		return Errorf(Invalid, "%q is not an e-mail address such as name@example.org", email)
	}
	return nil
}
