package main

import (
	"context"
	"fmt"

	"jianxun/internal/app"
)

type articleCmd struct {
	List articleListCmd `cmd:"" help:"List the newest articles."`
	Show articleShowCmd `cmd:"" help:"Show one article with its text."`

	Withdraw articleWithdrawCmd `cmd:"" help:"Take an article out of feeds, pages, archives and unsent issues."`
	Restore  articleRestoreCmd  `cmd:"" help:"Bring a withdrawn article back under the same id."`
}

type articleListCmd struct {
	Limit int  `default:"50" help:"How many to list."`
	JSON  bool `help:"Print data as JSON."`
}

// Run lists articles.
func (c articleListCmd) Run(ctx context.Context, s *session, a *app.App) error {
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
func (c articleShowCmd) Run(ctx context.Context, s *session, a *app.App) error {
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

type articleWithdrawCmd struct {
	ID   string `arg:"" help:"The id, or eight or more characters of its beginning."`
	JSON bool   `help:"Print data as JSON."`
}

// Run withdraws one article.
func (c articleWithdrawCmd) Run(ctx context.Context, s *session, a *app.App) error {
	v, err := a.Withdraw(ctx, c.ID)
	if err != nil || c.JSON {
		return s.data(v, err)
	}
	s.say("Withdrawn: %s. Undo with: %s", v.Title, self()+" article restore "+v.ID[:8])
	return nil
}

type articleRestoreCmd struct {
	ID   string `arg:"" help:"The id, or eight or more characters of its beginning."`
	JSON bool   `help:"Print data as JSON."`
}

// Run restores one article.
func (c articleRestoreCmd) Run(ctx context.Context, s *session, a *app.App) error {
	v, err := a.Restore(ctx, c.ID)
	if err != nil || c.JSON {
		return s.data(v, err)
	}
	s.say("Restored: %s. Undo with: %s", v.Title, self()+" article withdraw "+v.ID[:8])
	return nil
}

// data prints v as JSON, unless something went wrong.
func (s *session) data(v any, err error) error {
	if err != nil {
		return err
	}
	return app.JSON(s.out, v)
}
