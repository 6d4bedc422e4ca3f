package han

import (
	"strings"
	"unicode"
)

// Bigrams gives the words to index of a text: the pairs of neighbours of each
// run of Han characters, then the last one alone, and other words whole, in
// small letters. Words that stand together in the text stand together here, so
// a phrase of bigrams finds every Chinese word of two characters or more, and
// the beginning of a bigram every single one.
func Bigrams(text string) []string {
	var words []string
	for _, run := range runs(text) {
		words = run.words(words)
	}
	return words
}

// Phrase is what to look for in an index of Bigrams: words that follow each
// other. When Prefix is set the last of them need only be the beginning of one.
type Phrase struct {
	Words  []string
	Prefix bool
}

// Phrases gives what must be found, all of it, for a text to hold a query: one
// phrase for each part of the query between white space. Parts without a letter
// or digit ask for nothing.
func Phrases(query string) []Phrase {
	var all []Phrase
	for _, part := range strings.Fields(query) {
		list := runs(part)
		if len(list) == 0 {
			continue
		}
		var p Phrase
		for _, run := range list[:len(list)-1] {
			p.Words = run.words(p.Words)
		}
		last := list[len(list)-1]
		p.Words = last.words(p.Words)
		if last.han {
			if p.Prefix = len(last.runes) == 1; !p.Prefix {
				p.Words = p.Words[:len(p.Words)-1] // the text may go on after the query
			}
		}
		all = append(all, p)
	}
	return all
}

// run is characters that belong together: all Han, or one other word.
type run struct {
	runes []rune
	han   bool
}

func (r run) words(words []string) []string {
	if !r.han {
		return append(words, string(r.runes))
	}
	for i := range r.runes[1:] {
		words = append(words, string(r.runes[i:i+2]))
	}
	return append(words, string(r.runes[len(r.runes)-1:]))
}

func runs(text string) []run {
	var all []run
	open := false
	for _, c := range text {
		c = fold(c)
		if !unicode.IsLetter(c) && !unicode.IsDigit(c) && !Is(c) { // 〇 is Han and no letter
			open = false
			continue
		}
		han := Is(c)
		if !open || all[len(all)-1].han != han {
			all = append(all, run{han: han})
			open = true
		}
		last := &all[len(all)-1]
		last.runes = append(last.runes, c)
	}
	return all
}

// fold gives full-width letters and digits their common form, and large letters
// their small one.
func fold(c rune) rune {
	if c >= '！' && c <= '～' {
		c -= '！' - '!'
	}
	return unicode.ToLower(c)
}
