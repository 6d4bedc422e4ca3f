package main

import (
	"context"
	"fmt"
	"os"

	"jianxun/internal/app"
)

type issueSettleCmd struct {
	Issue     string   `arg:"" help:"DIGEST, which means the newest, or DIGEST/NUMBER."`
	Addresses []string `arg:"" optional:"" name:"address" help:"Whose mails."`
	Sent      bool     `help:"They were delivered."`
	Resend    bool     `help:"They were not: send them again."`
	All       bool     `help:"All uncertain mails of the issue."`
	Failed    bool     `help:"With --resend: all mails of the issue that failed."`
	Log       string   `help:"Settle by the log of the relay, a Postfix, what it shows to have been taken; with --resend, send the others again. - is standard input; .gz may be read too." placeholder:"FILE"`
	JSON      bool     `help:"Print data as JSON."`
}

// Validate refuses what could be meant in two ways.
func (c issueSettleCmd) Validate() error {
	return app.CheckSettling(c.Sent, c.Resend, c.All, c.Failed, c.Addresses, c.Log)
}

// Run settles. What stays uncertain is no fault.
func (c issueSettleCmd) Run(ctx context.Context, s *session, a *app.App) error {
	settle := func() (app.Settled, error) { return a.SettleIssue(ctx, c.Issue, c.Resend, c.Addresses) }
	if c.Log != "" {
		log, err := app.OpenLog(c.Log, os.Stdin)
		if err != nil {
			return err
		}
		defer func() { _ = log.Close() }() // it was only read
		settle = func() (app.Settled, error) { return a.SettleByLog(ctx, c.Issue, log, c.Resend) }
	}
	if c.Failed {
		settle = func() (app.Settled, error) { return a.ResendFailed(ctx, c.Issue) }
	}
	v, err := settle()
	if err != nil || c.JSON {
		return s.data(v, err)
	}
	s.settled(v)
	return nil
}

func (s *session) settled(v app.Settled) {
	if len(v.Sent)+len(v.Queued)+len(v.Uncertain) == 0 {
		s.say("No mail of %s is to be settled.", v.Issue)
		return
	}
	if n := len(v.Sent); n > 0 {
		s.say("%d mails count as sent.", n)
	}
	if n := len(v.Queued); n > 0 {
		s.say("%d mails are queued again. A running daemon sends them, or: %s", n, self()+" issue send "+v.Issue)
	}
	if n := len(v.Uncertain); n > 0 {
		s.say("%d mails stay uncertain: nothing shows that the relay took them, nor that it did not.", n)
		for _, email := range v.Uncertain {
			fmt.Fprintln(s.out, "  "+email)
		}
	}
}
