package app

import (
	"context"
	"time"

	"jianxun/internal/news"
)

// Images are asked for their length a few at a time, and after a failure later
// and later.
const (
	measureEvery  = 5 * time.Second
	measureAtOnce = 8
	measureAgain  = 2 * time.Hour
)

// measure learns the lengths of images that articles came without, so that
// feeds can carry them as enclosures.
func (a *App) measure(ctx context.Context) {
	tick := time.NewTicker(measureEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		list, err := a.store.ClaimUnmeasured(ctx, a.opt.Now().Add(measureAgain), measureAtOnce)
		if err != nil && ctx.Err() == nil {
			a.log.Error("the lengths of images cannot be looked up", "error", err)
		}
		for _, n := range list {
			if err := a.measureOne(ctx, n); err != nil && ctx.Err() == nil {
				a.log.Error("the length of an image cannot be kept", "article", n.ID, "error", err)
			}
		}
	}
}

func (a *App) measureOne(ctx context.Context, n news.Article) error {
	g := a.gen.Load()
	var allow []string
	for _, src := range g.cfg.Sources {
		if src.Name == n.Source {
			allow = src.AllowPrivate
		}
	}
	image, ok := n.Unmeasured()
	if !ok {
		return a.store.Unmeasurable(ctx, n.ID)
	}
	known, err := g.ingester.Measure(ctx, image.URL, allow)
	switch {
	case err == nil:
		return a.store.Measured(ctx, n, known)
	case ctx.Err() == nil && news.CodeOf(err) != news.Unavailable:
		return a.store.Unmeasurable(ctx, n.ID)
	}
	return nil // the claim runs out, and it is asked for again
}
