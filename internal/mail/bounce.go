package mail

import (
	"errors"
	"regexp"
	"slices"
	"strings"
)

// BounceKind is what a mail that came back means.
type BounceKind string

// The kinds of mail that come to the return path.
const (
	HardBounce BounceKind = "hard"      // the address does not exist or takes nothing any more
	SoftBounce BounceKind = "soft"      // could not be delivered, may work another time
	Complaint  BounceKind = "complaint" // somebody called it abuse, RFC 5965
	NoBounce   BounceKind = "none"      // delays, receipts, automatic replies, people's replies, anything else
)

// Bounce is what a mail that came back says. Anybody may have written it: it is
// to be trusted only as far as its return path is (VERP).
type Bounce struct {
	Kind       BounceKind
	To         []string // addresses the report was sent to, best first; then the return path that a complaint names
	Recipient  string   // the address that failed, as reported; may be empty
	MessageID  string   // of the mail that came back, without brackets; may be empty
	Status     string   // enhanced status code, RFC 3463, such as 5.1.1
	Diagnostic string   // the remote server's words, one line, at most 500 characters
}

// ParseBounce reads a mail that came to the return path. envelopeTo is the
// recipient of its envelope, or empty. Only what is no mail at all, without a
// header, is an error.
func ParseBounce(raw []byte, envelopeTo string) (Bounce, error) {
	m := (&reader{left: maxParts}).entity(raw[:min(len(raw), maxMail)], 0)
	if len(m.head) == 0 {
		return Bounce{}, errors.New("no mail: it has no header")
	}
	var f found
	f.walk(m)
	b := Bounce{Kind: NoBounce, To: sentTo(m.head, envelopeTo)}
	switch {
	case f.feedback != nil:
		f.complaint(&b)
	case f.receipt: // RFC 8098: somebody opened it, or deleted it
	case len(f.statuses) > 0:
		f.judgeStatus(&b)
	default:
		f.judgeNotice(&b, m)
	}
	if b.MessageID = f.messageID; b.MessageID == "" && b.Kind != NoBounce {
		b.MessageID = bareID(m.head.get("In-Reply-To"))
	}
	return b, nil
}

// found is what a mail holds that tells of another.
type found struct {
	statuses  []fields // RFC 3464, one for each recipient
	feedback  fields   // RFC 5965
	receipt   bool     // RFC 8098
	returned  bool     // the mail that came back, or its header, has been found
	messageID string   // of that
	text      string   // for people, before the mail that came back
}

// walk looks into multiparts, and not into mails within mails: a report that
// somebody forwards is no report.
func (f *found) walk(e *entity) {
	for _, part := range e.parts {
		f.walk(part)
	}
	switch e.kind {
	case "message/delivery-status", "message/global-delivery-status":
		f.statuses = append(f.statuses, recipientsOf(e.body)...)
	case "message/feedback-report":
		f.feedback, _ = cutHead(e.body)
	case "message/disposition-notification", "message/global-disposition-notification":
		f.receipt = true
	case "message/rfc822", "message/global", "message/rfc822-headers", "message/global-headers", "text/rfc822-headers", "text/rfc822":
		f.takeReturned(e.body)
	case "text/plain", "text/html":
		if !f.returned && (f.text == "" || e.kind == "text/plain") && len(f.text) < maxText {
			f.text += plain(e) + "\n"
		}
	default:
		if strings.HasSuffix(strings.ToLower(e.params["name"]), ".eml") {
			f.takeReturned(e.body)
		}
	}
}

func (f *found) takeReturned(body []byte) {
	head, _ := cutHead(body)
	f.returned = true
	if f.messageID == "" {
		f.messageID = bareID(head.get("Message-Id"))
	}
}

// bareID is the first id of a field, without brackets; an id with anything but
// printable ASCII in it is none.
func bareID(value string) string {
	id := strings.TrimPrefix(value, "<")
	if end := strings.IndexAny(id, "> \t"); end >= 0 {
		id = id[:end]
	}
	if len(id) > 250 || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return ""
	}
	return id
}

var anAddress = regexp.MustCompile(`[^\s\x00-\x1f\x7f<>"'(),;:@\[\]（），：；、“”]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+`)

// maxTo bounds the addresses looked at in each header field.
const maxTo = 20

func sentTo(head fields, envelope string) []string {
	values := []string{envelope}
	for _, name := range []string{"Delivered-To", "X-Original-To", "Envelope-To", "To"} {
		values = append(values, head.all(name)...)
	}
	var to []string
	for _, value := range values[:min(len(values), maxTo)] {
		for _, a := range anAddress.FindAllString(decodeCharset("", []byte(value)), maxTo) {
			if !slices.Contains(to, a) {
				to = append(to, a)
			}
		}
	}
	return to
}
