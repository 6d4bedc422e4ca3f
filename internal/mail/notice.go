package mail

import (
	"regexp"
	"strings"
)

// judgeNotice reads what servers wrote before RFC 3464, and some still write:
// words for people. It is a bounce only if it comes from a mail system, is about
// a mail that was not delivered, and is not an answer of a person or a machine.
func (f *found) judgeNotice(b *Bounce, m *entity) {
	text := f.beforeReturned()
	n := notice{subject: strings.ToLower(m.head.decoded("Subject")), text: strings.ToLower(text), head: m.head, report: m.params["report-type"] == "delivery-status"}
	if !n.isBounce() || n.isDelay() {
		return
	}
	line := refusal(text)
	if b.Status = findStatus(line); b.Status == "" {
		b.Status = findStatus(text)
	}
	if b.Kind = judge(b.Status, line); b.Kind == SoftBounce && b.Status == "" && !saysWhy(line) {
		b.Kind = judge("", text)
	}
	b.Diagnostic = clip(squeeze(line))
	b.Recipient = failedAddress(m.head, text, b.To)
}

var (
	// copied is where the copy of the mail begins in a text.
	copied    = regexp.MustCompile(`(?im)^[ \t>]*(?:-{2,} ?below this line is a copy|-{2,} ?this is a copy of|-{2,} ?original message|-{2,} ?the (?:body|header|message)|-{2,} ?the header and|-{2,} ?returned message|original message follows|(?:return-path|received): ?\S|-{2,} ?(?:原始邮件|原邮件|邮件原文|以下是原邮件))`)
	itsID     = regexp.MustCompile(`(?im)^[ \t>]*message-id:[ \t]*(?:\r?\n[ \t]+)?(<[^>\s]+>)`)
	replyCode = regexp.MustCompile(`(?:^|[^0-9.@a-z-])([45][0-9][0-9])(?:[ \-:#,，：]|$)`)
	qmail     = regexp.MustCompile(`^\s*hi\. this is the .{0,60}(?:program|deliver)`)
)

// beforeReturned cuts the text where the mail that came back begins, and takes
// its id: nothing that we wrote ourselves may judge the address.
func (f *found) beforeReturned() string {
	at := copied.FindStringIndex(f.text)
	if at == nil {
		return f.text
	}
	if id := itsID.FindStringSubmatch(f.text[at[0]:]); id != nil && f.messageID == "" {
		f.messageID = bareID(id[1])
	}
	return f.text[:at[0]]
}

type notice struct {
	subject, text string // lower-case
	head          fields
	report        bool
}

func (n notice) isBounce() bool {
	if hasPrefix(n.subject, "自动回复", "自动答复", "automatic reply", "auto reply", "auto-reply", "autoreply", "out of office", "out-of-office",
		"re:", "re：", "fw:", "fwd:", "aw:", "回复", "答复", "转发") {
		return false
	}
	if n.head.get("X-Autoreply") != "" || n.head.get("X-Autorespond") != "" || strings.EqualFold(n.head.get("Precedence"), "auto_reply") {
		return false
	}
	about := contains(n.subject, "undeliver", "delivery status notification", "delivery fail", "delivery has failed", "delivery failed", "failure notice", "mail failure",
		"returned mail", "returned to sender", "mail system error", "not delivered", "could not be delivered", "not be sent", "nondeliverable", "non-deliverable",
		"退信", "退回", "未送达", "未能送达", "无法送达", "无法投递", "投递失败", "未传递", "传递失败", "发送失败") || qmail.MatchString(n.text)
	switch {
	case n.head.get("X-Failed-Recipients") != "", n.report:
		return true
	case n.fromMailSystem():
		return about || contains(n.text, "could not be delivered", "couldn't be delivered", "wasn't able to deliver", "was not delivered", "unable to deliver",
			"undeliverable", "cannot be delivered", "permanent fatal error", "did not reach", "delivery to the following", "退信", "退回", "无法投递", "无法送达", "未送达", "投递失败")
	case strings.TrimSpace(n.head.get("Return-Path")) == "<>":
		return about
	}
	return false
}

func (n notice) fromMailSystem() bool {
	from := strings.ToLower(n.head.decoded("From"))
	address := anAddress.FindString(from)
	local, _, _ := strings.Cut(address, "@")
	return hasPrefix(local, "mailer-daemon", "mailerdaemon", "mailer_daemon", "mail-daemon", "mdaemon", "postmaster", "microsoftexchange") ||
		contains(from, "mail delivery system", "mail delivery subsystem", "mailer-daemon")
}

// isDelay tells whether the server goes on trying.
func (n notice) isDelay() bool {
	return contains(n.subject, "delayed", "delivery delay", "warning: ", "(delay)", "延迟") ||
		contains(n.text, "this is a warning message only", "you do not need to resend", "do not need to resend your message", "no action is required on your part", "will keep trying", "继续尝试投递")
}

// refusal is the line that says why: the one with a reply code, or else with an
// enhanced status code or words that are known.
func refusal(text string) string {
	lines := strings.Split(text, "\n")
	for _, says := range []func(string) bool{
		func(line string) bool { return replyCode.MatchString(strings.ToLower(line)) && saysWhy(line) },
		func(line string) bool { return replyCode.MatchString(strings.ToLower(line)) && findStatus(line) != "" },
		func(line string) bool { return findStatus(line) != "" },
		saysWhy,
		func(line string) bool { return replyCode.MatchString(strings.ToLower(line)) },
		func(line string) bool { return strings.TrimSpace(line) != "" },
	} {
		for _, line := range lines {
			if says(line) {
				return line
			}
		}
	}
	return ""
}

// failedAddress is the address that a notice names first, its own aside.
func failedAddress(head fields, text string, to []string) string {
	if a := anAddress.FindString(decodeCharset("", []byte(head.get("X-Failed-Recipients")))); a != "" {
		return a
	}
	own := strings.ToLower(strings.Join(to, " ") + " " + head.get("From"))
	for _, a := range anAddress.FindAllString(text, maxTo) {
		if local, _, _ := strings.Cut(strings.ToLower(a), "@"); !strings.Contains(own, strings.ToLower(a)) && local != "postmaster" {
			return a
		}
	}
	return ""
}

func contains(s string, phrases ...string) bool {
	for _, phrase := range phrases {
		if strings.Contains(s, phrase) {
			return true
		}
	}
	return false
}

func hasPrefix(s string, phrases ...string) bool {
	s = strings.TrimSpace(s)
	for _, phrase := range phrases {
		if strings.HasPrefix(s, phrase) {
			return true
		}
	}
	return false
}
