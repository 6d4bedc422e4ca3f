package app

import (
	"context"

	"jianxun/internal/news"
)

// Pause stops the sending of an issue at once, or of everything when ref is empty.
func (a *App) Pause(ctx context.Context, ref string) error {
	id, _, err := a.pausable(ctx, ref)
	if err != nil {
		return err
	}
	return a.store.Pause(ctx, id)
}

// Unpause lets the sending go on of what Pause was given.
func (a *App) Unpause(ctx context.Context, ref string) error {
	id, _, err := a.pausable(ctx, ref)
	if err != nil {
		return err
	}
	return a.store.Unpause(ctx, id)
}

func (a *App) pausable(ctx context.Context, ref string) (id int64, is news.Issue, err error) {
	if ref == "" {
		return 0, is, nil
	}
	if is, err = a.find(ctx, ref); err != nil {
		return 0, is, err
	}
	switch is.State {
	case news.Sent, news.Cancelled:
		return 0, is, news.Errorf(news.Conflict, "%s of %s is not being sent any more", is.Label(), is.Digest)
	}
	return is.ID, is, nil
}

// paused is why nothing of the issue is sent, nil when it is not paused.
func (a *App) paused(ctx context.Context, is news.Issue) error {
	all, err := a.store.Paused(ctx, 0)
	if err != nil {
		return err
	}
	if !all.IsZero() {
		return news.Errorf(news.Conflict, "sending is paused; go on with: %s", "jianxun mail resume")
	}
	one, err := a.store.Paused(ctx, is.ID)
	if err != nil || one.IsZero() {
		return err
	}
	name := is.Digest + "/" + is.Ref()
	return news.Errorf(news.Conflict, "the sending of %s is paused; go on with: %s", name, "jianxun issue resume "+name)
}
