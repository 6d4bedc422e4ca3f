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
func (c ingestCmd) Run(ctx context.Context, s *session, a *app.App) error {
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
