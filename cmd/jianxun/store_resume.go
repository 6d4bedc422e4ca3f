package main

import (
	"context"
	"time"

	"jianxun/internal/app"
)

type storeHoldCmd struct {
	JSON bool `help:"Print data as JSON."`
}

// Run holds sending back.
func (c storeHoldCmd) Run(ctx context.Context, s *session, a *app.App) error {
	since, err := a.Hold(ctx)
	if err != nil || c.JSON {
		return s.data(map[string]any{"since": since}, err)
	}
	s.say("No mail is sent and no issue is made; feeds go on as ever. Go on with: %s", self()+" store resume")
	return nil
}

type storeResumeCmd struct {
	Send bool `help:"Send also what may have been sent since the backup was made, so that somebody may get it twice."`
	JSON bool `help:"Print data as JSON."`
}

// Run ends that sending is held back, and says what became of what was open.
func (c storeResumeCmd) Run(ctx context.Context, s *session, a *app.App) error {
	r, err := a.Resume(ctx, c.Send)
	if err != nil || c.JSON {
		return s.data(r, err)
	}
	s.resumed(r, c.Send)
	return nil
}

func (s *session) resumed(r app.Resumed, send bool) {
	since := r.Since.Format(time.DateTime)
	if send {
		s.say("Sending goes on as if nothing had been sent after %s.", since)
		return
	}
	if r.Uncertain > 0 {
		s.say("Nobody knows whether %d mails of %d issues were sent after %s: they are uncertain now and are not sent again; see: %s",
			r.Uncertain, r.Issues, since, self()+" issue show DIGEST")
	}
	if r.Digests > 0 {
		s.say("Issues that were due between %s and now count as sent; the next ones come at their times.", since)
	}
	s.say("Sending goes on.")
}
