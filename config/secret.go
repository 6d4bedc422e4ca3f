package config

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
)

// Faults are read over shoulders, and logs by many: what may be a secret is
// shown in neither. A file with faults need not be YAML, so this goes by how
// lines look, and rather hides too much.

const masked = "***"

var (
	secretWord = regexp.MustCompile(`(?i)pass|pwd|psw|secret|密码|口令`)
	// A key in front of its value, also as 'password=…' in an address and with
	// the colon of a Chinese keyboard.
	keyOfValue = regexp.MustCompile(`([\p{L}\d_.-]+)["']?\s*[:=：＝]\s*`)
	// The head of an address, up to its user.
	addressHead = regexp.MustCompile(`(?i)(?:(?:postgres(?:ql)?|smtps?):/*|[a-z][a-z0-9+.-]*://|\b(?:store|relay|imap)["']?\s*:\s*["']?(?:(?:postgres(?:ql)?|smtps?|sqlite):/*|[a-z][a-z0-9+.-]*://)?)[^\s:/?#@="']*`)
	keyOfNext   = regexp.MustCompile(`\b(?:store|relay|imap)["']?\s*:\s*[|>]?[+-]?\s*$`) // the address stands in the next line
	http        = regexp.MustCompile(`(?i)^https?:`)
	userinfo    = regexp.MustCompile(`[^\s:]:(?:[^\s/]|/[^\s/])\S*@`) // user:password@ in any address
	quoted      = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'`)
	closes      = regexp.MustCompile(`^\s*(?:$|[,}\]#])`)
	plainHead   = regexp.MustCompile(`(?i)^(?:[a-z][a-z0-9+.-]*://)?[^\s:/?#@=]*`)
)

// redact keeps a password in the address of a relay or store out of messages.
// What could be a password or a port counts as a password.
func redact(address string) string {
	head := plainHead.FindString(address)
	rest := address[len(head):]
	at := strings.LastIndexByte(rest, '@')
	switch {
	case secretWord.MatchString(rest):
		return head + masked
	case at >= 0:
		host, _, _ := strings.Cut(rest[at:], "?")
		return head + host
	case strings.ContainsAny(rest, ":=?# \t") && strings.Trim(rest, ":/") != "":
		return head + masked
	}
	return address
}

// redactUser is redact for addresses on the web, whose ports are shown.
func redactUser(address string) string {
	if strings.Contains(address, "@") || secretWord.MatchString(address) {
		return redact(address)
	}
	return address
}

// span is a part of a line, in octets.
type span struct{ from, to int }

// mask gives a line without the spans, and the column that the one given has then.
func mask(line string, spans []span, column int) (string, int) {
	var b strings.Builder
	end, moved := 0, column
	for _, s := range spans {
		b.WriteString(line[end:s.from] + masked)
		end = s.to
		switch first, width := s.columns(line); {
		case column >= first+width:
			moved -= width - len(masked)
		case column >= first:
			moved -= column - first
		}
	}
	return b.String() + line[end:], moved
}

// hidden is line n of the file, from 1, and what of it is not to be shown.
func (d *document) hidden(n int) (string, []span) {
	if d.lines == nil {
		d.lines = strings.Split(d.text, "\n")
		d.goOn = continueSecrets(d.lines)
	}
	if n < 1 || n > len(d.lines) {
		return "", nil
	}
	line := strings.TrimRight(d.lines[n-1], "\r")
	if d.goOn[n-1] {
		return line, united(line, []span{{len(indent(line)), len(line)}})
	}
	if n == 1 || !keyOfNext.MatchString(d.lines[n-2]) {
		return line, secrets(line)
	}
	const key = "store: "
	spans := secrets(key + line)
	for i := range spans {
		spans[i].from, spans[i].to = spans[i].from-len(key), spans[i].to-len(key)
	}
	return line, spans
}

// columns are the first that the span takes, from 1, and how many.
func (s span) columns(line string) (first, width int) {
	return utf8.RuneCountInString(line[:s.from]) + 1, utf8.RuneCountInString(line[s.from:s.to])
}

// secrets are the parts of a line that may be one, in order.
func secrets(line string) []span {
	var all []span
	quotes := quotes(line)
	for _, m := range keyOfValue.FindAllStringSubmatchIndex(line, -1) {
		if secretKey(line[m[2]:m[3]]) {
			all = append(all, value(line, quotes, m[1]))
		}
	}
	for _, m := range addressHead.FindAllStringIndex(line, -1) {
		v := value(line, quotes, m[1])
		rest := line[v.from:max(v.from, v.to)]
		if !http.MatchString(line[m[0]:]) && (strings.Contains(rest, ":") || secretWord.MatchString(rest)) {
			v.from += strings.IndexAny(rest, ":=?") + 1
			all = append(all, v)
		}
	}
	for _, m := range userinfo.FindAllStringIndex(line, -1) {
		all = append(all, value(line, quotes, m[0]+strings.IndexByte(line[m[0]:], ':')+1))
	}
	return united(line, all)
}

// quotes are the parts of a line that stand in quotes, with these.
func quotes(line string) []span {
	var all []span
	for _, q := range quoted.FindAllStringIndex(line, -1) {
		opens := q[0] == 0 || strings.IndexByte(" \t,[{:", line[q[0]-1]) >= 0
		if opens && closes.MatchString(line[q[1]:]) {
			all = append(all, span{q[0], q[1]})
		}
	}
	return all
}

// value is the part of the line from an octet of a value on: to the end of the
// quotes that it stands in, or of the line, as nobody knows where it ends.
func value(line string, quotes []span, from int) span {
	for _, q := range quotes {
		if q.from <= from && from < q.to {
			return span{max(from, q.from+1), q.to - 1}
		}
	}
	return span{from, len(line)}
}

// united orders spans, drops those that hold nothing and joins those that overlap.
func united(line string, all []span) []span {
	slices.SortFunc(all, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var joined []span
	for _, s := range all {
		last := len(joined) - 1
		switch {
		case s.from >= s.to || strings.TrimSpace(line[s.from:s.to]) == "":
		case last >= 0 && s.from <= joined[last].to:
			joined[last].to = max(joined[last].to, s.to)
		default:
			joined = append(joined, s)
		}
	}
	return joined
}

// secretKey tells whether the value of a key is a secret, also of one that was
// mistyped.
func secretKey(key string) bool {
	key = strings.ToLower(key)
	return secretWord.MatchString(key) || editDistance(key, "password") < 3 || editDistance(key, "store_password") < 3 || editDistance(key, "imap_password") < 3
}

// continueSecrets tells of each line whether it goes on with a secret that an
// earlier one began: it lies deeper, or holds no key.
func continueSecrets(lines []string) []bool {
	goOn := make([]bool, len(lines))
	begun := -1 // depth of the key with the secret
	for i, line := range lines {
		depth := len(indent(line))
		if goOn[i] = begun >= 0 && (depth > begun || !strings.Contains(line, ":") && !strings.Contains(line, "：")); goOn[i] {
			continue
		}
		begun = -1
		if !strings.HasPrefix(line[depth:], "#") && beginsSecret(line) {
			begun = depth
		}
	}
	return goOn
}

func beginsSecret(line string) bool {
	for _, m := range keyOfValue.FindAllStringSubmatchIndex(line, -1) {
		if secretKey(line[m[2]:m[3]]) {
			return true
		}
	}
	return false
}

// indent is what stands in front of a line's first key.
func indent(line string) string { return line[:len(line)-len(strings.TrimLeft(line, " \t-"))] }

// shown is a key as it may be shown: what follows a password with a comma in it
// looks like one.
func (d *document) shown(key ast.Node) string {
	t := key.GetToken()
	line, spans := d.hidden(t.Position.Line)
	for _, s := range spans {
		if first, width := s.columns(line); t.Position.Column >= first && t.Position.Column < first+width {
			return masked
		}
	}
	text, _ := mask(t.Value, secrets(t.Value), 1)
	return text
}
