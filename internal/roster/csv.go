package roster

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"

	"jianxun/internal/news"
)

// RowError is a fault in one row of a list. Row counts lines from 1, the
// header included; Column is the header's own word for the cell, if it is about one.
type RowError struct {
	Row    int
	Column string
	Err    error
}

// Rules are what rows are checked against.
type Rules struct {
	Digests []string       // the slugs that exist
	Zone    *time.Location // of the day in until
}

// maxRows bounds a list.
const maxRows = 1_000_000

// Parse reads a list saved as CSV by a spreadsheet, in UTF-8 or GB18030, its
// cells divided by commas, semicolons or tabs. The first row names the columns,
// in Chinese or English; only the address must be there. It gives the whole
// list or the faults, never both.
func Parse(data []byte, rules Rules) ([]news.Subscriber, []RowError) {
	text, err := decode(data)
	if err != nil {
		return nil, []RowError{{Row: 1, Err: err}}
	}
	r := csv.NewReader(strings.NewReader(text))
	r.Comma = delimiter(text)
	r.FieldsPerRecord = -1
	r.TrimLeadingSpace = true
	header, err := r.Read()
	if err != nil {
		return nil, []RowError{{Row: 1, Err: news.Errorf(news.Invalid, "the list is empty")}}
	}
	fields, faults := readHeader(header)
	if len(faults) > 0 {
		return nil, faults
	}
	p := &parser{rules: rules, header: header, fields: fields, seen: map[string]int{}}
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			line := 0
			if broken, ok := errors.AsType[*csv.ParseError](err); ok {
				line = broken.StartLine
			}
			p.reject(line, "", news.Errorf(news.Invalid, "the row cannot be read: %w", err))
			break
		}
		line, _ := r.FieldPos(0)
		if len(p.people) >= maxRows {
			p.reject(line, "", news.Errorf(news.TooLarge, "the list has more than %d rows", maxRows))
			break
		}
		p.row(line, cells)
	}
	if len(p.faults) > 0 {
		return nil, p.faults
	}
	return p.people, nil
}

func decode(data []byte) (string, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if utf8.Valid(data) {
		return string(data), nil
	}
	out, err := simplifiedchinese.GB18030.NewDecoder().Bytes(data)
	if err != nil || bytes.ContainsRune(out, utf8.RuneError) {
		return "", news.Errorf(news.Invalid, "the list is neither UTF-8 nor GB18030; save it as CSV UTF-8")
	}
	return string(out), nil
}

func delimiter(text string) rune {
	first, _, _ := strings.Cut(text, "\n")
	for _, d := range []rune{'\t', ';'} {
		if strings.ContainsRune(first, d) && !strings.ContainsRune(first, ',') {
			return d
		}
	}
	return ','
}

// names are the words by which a column may be called.
func names() map[string][]string {
	return map[string][]string{
		"email":    {"email", "e-mail", "mail", "address", "邮箱", "电子邮箱", "电子邮件", "邮件", "邮件地址", "邮箱地址"},
		"name":     {"name", "姓名", "名称", "称呼"},
		"unit":     {"unit", "department", "单位", "部门", "单位名称"},
		"digests":  {"digests", "digest", "摘要", "订阅", "刊物"},
		"columns":  {"columns", "column", "栏目"},
		"keywords": {"keywords", "keyword", "关键词", "关键字"},
		"format":   {"format", "格式", "形式"},
		"until":    {"until", "截止", "截止日期", "有效期", "到期"},
	}
}

func readHeader(header []string) (map[string]int, []RowError) {
	fields := map[string]int{}
	var faults []RowError
	for i, h := range header {
		word := strings.ToLower(strings.TrimSpace(h))
		if word == "" {
			continue
		}
		found := ""
		for field, words := range names() {
			if slices.Contains(words, word) {
				found = field
			}
		}
		_, twice := fields[found]
		switch {
		case found == "":
			faults = append(faults, RowError{1, h, news.Errorf(news.Invalid, "the column %q is not known; known are 邮箱, 姓名, 单位, 摘要, 栏目, 关键词, 格式, 截止日期", h)})
		case twice:
			faults = append(faults, RowError{1, h, news.Errorf(news.Invalid, "there are two columns for %s", found)})
		}
		fields[found] = i
	}
	if _, ok := fields["email"]; !ok {
		faults = append(faults, RowError{1, "", news.Errorf(news.Invalid, "no column holds the address; name one 邮箱 or email")})
	}
	return fields, faults
}
