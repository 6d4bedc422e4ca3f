package mail

import (
	"bytes"
	"html"
	"regexp"
	"strings"
	"unicode"
)

// maxRecipients bounds the recipients of one report.
const maxRecipients = 100

// recipientsOf reads the groups of a delivery status but the first, which is
// about the mail (RFC 3464 section 2.1). Servers that leave the first out, or
// melt it into the second, are understood too.
func recipientsOf(body []byte) []fields {
	var groups []fields
	for len(body) > 0 && len(groups) < maxRecipients {
		var group fields
		group, body = cutHead(bytes.TrimLeft(body, "\r\n"))
		if group.get("Action") != "" || group.get("Status") != "" || group.get("Final-Recipient") != "" {
			groups = append(groups, group)
		}
	}
	return groups
}

// judgeStatus takes the worst of what the recipients met with: ours had one
// recipient, and the others are whom its address stands for.
func (f *found) judgeStatus(b *Bounce) {
	rank := map[BounceKind]int{NoBounce: 1, SoftBounce: 2, HardBounce: 3}
	worst := 0
	for _, group := range f.statuses {
		words := squeeze(afterType(group.get("Diagnostic-Code")))
		status := findStatus(group.get("Status"))
		if in := findStatus(words); in != "" && (status == "" || strings.HasSuffix(status, ".0.0")) && (status == "" || in[0] == status[0]) {
			status = in
		}
		kind := NoBounce
		if failed(group.get("Action"), status) {
			kind = judge(status, words)
		}
		if rank[kind] > worst {
			worst = rank[kind]
			b.Kind, b.Status, b.Diagnostic = kind, status, clip(words)
			if b.Recipient = addressOf(group.get("Final-Recipient")); b.Recipient == "" {
				b.Recipient = addressOf(group.get("Original-Recipient"))
			}
		}
	}
}

// failed reads an action; a server that names none means its status.
func failed(action, status string) bool {
	action, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(action)), " ")
	switch action {
	case "delayed", "delivered", "relayed", "expanded":
		return false
	case "failed":
		return true
	}
	return strings.HasPrefix(status, "5")
}

// complaint reads a feedback report. not-spam takes a complaint back, and
// auth-failure (RFC 6591) is about signatures.
func (f *found) complaint(b *Bounce) {
	b.Diagnostic = clip(squeeze(f.feedback.get("Feedback-Type")))
	if t := strings.ToLower(b.Diagnostic); t != "not-spam" && t != "auth-failure" {
		b.Kind = Complaint
	}
	b.Recipient = addressOf(f.feedback.get("Original-Rcpt-To"))
	// Feedback loops write to the address they were registered with, and name the
	// return path here.
	if from := addressOf(f.feedback.get("Original-Mail-From")); from != "" {
		b.To = append(b.To, from)
	}
}

// afterType leaves out the type before a typed value: smtp; rfc822; x-…;
func afterType(value string) string {
	if kind, rest, ok := strings.Cut(value, ";"); ok && !strings.ContainsAny(strings.TrimSpace(kind), " @<") {
		return strings.TrimSpace(rest)
	}
	return value
}

func addressOf(value string) string {
	address := strings.Trim(squeeze(afterType(value)), "<> ")
	if len(address) > 320 {
		return ""
	}
	return address
}

// clip keeps 500 characters.
func clip(s string) string {
	n := 0
	for i := range s {
		if n++; n > 500 {
			return s[:i]
		}
	}
	return s
}

var (
	breaks = regexp.MustCompile(`(?i)<(?:br|/p|/div|/tr|/li|/h[1-6]|/td)\b[^>]*>`)
	unseen = regexp.MustCompile(`(?is)<(?:style|script)\b.*?</(?:style|script)>`)
	tags   = regexp.MustCompile(`<[^>]*>`)
)

// plain is the text of a part for people, without markup.
func plain(e *entity) string {
	text := e.text()
	if e.kind == "text/html" {
		text = breaks.ReplaceAllString(unseen.ReplaceAllString(text, ""), "\n")
		text = html.UnescapeString(tags.ReplaceAllString(text, ""))
	}
	return text
}

// squeeze makes one line of UTF-8.
func squeeze(s string) string {
	return strings.Join(strings.FieldsFunc(decodeCharset("", []byte(s)), func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
}

var (
	enhanced = regexp.MustCompile(`(?:^|[^0-9A-Za-z.])([245]\.[0-9]{1,3}\.[0-9]{1,3})`)
	goesOn   = regexp.MustCompile(`^\.?[0-9]`)
)

// findStatus finds an enhanced status code (RFC 3463), and not an IP address.
func findStatus(text string) string {
	for _, at := range enhanced.FindAllStringSubmatchIndex(text, 8) {
		if !goesOn.MatchString(text[at[3]:]) {
			return text[at[2]:at[3]]
		}
	}
	return ""
}
