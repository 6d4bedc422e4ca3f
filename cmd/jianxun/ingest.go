package main

import (
	"context"
	"fmt"

	"jianxun/internal/app"
)

type ingestCmd struct {
	Targets      []string `arg:"" optional:"" name:"path|url" help:"What to read; nothing: all configured sources."`
	AllowPrivate []string `help:"Network that an address may lie in although it is private, such as 10.0.0.0/8." placeholder:"NETWORK"`
	JSON         bool     `help:"Print data as JSON."`
}

// Run reads and reports. Refused pages do not make it fail, unless nothing else
// was found.
func (c ingestCmd) Run(ctx context.Context, s *session) error {
	a, done, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer done()
	bar := newProgress(s.err)
	report, err := a.Ingest(ctx, c.Targets, c.AllowPrivate, func(n int, at string) { bar.show(s.p.T("%d articles, reading %s", n, at)) })
	bar.end()
	if err != nil {
		return err
	}
	if c.JSON {
		err = app.JSON(s.out, report)
	} else {
		for _, r := range report.Refused {
			fmt.Fprintf(s.out, "%s %s: %s\n", s.p.T("refused"), r.Path, s.p.Err(r.Err))
		}
		s.say("%d new, %d changed, %d same, %d refused.", report.New, report.Changed, report.Same, len(report.Refused))
	}
	if err == nil && len(report.Refused) > 0 && report.New+report.Changed+report.Same == 0 {
		return errDone
	}
	return err
}

type articleCmd struct {
	List articleListCmd `cmd:"" help:"List the newest articles."`
	Show articleShowCmd `cmd:"" help:"Show one article with its text."`
}

type articleListCmd struct {
	Limit int  `default:"50" help:"How many to list."`
	JSON  bool `help:"Print data as JSON."`
}

// Run lists articles.
func (c articleListCmd) Run(ctx context.Context, s *session) error {
	a, done, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer done()
	list, err := a.Articles(ctx, c.Limit)
	if err != nil {
		return err
	}
	if c.JSON {
		return app.JSON(s.out, list)
	}
	if len(list) == 0 {
		s.say("There is no article yet. Read some with: %s", self()+" ingest")
		return nil
	}
	rows := [][]string{}
	for _, v := range list {
		rows = append(rows, []string{v.ID[:8], v.Published.Format("2006-01-02"), v.Column, s.p.T(string(v.State)), clip(v.Title, 40)})
	}
	table(s.out, rows)
	return nil
}

type articleShowCmd struct {
	ID   string `arg:"" help:"The id, or eight or more characters of its beginning."`
	JSON bool   `help:"Print data as JSON."`
}

// Run shows one article.
func (c articleShowCmd) Run(ctx context.Context, s *session) error {
	a, done, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer done()
	v, err := a.Article(ctx, c.ID)
	if err != nil {
		return err
	}
	if c.JSON {
		return app.JSON(s.out, v)
	}
	table(s.out, [][]string{
		{s.p.T("Title"), v.Title}, {s.p.T("Column"), v.Column}, {s.p.T("Published"), s.p.When(v.Published, v.DateOnly)},
		{s.p.T("Author"), v.Author}, {s.p.T("Origin"), v.Origin}, {s.p.T("Source"), v.Source}, {s.p.T("Address"), v.URL},
		{s.p.T("State"), s.p.T(string(v.State))}, {s.p.T("Revision"), fmt.Sprint(v.Revision)}, {"ID", v.ID},
	})
	_, err = fmt.Fprintf(s.out, "\n%s\n", v.Text)
	return err
}
