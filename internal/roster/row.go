package roster

import (
	"slices"
	"strings"
	"time"

	"jianxun/internal/news"
)

type parser struct {
	rules  Rules
	header []string
	fields map[string]int
	seen   map[string]int // the row of each address
	people []news.Subscriber
	faults []RowError
}

func (p *parser) fault(row int, field string, err error) {
	name := ""
	if i, ok := p.fields[field]; ok {
		name = p.header[i]
	}
	p.faults = append(p.faults, RowError{Row: row, Column: name, Err: err})
}

func (p *parser) row(line int, cells []string) {
	cell := func(field string) string {
		if i, ok := p.fields[field]; ok && i < len(cells) {
			return news.OneLine(cells[i])
		}
		return ""
	}
	if !slices.ContainsFunc(cells, func(c string) bool { return strings.TrimSpace(c) != "" }) {
		return // an empty row at the end of a sheet
	}
	s := news.Subscriber{Email: cell("email"), Name: cell("name"), Unit: cell("unit"),
		Columns: words(cell("columns")), Keywords: words(cell("keywords")), Digests: words(cell("digests"))}
	if err := news.CheckEmail(s.Email); err != nil {
		p.fault(line, "email", err)
	} else if first, ok := p.seen[news.NormalEmail(s.Email)]; ok {
		p.fault(line, "email", news.Errorf(news.Invalid, "the address %s stands in row %d already", s.Email, first))
	}
	p.seen[news.NormalEmail(s.Email)] = line
	var err error
	if s.Digests, err = DefaultDigests(s.Digests, p.rules.Digests); err != nil {
		p.fault(line, "digests", err)
	}
	if s.Format, err = Format(cell("format")); err != nil {
		p.fault(line, "format", err)
	}
	if s.Until, err = Until(cell("until"), p.rules.Zone); err != nil {
		p.fault(line, "until", err)
	}
	p.people = append(p.people, s)
}

func words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(",，;；、| ", r) })
}

// DefaultDigests checks the digests a person is to get. Who names none gets
// the only one there is.
func DefaultDigests(named, known []string) ([]string, error) {
	if len(named) == 0 {
		if len(known) == 1 {
			return known, nil
		}
		return nil, news.Errorf(news.Invalid, "it is not said which digest to send; there are %s", strings.Join(known, ", "))
	}
	for _, d := range named {
		if !slices.Contains(known, d) {
			return nil, news.Errorf(news.Invalid, "there is no digest %q; there are %s", d, strings.Join(known, ", "))
		}
	}
	return named, nil
}

// Format reads html or text; empty is html.
func Format(s string) (news.MailFormat, error) {
	switch strings.ToLower(s) {
	case "", "html", "网页":
		return news.FormatHTML, nil
	case "text", "txt", "文本", "纯文本":
		return news.FormatText, nil
	}
	return "", news.Errorf(news.Invalid, "%q is not a format; write html or text", s)
}

// Until reads the last day on which a person gets mail and gives its end.
func Until(s string, zone *time.Location) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{"2006-01-02", "2006/1/2", "2006年1月2日"} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return t.AddDate(0, 0, 1), nil
		}
	}
	return time.Time{}, news.Errorf(news.Invalid, "%q is not a day such as 2027-12-31", s)
}
