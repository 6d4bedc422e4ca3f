package main

import (
	"context"
	"strconv"

	"jianxun/internal/app"
)

type storeCopyCmd struct {
	From  string `arg:"" help:"Address of the store to copy from: sqlite:FILE or postgres://USER@HOST/DATABASE; a password is best given in PGPASSWORD or ~/.pgpass."`
	To    string `arg:"" help:"Address of the store to copy to."`
	Force bool   `help:"Empty the store that is copied to first: what it holds is lost."`
	JSON  bool   `help:"Print data as JSON."`
}

// Run copies, and lists what is the same on both sides then.
func (c storeCopyCmd) Run(ctx context.Context, s *session) error {
	bar := newProgress(s.err)
	tables, err := app.CopyStore(ctx, c.From, c.To, c.Force, func(p app.CopyProgress) { bar.show(s.copying(p)) })
	bar.end()
	if err != nil || c.JSON {
		return s.data(map[string]any{"tables": tables}, err)
	}
	var rows [][]string
	var all int64
	for _, t := range tables {
		rows = append(rows, []string{t.Name, strconv.FormatInt(t.Rows, 10)})
		all += t.Rows
	}
	table(s.out, rows)
	s.say("Copied: %d rows in %d tables, compared row by row, and the search index built anew.", all, len(tables))
	s.say("Write the new address under store in the configuration, then start jianxun.")
	return nil
}

// copying is one line about what is being done.
func (s *session) copying(p app.CopyProgress) string {
	switch p.Step {
	case app.Comparing:
		return s.p.T("comparing %s: %d of %d rows", p.Table, p.Done, p.Total)
	case app.Indexing:
		return s.p.T("building the search index: %d of %d articles", p.Done, p.Total)
	}
	return s.p.T("copying %s: %d of %d rows", p.Table, p.Done, p.Total)
}
