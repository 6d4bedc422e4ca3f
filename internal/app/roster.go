package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"jianxun/internal/news"
	"jianxun/internal/roster"
)

// applyRoster brings the list of the configuration's file into the store. Lists are
// long, and the same at almost every start: so it is remembered which was applied
// last, and only another one is compared with everybody who is known.
func (a *App) applyRoster(ctx context.Context, wanted []news.Subscriber) error {
	if len(wanted) == 0 {
		if listed, err := a.store.Listed(ctx, news.FromFile); err != nil || !listed {
			return err
		}
	}
	sum, err := rosterSum(wanted)
	if err != nil {
		return err
	}
	if last, err := a.store.RosterApplied(ctx); err != nil || last == sum {
		return err
	}
	known, err := a.store.Subscribers(ctx)
	if err != nil {
		return err
	}
	c := roster.Reconcile(known, wanted, news.FromFile, false)
	if !c.Empty() {
		a.log.Info("the list of subscribers has changed", "added", len(c.Add), "changed", len(c.Update), "removed", len(c.Remove))
		if err := a.store.ApplyRoster(ctx, c.Put(), c.Remove); err != nil {
			return err
		}
	}
	return a.store.KeepRosterApplied(ctx, sum)
}

// rosterSum tells lists apart.
func rosterSum(wanted []news.Subscriber) (string, error) {
	h := sha256.New()
	if err := json.NewEncoder(h).Encode(wanted); err != nil {
		return "", news.Errorf(news.Internal, "the list of subscribers cannot be summed up: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
