package main

import (
	"context"
	"fmt"

	"jianxun/internal/app"
)

type bouncesCmd struct {
	List bouncesListCmd `cmd:"" help:"List mails that came back, the newest first."`
	Show bouncesShowCmd `cmd:"" help:"Show what came back, and the mail itself where nobody knows which issue it is about."`
}

type bouncesListCmd struct {
	Unmatched bool `help:"Only those that are about no mail that is known."`
	Limit     int  `default:"50" help:"How many to list."`
	JSON      bool `help:"Print data as JSON."`
}

// Run lists.
func (c bouncesListCmd) Run(ctx context.Context, s *session, a *app.App) error {
	list, err := a.Bounces(ctx, c.Unmatched, c.Limit)
	if err != nil || c.JSON {
		return s.data(list, err)
	}
	if len(list) == 0 {
		s.say("Nothing came back.")
		return nil
	}
	rows := [][]string{}
	for _, v := range list {
		about := s.p.T("about no mail that is known")
		if v.Matched {
			about = v.Issue
		}
		rows = append(rows, []string{fmt.Sprint(v.ID), s.p.When(v.Received, false), s.p.T(string(v.Kind)), about, whom(v), clip(v.Status+" "+v.Diagnostic, 60)})
	}
	table(s.out, rows)
	return nil
}

// whom is the subscriber, or whom the report names.
func whom(v app.Bounce) string {
	if v.Email != "" {
		return v.Email
	}
	return v.Recipient
}

type bouncesShowCmd struct {
	ID   int64 `arg:"" help:"The number that the list shows."`
	JSON bool  `help:"Print data as JSON."`
}

// Run shows one.
func (c bouncesShowCmd) Run(ctx context.Context, s *session, a *app.App) error {
	v, err := a.Bounce(ctx, c.ID)
	if err != nil || c.JSON {
		return s.data(v, err)
	}
	rows := [][]string{{s.p.T("Kind"), s.p.T(string(v.Kind))}, {s.p.T("Received"), s.p.When(v.Received, false)}}
	if v.Matched {
		rows = append(rows, []string{s.p.T("Issue"), v.Issue}, []string{s.p.T("Subscriber"), v.Email})
	}
	table(s.out, append(rows, []string{s.p.T("Recipient"), v.Recipient}, []string{"Message-ID", v.MessageID},
		[]string{s.p.T("Reply"), v.Status + " " + v.Diagnostic}))
	if v.Mail != "" {
		_, err = fmt.Fprintf(s.out, "\n%s\n", v.Mail)
	}
	return err
}

type subscribersLiftCmd struct {
	Address string `arg:"" help:"Whose mail bounced."`
	Reason  string `required:"" help:"Why mail will arrive now; it is kept."`
}

// Run lifts.
func (c subscribersLiftCmd) Run(ctx context.Context, s *session, a *app.App) error {
	if err := a.Lift(ctx, c.Address, c.Reason); err != nil {
		return err
	}
	s.say("%s gets mail again, from the next issue on.", c.Address)
	return nil
}
