package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"jianxun/internal/app"
)

type issueCmd struct {
	List    issueListCmd    `cmd:"" help:"List issues."`
	Draft   issueDraftCmd   `cmd:"" help:"Make the next issue, or the open draft anew."`
	Show    issueShowCmd    `cmd:"" help:"Show an issue and how its mails fare."`
	Preview issuePreviewCmd `cmd:"" help:"Write the mail of an issue to files that can be opened."`
	Send    issueSendCmd    `cmd:"" help:"Send an issue; again: what is left of it."`
	Pause   issuePauseCmd   `cmd:"" help:"Pause the sending of an issue at once."`
	Resume  issueResumeCmd  `cmd:"" help:"Go on sending an issue that was paused."`
	Settle  issueSettleCmd  `cmd:"" help:"Say what became of mails that are uncertain, or have the relay's log say it."`
}

type issueListCmd struct {
	Digest string `arg:"" optional:"" help:"Only this digest."`
	Limit  int    `default:"20" help:"How many to list."`
	JSON   bool   `help:"Print data as JSON."`
}

// Run lists issues.
func (c issueListCmd) Run(ctx context.Context, s *session, a *app.App) error {
	list, err := a.Issues(ctx, c.Digest, c.Limit)
	if err != nil {
		return err
	}
	if c.JSON {
		return app.JSON(s.out, list)
	}
	if len(list) == 0 {
		s.say("There is no issue yet. Make one with: %s", self()+" issue draft weekly")
		return nil
	}
	rows := [][]string{}
	for _, v := range list {
		rows = append(rows, []string{fmt.Sprintf("%s/%d-%d", v.Digest, v.Year, v.Number), v.Label, s.p.T(string(v.State)), s.p.T("%d items", v.Count), s.tally(v.Deliveries)})
	}
	table(s.out, rows)
	return nil
}

type issueDraftCmd struct {
	Digest string `arg:"" help:"The digest."`
	JSON   bool   `help:"Print data as JSON."`
}

// Run drafts.
func (c issueDraftCmd) Run(ctx context.Context, s *session, a *app.App) error {
	v, err := a.DraftIssue(ctx, c.Digest)
	if err != nil {
		return err
	}
	if err := s.issue(v, c.JSON); err != nil || c.JSON {
		return err
	}
	s.say("Look at it with: %s", self()+" issue preview "+c.Digest)
	return nil
}

type issueShowCmd struct {
	Issue string `arg:"" help:"DIGEST, which means the newest, or DIGEST/NUMBER."`
	JSON  bool   `help:"Print data as JSON."`
}

// Run shows.
func (c issueShowCmd) Run(ctx context.Context, s *session, a *app.App) error {
	v, err := a.Issue(ctx, c.Issue)
	if err != nil {
		return err
	}
	return s.issue(v, c.JSON)
}

type issuePreviewCmd struct {
	Issue string `arg:"" help:"DIGEST, which means the newest, or DIGEST/NUMBER."`
	Out   string `help:"Folder to write into." placeholder:"DIR" type:"path"`
	JSON  bool   `help:"Print data as JSON."`
}

// Run writes the preview.
func (c issuePreviewCmd) Run(ctx context.Context, s *session, a *app.App) error {
	p, err := a.PreviewIssue(ctx, c.Issue, c.Out)
	if err != nil {
		return err
	}
	if c.JSON {
		return app.JSON(s.out, p)
	}
	fmt.Fprintln(s.out, p.HTML)
	fmt.Fprintln(s.out, p.Text)
	s.say("The HTML is %d KB of the 75 KB that mail programs show whole.", (p.Bytes+1023)/1024)
	return nil
}

type issueSendCmd struct {
	Issue string `arg:"" help:"DIGEST, which means the newest, or DIGEST/NUMBER."`
	JSON  bool   `help:"Print data as JSON."`
}

// Run sends in the foreground. What is left makes it end with exit code 1.
func (c issueSendCmd) Run(ctx context.Context, s *session, a *app.App) error {
	bar := newProgress(s.err)
	v, sendErr := a.SendIssue(ctx, c.Issue, func(p app.Progress) { bar.show(s.progress(p)) })
	bar.end()
	var err error
	if v.Digest != "" {
		if c.JSON {
			err = app.JSON(s.out, v)
		} else {
			s.say("%s %s: %s", v.Title, v.Label, s.tally(v.Deliveries))
			s.trouble(v)
		}
	}
	switch {
	case sendErr != nil:
		return sendErr
	case err == nil && v.Deliveries.Queued+v.Deliveries.Deferred > 0:
		s.say("What is left is sent by a running daemon, or by sending again.")
		return errDone
	}
	return err
}

func (s *session) issue(v app.Issue, asJSON bool) error {
	if asJSON {
		return app.JSON(s.out, v)
	}
	s.say("%s %s (no. %d in all), %s", v.Title, v.Label, v.Total, s.p.T(string(v.State)))
	column := ""
	for i, it := range v.Items {
		if it.Column != column {
			column = it.Column
			fmt.Fprintf(s.out, "\n【%s】\n", column)
		}
		fmt.Fprintf(s.out, "%2d. %s\n", i+1, it.Title)
	}
	if v.LeftOut > 0 {
		fmt.Fprintln(s.out)
		s.say("%d more articles of this period found no room.", v.LeftOut)
	}
	if v.Paused != nil {
		fmt.Fprintln(s.out)
		s.say("Paused since %s.", v.Paused.Format(time.DateTime))
	}
	if v.Deliveries != (app.Deliveries{}) {
		fmt.Fprintf(s.out, "\n%s\n", s.tally(v.Deliveries))
	}
	s.trouble(v)
	return nil
}

func (s *session) tally(d app.Deliveries) string {
	text := s.p.T("%d sent", d.Sent)
	for _, part := range []struct {
		n      int
		format string
	}{{d.Queued, "%d queued"}, {d.Deferred, "%d deferred"}, {d.Failed, "%d failed"}, {d.Uncertain, "%d uncertain"}, {d.Suppressed, "%d suppressed"}} {
		if part.n > 0 {
			text += s.p.T(", ") + s.p.T(part.format, part.n)
		}
	}
	return text
}

func (s *session) progress(p app.Progress) string {
	text := s.tally(p.Deliveries)
	if p.Rate > 0 {
		text += s.p.T(", ") + s.p.T("%s a second", rate(p.Rate)) + s.p.T(", ") + s.p.T("%s left", p.Left)
	}
	return text
}

// rate has one digit after the point where that tells something.
func rate(perSecond float64) string {
	if perSecond < 10 {
		return strconv.FormatFloat(perSecond, 'f', 1, 64)
	}
	return strconv.FormatFloat(perSecond, 'f', 0, 64)
}

func (s *session) trouble(v app.Issue) {
	for _, t := range v.Trouble {
		line := fmt.Sprintf("  %s  %s  %s", s.p.T(string(t.State)), t.Email, t.Reply)
		if !t.Next.IsZero() {
			line += "  " + s.p.T("again at %s", t.Next.Format("15:04:05"))
		}
		fmt.Fprintln(s.out, line)
	}
	if v.Deliveries.Uncertain > 0 {
		settle := fmt.Sprintf("%s issue settle %s/%d-%d", self(), v.Digest, v.Year, v.Number)
		s.say("Nobody knows whether the relay took what is uncertain, and it is not sent again by itself. When you know: %s, or %s. By the log of a Postfix: %s",
			settle+" --sent ADDRESS", settle+" --resend ADDRESS", settle+" --log /var/log/mail.log")
	}
}
