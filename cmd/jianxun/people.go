package main

import (
	"context"
	"fmt"
	"strings"

	"jianxun/internal/app"
)

type subscribersCmd struct {
	List   subscribersListCmd   `cmd:"" help:"List everybody known, and whether they get mail."`
	Import subscribersImportCmd `cmd:"" help:"Put the people of a .csv or .yaml file on the list."`
	Lift   subscribersLiftCmd   `cmd:"" help:"Write again to somebody whose mail bounced."`
}

type subscribersListCmd struct {
	JSON bool `help:"Print data as JSON."`
}

// Run lists.
func (c subscribersListCmd) Run(ctx context.Context, s *session, a *app.App) error {
	list, err := a.Subscribers(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return app.JSON(s.out, list)
	}
	rows := [][]string{}
	for _, v := range list {
		state := s.p.T(string(v.State))
		if !v.Listed && string(v.State) != "pending" {
			state = s.p.T("off the list")
		}
		rows = append(rows, []string{v.Email, v.Name, v.Unit, strings.Join(v.Digests, " "), string(v.Format), state, clip(v.Reason, 60), s.ownChoice(v.Own)})
	}
	table(s.out, rows)
	s.say("%d subscribers.", len(list))
	return nil
}

// ownChoice says what a person chose for themselves, "" when it is what the list
// says.
func (s *session) ownChoice(o *app.Own) string {
	if o == nil {
		return ""
	}
	digests, columns := strings.Join(o.Digests, " "), strings.Join(o.Columns, " ")
	if digests == "" {
		digests = s.p.T("no digest")
	}
	if columns == "" {
		columns = s.p.T("all columns")
	}
	return s.p.T("own choice: %s; %s; %s", digests, columns, string(o.Format))
}

type subscribersImportCmd struct {
	File    string `arg:"" help:"A .csv or .yaml file." type:"path"`
	Replace bool   `help:"Take people of earlier imports who are not in this file off the list."`
	DryRun  bool   `help:"Only say what would change."`
	JSON    bool   `help:"Print data as JSON."`
}

// Run imports.
func (c subscribersImportCmd) Run(ctx context.Context, s *session, a *app.App) error {
	r, err := a.ImportSubscribers(ctx, c.File, c.Replace, c.DryRun)
	if err != nil {
		return err
	}
	if c.JSON {
		return app.JSON(s.out, r)
	}
	for _, part := range []struct {
		mark   string
		emails []string
	}{{"+", r.Add}, {"~", r.Update}, {"-", r.Remove}} {
		for _, e := range part.emails {
			fmt.Fprintf(s.out, "%s %s\n", part.mark, e)
		}
	}
	for _, e := range r.Closed {
		s.say("Note: %s unsubscribed or bounced, and gets nothing although the file lists it.", e)
	}
	s.say("%d added, %d changed, %d taken off, %d as they were.", len(r.Add), len(r.Update), len(r.Remove), r.Same)
	if c.DryRun {
		s.say("Nothing has been changed: this was a dry run.")
	}
	return nil
}

type mailCmd struct {
	Pause   mailPauseCmd   `cmd:"" help:"Pause all sending at once."`
	Resume  mailResumeCmd  `cmd:"" help:"Go on sending after a pause."`
	Test    mailTestCmd    `cmd:"" help:"Send one mail through the configured relay; the conversation is shown when it fails."`
	DKIMKey mailDKIMKeyCmd `cmd:"" name:"dkim-key" help:"Make a key to sign mail with (DKIM), and say what to publish and configure."`
}

type mailTestCmd struct {
	Address string `arg:"" help:"Who is to get it."`
	Verbose bool   `short:"v" help:"Show the conversation also when it succeeds."`
}

// Run tries the relay.
func (c mailTestCmd) Run(ctx context.Context, s *session, a *app.App) error {
	conversation, where, err := a.MailTest(ctx, c.Address)
	if err != nil || c.Verbose {
		for _, line := range conversation {
			fmt.Fprintln(s.err, line)
		}
	}
	if err != nil {
		return err
	}
	s.say("Handed to %s for %s.", where, c.Address)
	return nil
}
