package han

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestBigrams(t *testing.T) {
	for text, want := range map[string][]string{
		"":           nil,
		"，。！":        nil,
		"检":          {"检"},
		"检察机关":       {"检察", "察机", "机关", "关"},
		"检察，机关":      {"检察", "察", "机关", "关"},
		"5G时代 WHO发布": {"5g", "时代", "代", "who", "发布", "布"},
		"ＡＢＣ１２３":     {"abc123"},
		"２０２６年":      {"2026", "年"},
		"a-b_c":      {"a", "b", "c"},
		"二〇二六年":      {"二〇", "〇二", "二六", "六年", "年"},
	} {
		if got := Bigrams(text); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestPhrases(t *testing.T) {
	for query, want := range map[string][]Phrase{
		"":       nil,
		" ， ":    nil,
		"检":      {{Words: []string{"检"}, Prefix: true}},
		"检察":     {{Words: []string{"检察"}}},
		"检察机关":   {{Words: []string{"检察", "察机", "机关"}}},
		"公益 诉讼":  {{Words: []string{"公益"}}, {Words: []string{"诉讼"}}},
		"5G时代":   {{Words: []string{"5g", "时代"}}},
		"时代5G":   {{Words: []string{"时代", "代", "5g"}}},
		"WHO发":   {{Words: []string{"who", "发"}, Prefix: true}},
		"“公益”诉讼": {{Words: []string{"公益", "益", "诉讼"}}},
	} {
		got := Phrases(query)
		if !slices.EqualFunc(got, want, func(a, b Phrase) bool { return a.Prefix == b.Prefix && slices.Equal(a.Words, b.Words) }) {
			t.Errorf("%q: got %v, want %v", query, got, want)
		}
	}
}

// FuzzPhrases holds the promise of the index: whatever stretch of a text is
// asked for, as long as it begins where a word does, its phrase is in the text.
func FuzzPhrases(f *testing.F) {
	f.Add("检察机关依法履职，WHO发布5G时代报告。", 3, 4)
	f.Fuzz(func(t *testing.T, text string, from, length int) {
		runes := []rune(text)
		if !utf8.ValidString(text) || from < 0 || length < 1 || from+length < 0 || from+length > len(runes) || strings.ContainsFunc(text, func(r rune) bool { return !Is(r) }) {
			return
		}
		words := Bigrams(text)
		for _, p := range Phrases(string(runes[from : from+length])) {
			if !holds(words, p) {
				t.Errorf("%q: the words %q do not hold %v", text, words, p)
			}
		}
	})
}

func holds(words []string, p Phrase) bool {
	for i := 0; i+len(p.Words) <= len(words); i++ {
		part := words[i : i+len(p.Words)]
		last := len(p.Words) - 1
		if slices.Equal(part[:last], p.Words[:last]) && (part[last] == p.Words[last] || p.Prefix && strings.HasPrefix(part[last], p.Words[last])) {
			return true
		}
	}
	return false
}
