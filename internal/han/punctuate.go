package han

import "strings"

// Punctuate gives the ASCII marks that stand between Han characters their
// full-width form: 会议,强调 becomes 会议，强调. Marks inside numbers, addresses
// and Latin text stay as they are. It is for display; stored text is kept as it came.
func Punctuate(text string) string {
	if !strings.ContainsAny(text, ",;:?!()") {
		return text
	}
	return string(punctuate([]rune(text)))
}

func punctuate(runes []rune) []rune {
	widenBrackets(runes) // first: the other marks look at them
	wide := map[rune]rune{',': '，', ';': '；', ':': '：', '?': '？', '!': '！'}
	for i, r := range runes {
		if w, ok := wide[r]; ok && chinese(runes, i-1) && !latin(runes, i+1) {
			runes[i] = w
		}
	}
	return runes
}

// chinese tells whether the rune at i is Han or a mark of Chinese text.
func chinese(runes []rune, i int) bool {
	return i >= 0 && (Is(runes[i]) || strings.ContainsRune("”’」』）】》％…", runes[i]))
}

// latin tells whether what follows belongs to an address or a Latin word, not
// to Chinese text.
func latin(runes []rune, i int) bool {
	return i < len(runes) && (runes[i] == '/' || i+2 < len(runes) && runes[i] == ' ' && runes[i+1] < 0x80)
}

// maxBrackets is how far apart a pair of brackets may stand.
const maxBrackets = 200

// widenBrackets gives the pairs that hold Han characters their full width.
func widenBrackets(runes []rune) {
	var open []int
	for i, r := range runes {
		switch {
		case r == '(':
			open = append(open, i)
		case r == ')' && len(open) > 0:
			begin := open[len(open)-1]
			open = open[:len(open)-1]
			if i-begin < maxBrackets && hasHan(runes[begin+1:i]) {
				runes[begin], runes[i] = '（', '）'
			}
		}
	}
}

func hasHan(runes []rune) bool {
	for _, r := range runes {
		if Is(r) {
			return true
		}
	}
	return false
}

// PunctuateHTML does the same for clean HTML: tags and character references
// stay untouched.
func PunctuateHTML(html string) string {
	var b strings.Builder
	for html != "" {
		text, rest := html, ""
		if i := strings.IndexAny(html, "<&"); i >= 0 {
			text, rest = html[:i], html[i:]
		}
		b.WriteString(Punctuate(text))
		end := 0
		if rest != "" {
			end = strings.IndexByte(rest, map[byte]byte{'<': '>', '&': ';'}[rest[0]]) + 1
			if end == 0 {
				end = len(rest)
			}
		}
		b.WriteString(rest[:end])
		html = rest[end:]
	}
	return b.String()
}
