package config

import (
	"cmp"
	"math"
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
	addressHead = regexp.MustCompile(`(?i)(?:(?:postgres(?:ql)?|smtps?):/*|[a-z][a-z0-9+.-]*://|\b(?:store|relay)["']?\s*:\s*["']?(?:(?:postgres(?:ql)?|smtps?|sqlite):/*|[a-z][a-z0-9+.-]*://)?)[^\s:/?#@="']*`)
	keyOfNext   = regexp.MustCompile(`\b(?:store|relay)["']?\s*:\s*[|>]?[+-]?\s*$`) // the address stands in the next line
	http        = regexp.MustCompile(`(?i)^https?:`)
	userinfo    = regexp.MustCompile(`[^\s:]:(?:[^\s/]|/[^\s/])\S*@`) // user:password@ in any address
	quoted      = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'`)
	opens       = regexp.MustCompile(`(?:^|[\s,\[{:])$`)
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

// mask gives the last of the lines without what may be a secret, and the column
// that the one given has then.
func mask(lines []string, column int) (string, int) {
	line, spans := hidden(lines)
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

// hidden is the last of the lines and what of it is not to be shown.
func hidden(lines []string) (string, []span) {
	line := strings.TrimRight(lines[len(lines)-1], "\r")
	if continuesSecret(lines) {
		return line, united(line, []span{{len(indent(line)), len(line)}})
	}
	if len(lines) > 1 && keyOfNext.MatchString(lines[len(lines)-2]) {
		const key = "store: "
		spans := secrets(key + line)
		for i := range spans {
			spans[i].from, spans[i].to = spans[i].from-len(key), spans[i].to-len(key)
		}
		return line, spans
	}
	return line, secrets(line)
}

// columns are the first that the span takes, from 1, and how many.
func (s span) columns(line string) (first, width int) {
	return utf8.RuneCountInString(line[:s.from]) + 1, utf8.RuneCountInString(line[s.from:s.to])
}

// secrets are the parts of a line that may be one, in order.
func secrets(line string) []span {
	var all []span
	for _, m := range keyOfValue.FindAllStringSubmatchIndex(line, -1) {
		if secretKey(line[m[2]:m[3]]) {
			all = append(all, value(line, m[1]))
		}
	}
	for _, m := range addressHead.FindAllStringIndex(line, -1) {
		v := value(line, m[1])
		rest := line[v.from:max(v.from, v.to)]
		if !http.MatchString(line[m[0]:]) && (strings.Contains(rest, ":") || secretWord.MatchString(rest)) {
			v.from += strings.IndexAny(rest, ":=?") + 1
			all = append(all, v)
		}
	}
	for _, m := range userinfo.FindAllStringIndex(line, -1) {
		all = append(all, value(line, m[0]+strings.IndexByte(line[m[0]:], ':')+1))
	}
	return united(line, all)
}

// value is the part of the line from an octet of a value on: to the end of the
// quotes that it stands in, or of the line, as nobody knows where it ends.
func value(line string, from int) span {
	for _, q := range quoted.FindAllStringIndex(line, -1) {
		if q[0] <= from && from < q[1] && opens.MatchString(line[:q[0]]) && closes.MatchString(line[q[1]:]) {
			return span{max(from, q[0]+1), q[1] - 1}
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
	return secretWord.MatchString(key) || editDistance(key, "password") < 3 || editDistance(key, "store_password") < 3
}

// continuesSecret tells whether the last of the lines goes on with a secret that
// an earlier one began: all from there on lie deeper, or hold no key.
func continuesSecret(lines []string) bool {
	least := math.MaxInt // depth of the keys since
	for i := len(lines) - 1; i >= 0 && least > 0; i-- {
		line, depth := lines[i], len(indent(lines[i]))
		if i < len(lines)-1 && depth < least && !strings.HasPrefix(line[depth:], "#") && beginsSecret(line) {
			return true
		}
		if strings.ContainsAny(line, ":：") {
			least = min(least, depth)
		}
	}
	return false
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
	if lines := strings.Split(d.text, "\n"); t.Position.Line <= len(lines) {
		line, spans := hidden(lines[:t.Position.Line])
		for _, s := range spans {
			if first, width := s.columns(line); t.Position.Column >= first && t.Position.Column < first+width {
				return masked
			}
		}
	}
	text, _ := mask([]string{t.Value}, 1)
	return text
}
