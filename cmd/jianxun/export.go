package main

import (
	"context"

	"jianxun/internal/app"
)

type exportCmd struct {
	Dir  string `arg:"" help:"Folder to write into." type:"path"`
	JSON bool   `help:"Print data as JSON."`
}

// Run writes the site as files and says how many changed.
func (c exportCmd) Run(ctx context.Context, s *session, a *app.App) error {
	bar := newProgress(s.err)
	counts, err := a.Export(ctx, c.Dir, func(n int, at string) { bar.show(s.p.T("%d pages and feeds, now %s", n, at)) })
	bar.end()
	if err != nil || c.JSON {
		return s.data(counts, err)
	}
	s.say("%d files written, %d unchanged, %d removed in %s.", counts.Written, counts.Unchanged, counts.Removed, c.Dir)
	return nil
}
