package news

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// CleanText removes what may not stand in XML 1.0 (section 2.2) or has no
// business in text: invalid UTF-8, control characters, byte order marks,
// zero-width spaces and direction overrides. Line feeds and tabs stay,
// carriage returns become line feeds.
func CleanText(s string) string {
	if clean(s) {
		return s
	}
	s = strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\r' || r == '\u2028' || r == '\u2029':
			return '\n'
		case unwanted(r):
			return -1
		}
		return r
	}, s)
}

// clean tells whether CleanText has nothing to do. Whole pages go through it.
func clean(s string) bool {
	for i := 0; i < len(s); {
		if c := s[i]; c >= 0x20 && c < 0x7f || c == '\n' || c == '\t' {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:]) // RuneError, which is unwanted, when it is not UTF-8
		if r == '\u2028' || r == '\u2029' || unwanted(r) {
			return false
		}
		i += size
	}
	return true
}

func unwanted(r rune) bool {
	switch {
	case r == '\n' || r == '\t':
		return false
	case r < 0x20 || r >= 0x7f && r < 0xa0:
		return true
	case r == '\u200b' || r == '\ufeff' || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069:
		return true
	case r&0xfffe == 0xfffe || r >= 0xfdd0 && r <= 0xfdef || r == utf8.RuneError:
		return true // noncharacters, and what stands for undecodable octets
	}
	return false
}

// OneLine is s cleaned, with every run of white space made one space.
func OneLine(s string) string {
	return strings.Join(strings.FieldsFunc(CleanText(s), unicode.IsSpace), " ")
}
