package mail

import (
	"errors"
	"fmt"
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

// pick gives the names to sign, and the fields of these in the same order,
// canonicalized. Of fields of one name the last is taken first (RFC 6376 section
// 5.4.2).
func pick(head string) (names []string, signed string, err error) {
	fields, err := fieldsOf(head)
	if err != nil {
		return nil, "", err
	}
	if len(fields["from"]) != 1 {
		return nil, "", fmt.Errorf("the mail has %d fields From; it must have one", len(fields["from"]))
	}
	var b strings.Builder
	take := func(name string, more int) {
		all := fields[strings.ToLower(name)]
		for i := len(all) - 1; i >= 0; i-- {
			b.WriteString(all[i] + "\r\n")
		}
		for range len(all) + more {
			names = append(names, name)
		}
	}
	for _, name := range sealed() {
		take(name, 1)
	}
	for _, name := range covered() {
		take(name, 0)
	}
	return names, b.String(), nil
}

// fieldsOf gives the fields of a header, canonicalized, by their names in small
// letters.
func fieldsOf(head string) (map[string][]string, error) {
	fields := map[string][]string{}
	lines := strings.Split(head, "\r\n")
	for i := 0; i < len(lines); {
		end := i + 1
		for end < len(lines) && lines[end] != "" && isSpace(rune(lines[end][0])) {
			end++
		}
		field := strings.Join(lines[i:end], "\r\n")
		name, _, ok := strings.Cut(field, ":")
		name = strings.ToLower(strings.TrimRightFunc(name, isSpace))
		if !ok || name == "" || strings.IndexFunc(name, notInName) >= 0 {
			return nil, errors.New("the header of the mail has a line that is no field")
		}
		fields[name] = append(fields[name], relaxed(field))
		i = end
	}
	return fields, nil
}

// relaxed is relaxed header canonicalization (RFC 6376 section 3.4.2) without the
// line end: folding and white space may change on the way.
func relaxed(field string) string {
	name, value, _ := strings.Cut(field, ":")
	return strings.ToLower(strings.TrimRightFunc(name, isSpace)) + ":" + strings.Join(strings.FieldsFunc(value, isSpace), " ")
}

func isSpace(r rune) bool { return r == ' ' || r == '\t' || r == '\r' || r == '\n' }

// notInName tells what cannot stand in the name of a field (RFC 5322 section 3.6.8).
func notInName(r rune) bool { return r <= ' ' || r > '~' }

// foldNames joins names to a list that keeps lines within 78 octets.
func foldNames(names []string) string {
	var b strings.Builder
	column := len(" h=")
	for i, name := range names {
		if i > 0 {
			b.WriteByte(':')
			if column++; column+len(name) > 76 {
				b.WriteString("\r\n  ")
				column = 2
			}
		}
		b.WriteString(name)
		column += len(name)
	}
	return b.String()
}
