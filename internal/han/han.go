// Package han handles Chinese text without a dictionary: where sentences end,
// which punctuation belongs between Han characters, how much fits. Its functions
// are pure, never fail, and keep any text they do not understand as it is.
package han

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Is tells whether r is a Han character.
func Is(r rune) bool { return unicode.Is(unicode.Han, r) }

const (
	enders  = "。！？!?…；;"
	closers = "”’」』）】》)\"'"
)

// Sentences cuts a paragraph after its sentence marks, which stay, together
// with the quotes and brackets that close behind them. A mark inside brackets
// or quotes that are still open does not end a sentence.
func Sentences(paragraph string) []string {
	var all []string
	for _, s := range pieces(paragraph) {
		if s = strings.TrimSpace(s); s != "" {
			all = append(all, s)
		}
	}
	return all
}

// pieces are the sentences with the spaces before them: joined they are the
// paragraph.
func pieces(paragraph string) []string {
	var all []string
	begin, depth := 0, 0
	runes := []rune(paragraph)
	for i, r := range runes {
		switch {
		case strings.ContainsRune("“「『（【《(", r):
			depth++
		case strings.ContainsRune("”」』）】》)", r):
			depth = max(0, depth-1)
		}
		next := rune(0)
		if i+1 < len(runes) {
			next = runes[i+1]
		}
		if endsAt(runes, i) && depth == 0 && !strings.ContainsRune(closers+enders, next) {
			all = append(all, string(runes[begin:i+1]))
			begin = i + 1
		}
	}
	return append(all, string(runes[begin:]))
}

// maxClosers is how many quotes and brackets may close behind a mark; a hostile
// text has a hundred thousand of them.
const maxClosers = 8

// endsAt tells whether the sentence ends with the rune at i or with the mark
// that the closers before i stand behind.
func endsAt(runes []rune, i int) bool {
	for back := 0; i > 0 && back < maxClosers && strings.ContainsRune(closers, runes[i]); back++ {
		i--
	}
	inWord := i+1 < len(runes) && isASCIILetterOrDigit(runes[i+1])
	switch runes[i] {
	case '.': // a full stop after Han, not a decimal point or an abbreviation
		return i > 0 && Is(runes[i-1]) && !inWord
	case '?', '!': // not within an address
		return !inWord
	}
	return strings.ContainsRune("。！？…", runes[i])
}

// Clip gives the first sentences of text that fit into limit characters, or,
// when the first is longer, the clauses of it that do, with an ellipsis. Nothing
// is cut inside a clause unless a single one is longer than limit.
func Clip(text string, limit int) string {
	text = strings.TrimSpace(text)
	var b strings.Builder
	length := 0
	for _, s := range pieces(text) {
		if length += utf8.RuneCountInString(s); length > limit {
			break
		}
		b.WriteString(s)
	}
	if b.Len() > 0 || text == "" {
		return b.String()
	}
	runes := []rune(text)
	cut := limit - 1
	for i := min(limit-1, len(runes)) - 1; i > 0; i-- {
		if strings.ContainsRune("，、；：,;:", runes[i]) {
			cut = i
			break
		}
	}
	return string(runes[:max(0, min(cut, len(runes)))]) + "…"
}

func isASCIILetterOrDigit(r rune) bool {
	return r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r))
}
