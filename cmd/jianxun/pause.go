package main

import (
	"context"

	"jianxun/internal/app"
)

type issuePauseCmd struct {
	Issue string `arg:"" help:"DIGEST, which means the newest, or DIGEST/NUMBER."`
}

// Run pauses one issue.
func (c issuePauseCmd) Run(ctx context.Context, s *session, a *app.App) error {
	return s.pause(ctx, a, c.Issue, self()+" issue resume "+c.Issue)
}

type issueResumeCmd struct {
	Issue string `arg:"" help:"DIGEST, which means the newest, or DIGEST/NUMBER."`
}

// Run goes on with one issue.
func (c issueResumeCmd) Run(ctx context.Context, s *session, a *app.App) error {
	return s.unpause(ctx, a, c.Issue)
}

type mailPauseCmd struct{}

// Run pauses everything.
func (c mailPauseCmd) Run(ctx context.Context, s *session, a *app.App) error {
	return s.pause(ctx, a, "", self()+" mail resume")
}

type mailResumeCmd struct{}

// Run goes on.
func (c mailResumeCmd) Run(ctx context.Context, s *session, a *app.App) error {
	return s.unpause(ctx, a, "")
}

func (s *session) pause(ctx context.Context, a *app.App, ref, undo string) error {
	if err := a.Pause(ctx, ref); err != nil {
		return err
	}
	s.say("Sending is paused. Go on with: %s", undo)
	return nil
}

func (s *session) unpause(ctx context.Context, a *app.App, ref string) error {
	if err := a.Unpause(ctx, ref); err != nil {
		return err
	}
	s.say("Sending goes on.")
	return nil
}
