package digest

import (
	"slices"
	"strings"
	"time"

	"jianxun/internal/han"
	"jianxun/internal/news"
	"jianxun/templates"
)

// Choice is what a person wants of an issue. People of the same choice get the
// same mail but for their name and link.
type Choice struct {
	Columns  []string
	Keywords []string
	Format   news.MailFormat
}

func (c Choice) key() string {
	return strings.Join(c.Columns, "\x1e") + "\x1f" + strings.Join(c.Keywords, "\x1e") + "\x1f" + string(c.Format)
}

// View is an issue as it reads for one choice.
type View struct {
	Printer templates.Printer
	Zone    *time.Location
	Link    func(news.Item) string // absolute URL of an item's article
}

// Issue gives the view of the issue: its live items in sections by column, with
// those that hold one of the reader's keywords first. Leads are cut to lead
// characters, and at most limit items are taken.
func (v View) Issue(is news.Issue, c Choice, lead, limit int) templates.Issue {
	out := templates.Issue{Title: is.Title, Label: is.Label(), Total: is.Total, LeftOut: is.LeftOut, Period: v.period(is)}
	var hits, others []templates.Section
	for _, it := range is.LiveItems() {
		if len(c.Columns) > 0 && !slices.Contains(c.Columns, it.Column) {
			continue
		}
		if limit--; limit < 0 {
			out.LeftOut++
			continue
		}
		words := matches(it, c.Keywords)
		item := templates.Item{
			Title:   han.Punctuate(it.Title),
			Lead:    han.Punctuate(shorten(it.Lead, lead)),
			URL:     v.Link(it),
			When:    v.Printer.When(it.Published.In(v.Zone), it.DateOnly),
			Machine: templates.Machine(it.Published.In(v.Zone), it.DateOnly),
			Origin:  it.Origin,
			Words:   strings.Join(words, v.Printer.T(", ")),
		}
		if len(words) > 0 {
			hits = appendTo(hits, v.Printer.T("Of special interest to you"), item)
		} else {
			others = appendTo(others, it.Column, item)
		}
	}
	out.Sections = append(hits, others...)
	n := 0
	for _, s := range out.Sections {
		for i := range s.Items {
			n++
			s.Items[i].Number = n
		}
	}
	return out
}

func appendTo(sections []templates.Section, name string, item templates.Item) []templates.Section {
	if n := len(sections); n > 0 && sections[n-1].Name == name {
		sections[n-1].Items = append(sections[n-1].Items, item)
		return sections
	}
	return append(sections, templates.Section{Name: name, Items: []templates.Item{item}})
}

func matches(it news.Item, keywords []string) []string {
	text := strings.ToLower(it.Title + "\n" + it.Lead)
	return slices.DeleteFunc(slices.Clone(keywords), func(k string) bool { return !strings.Contains(text, strings.ToLower(k)) })
}

// period says the days an issue covers; the first, open at its beginning, has
// only an end.
func (v View) period(is news.Issue) string {
	to := v.Printer.Day(is.WindowTo.In(v.Zone))
	if is.WindowFrom.IsZero() {
		return v.Printer.T("up to %s", to)
	}
	return v.Printer.T("%s to %s", v.Printer.Day(is.WindowFrom.In(v.Zone)), to)
}
