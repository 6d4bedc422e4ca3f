package app

import (
	"context"
	"strings"
	"time"

	"jianxun/internal/ingest"
	"jianxun/internal/news"
	"jianxun/internal/schedule"
)

// addJobs schedules the sources and digests of a generation.
func (a *App) addJobs(s *schedule.Scheduler, g *generation) {
	a.addSignUps(s, g)
	for _, src := range g.cfg.Sources {
		a.add(s, schedule.Job{Name: "source:" + src.Name, Spec: "@every " + src.Every.String(), Zone: g.cfg.Zone, AtOnce: remote(src),
			Run: func(ctx context.Context, _ time.Time) error {
				a.readSource(ctx, g, src)
				return nil // a source that fails is read again at its next time
			}})
	}
	for _, d := range g.cfg.Digests {
		a.add(s, schedule.Job{Name: "digest:" + d.Slug, Spec: d.Schedule, Zone: d.Zone,
			Run: func(ctx context.Context, due time.Time) error {
				err := a.publish(ctx, g, d, due)
				if ctx.Err() == nil {
					a.alarms.published(d, due, err)
				}
				return err
			}})
	}
}

func (a *App) add(s *schedule.Scheduler, j schedule.Job) {
	if err := s.Add(j); err != nil { // the configuration was checked by the same rules
		a.log.Error("a job cannot be scheduled", "job", j.Name, "error", err)
	}
}

// remote tells a source that lies elsewhere from one on this machine's disk.
func remote(src news.Source) bool { return src.Kind != news.DirectorySource && src.URL != "" }

// readLocal reads the folders once, whatever their schedule says: somebody may
// have put pages there while nothing ran.
func (a *App) readLocal(ctx context.Context, g *generation) {
	for _, src := range g.cfg.Sources {
		if !remote(src) && ctx.Err() == nil {
			a.readSource(ctx, g, src)
		}
	}
}

func (a *App) readSource(ctx context.Context, g *generation, src news.Source) {
	report, err := g.ingester.Run(ctx, src)
	a.metrics.ingested(report)
	if err != nil {
		if ctx.Err() == nil {
			a.log.Warn("a source could not be read", "source", src.Name, "error", err)
		}
		return
	}
	if report.New+report.Changed > 0 {
		a.log.Info("a source has been read", "source", src.Name, "new", report.New, "changed", report.Changed, "same", report.Same, "refused", len(report.Refused))
	}
	if said := refusals(report); g.says(src.Name, said) {
		for _, r := range report.Refused {
			a.log.Warn("a page was refused", "source", src.Name, "path", r.Path, "reason", r.Reason)
		}
	}
}

func refusals(r ingest.Report) string {
	var b strings.Builder
	for _, x := range r.Refused {
		b.WriteString(x.Error() + "\n")
	}
	return b.String()
}

// publish makes the issue that is due and begins to send it. It may be called
// again for the same due time and goes on from where it was.
func (a *App) publish(ctx context.Context, g *generation, d news.Digest, due time.Time) error {
	if err := a.sendApproved(ctx, d); err != nil {
		return err
	}
	is, err := g.drafter.Draft(ctx, d, due)
	if notFound(err) {
		a.log.Info("there is nothing new for an issue; it is skipped", "digest", d.Slug, "due", due)
		return nil
	}
	if err != nil {
		return err
	}
	queued, err := a.dispatch(ctx, is)
	if err != nil {
		return err
	}
	a.log.Info("an issue is being sent", "digest", d.Slug, "issue", is.Label(), "items", len(is.Items), "recipients", queued)
	return nil
}

// sendApproved sends what was approved before a process died, and would keep the
// next issue from being made.
func (a *App) sendApproved(ctx context.Context, d news.Digest) error {
	last, found, err := a.store.LastIssue(ctx, d.Slug)
	if err == nil && found && last.State == news.Approved {
		_, err = a.dispatch(ctx, last)
	}
	return err
}

// dispatch takes an issue from where it stands to being sent.
func (a *App) dispatch(ctx context.Context, is news.Issue) (queued int, err error) {
	if is.State == news.Draft {
		if err := a.store.MoveIssue(ctx, is.ID, news.Approved); err != nil {
			return 0, err
		}
		is.State = news.Approved
	}
	if is.State == news.Approved {
		if queued, err = a.store.EnqueueIssue(ctx, is.ID); err != nil {
			return 0, err
		}
	}
	nudge(a.wake)
	return queued, nil
}

func (a *App) settled(d news.Delivery) {
	a.metrics.settled(d.State)
	a.moving.settled(d)
	a.unwelcome(d)
	if d.State == news.Delivered {
		a.alarms.relayUp()
	} else {
		a.log.Warn("a mail was not delivered", "to", d.Subscriber.Email, "issue", d.IssueID, "state", d.State, "reply", d.Reply)
	}
}
