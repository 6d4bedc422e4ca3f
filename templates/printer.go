package templates

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"jianxun/internal/news"
)

//go:embed messages.zh.json
var catalogue embed.FS

// Language is one that people are spoken to in.
type Language string

// The languages. Chinese is the first: it is taken whenever nothing else is asked for.
const (
	Chinese Language = "zh-CN"
	English Language = "en"
)

// Printer says sentences in one language. The English sentence is the key of
// the catalogue; a sentence it lacks is said in English.
type Printer struct {
	lang  Language
	words map[string]string
}

// NewPrinter gives a Printer for the language.
func NewPrinter(lang Language) Printer {
	p := Printer{lang: lang}
	if lang != Chinese {
		return p
	}
	b, err := catalogue.ReadFile("messages.zh.json")
	if err == nil {
		err = json.Unmarshal(b, &p.words)
	}
	if err != nil { // the file is part of the program; a test reads it
		panic(err)
	}
	return p
}

// Lang is the language of the Printer as a BCP 47 tag.
func (p Printer) Lang() Language { return p.lang }

// T says the sentence with its arguments filled in.
func (p Printer) T(format string, args ...any) string {
	if local, ok := p.words[format]; ok {
		format = local
	}
	if len(args) == 0 {
		return format
	}
	return fmt.Sprintf(format, p.localArgs(args)...)
}

// Err says what went wrong. Errors of other programs stay as they are.
func (p Printer) Err(err error) string {
	e, ok := errors.AsType[*news.Error](err)
	if !ok {
		return err.Error()
	}
	said := fmt.Sprintf(strings.ReplaceAll(p.T(e.Format), "%w", "%v"), p.localArgs(e.Args)...)
	// A wrapper that is none of ours may have put words in front.
	if prefix, found := strings.CutSuffix(err.Error(), e.Error()); found {
		return prefix + said
	}
	return said
}

func (p Printer) localArgs(args []any) []any {
	local := make([]any, len(args))
	for i, a := range args {
		local[i] = a
		switch v := a.(type) {
		case error:
			local[i] = p.Err(v)
		case news.Phrase:
			local[i] = p.T(string(v))
		case news.IssueState:
			local[i] = p.T(string(v))
		case news.ArticleState:
			local[i] = p.T(string(v))
		case news.DeliveryState:
			local[i] = p.T(string(v))
		}
	}
	return local
}

// ParseLanguage chooses from an Accept-Language header (RFC 9110 section
// 12.5.4) or a locale name such as en_US.UTF-8: English when it comes before
// Chinese, else Chinese.
func ParseLanguage(accept string) Language {
	for _, part := range strings.FieldsFunc(strings.ToLower(accept), func(r rune) bool { return r == ',' || r == ' ' }) {
		tag, weight, _ := strings.Cut(part, ";")
		switch {
		case strings.HasPrefix(weight, "q=0") && strings.Trim(weight, "q=0.") == "":
		case strings.HasPrefix(tag, "zh"):
			return Chinese
		case strings.HasPrefix(tag, "en"):
			return English
		}
	}
	return Chinese
}
