package news

import (
	"encoding/xml"
	"io"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCleanText(t *testing.T) {
	for s, want := range map[string]string{
		"":                            "",
		"检察 要闻\t一\n二":                 "检察 要闻\t一\n二",
		"a\r\nb\rc\u2028d\u2029e":     "a\nb\nc\nd\ne",
		"\ufeff甲\u200b乙\u202e丙\u2066": "甲乙丙",
		"甲\x00\x08\x1b\x7f\u0085乙":    "甲乙",
		"甲\xff\xfe乙\xe6\xa3":          "甲乙",
		"甲\ufffd\ufffe\U0001ffff乙":    "甲乙",
		"𠮷\u3000\u00a0。":              "𠮷\u3000\u00a0。",
		"عربي \u200d👨\u200d👩":         "عربي \u200d👨\u200d👩", // joiners carry meaning
	} {
		if got := CleanText(s); got != want {
			t.Errorf("%q: got %q, want %q", s, got, want)
		}
	}
}

func TestOneLine(t *testing.T) {
	for s, want := range map[string]string{"": "", " 　甲\r\n\u00a0乙\t\t丙 ": "甲 乙 丙", "甲\u200b乙": "甲乙"} {
		if got := OneLine(s); got != want {
			t.Errorf("%q: got %q, want %q", s, got, want)
		}
	}
}

func FuzzCleanText(f *testing.F) {
	for _, s := range []string{"甲\r\n乙", "\xff\u200b", "a\r\u200b\n", "\ufeff\ufffe\U0010ffff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := CleanText(s)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return !inXML(r) }) {
			t.Errorf("%q became %q", s, got)
		}
		if again := CleanText(got); again != got {
			t.Errorf("%q became %q and then %q", s, got, again)
		}
		d := xml.NewDecoder(strings.NewReader("<a><![CDATA[" + strings.ReplaceAll(got, ">", "") + "]]></a>"))
		for {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%q: %v", got, err)
			}
		}
		if line := OneLine(s); line != OneLine(line) || strings.Contains(line, "\n") {
			t.Errorf("%q became %q", s, line)
		}
	})
}

// inXML is the production Char of XML 1.0, section 2.2.
func inXML(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xd7ff || r >= 0xe000 && r <= 0xfffd || r >= 0x10000 && r <= 0x10ffff
}
