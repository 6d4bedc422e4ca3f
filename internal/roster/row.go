package roster

import (
	"slices"
	"strings"

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

func (p *parser) reject(row int, field string, err error) {
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
		p.reject(line, "email", err)
	} else if first, ok := p.seen[news.NormalEmail(s.Email)]; ok {
		p.reject(line, "email", news.Errorf(news.Invalid, "the address %s stands in row %d already", s.Email, first))
	}
	p.seen[news.NormalEmail(s.Email)] = line
	var err error
	if s.Digests, err = news.ChooseDigests(s.Digests, p.rules.Digests); err != nil {
		p.reject(line, "digests", err)
	}
	if s.Format, err = news.ParseFormat(cell("format")); err != nil {
		p.reject(line, "format", err)
	}
	if s.Until, err = news.ParseUntil(cell("until"), p.rules.Zone); err != nil {
		p.reject(line, "until", err)
	}
	p.people = append(p.people, s)
}

func words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(",，;；、| ", r) })
}
