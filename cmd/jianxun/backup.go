package main

import (
	"context"
	"fmt"
	"time"

	"jianxun/internal/app"
)

type backupCmd struct {
	File string `arg:"" help:"File to write; one that is there already is not overwritten." type:"path"`
	JSON bool   `help:"Print data as JSON."`
}

// Run backs the store up and says how to put the backup in its place.
func (c backupCmd) Run(ctx context.Context, s *session, a *app.App) error {
	bar := newProgress(s.err)
	made, err := a.Backup(ctx, c.File, func(done, all int) { bar.show(s.p.T("%d%% copied", 100*done/max(all, 1))) })
	bar.end()
	if err != nil || c.JSON {
		return s.data(made, err)
	}
	took := time.Duration(made.Seconds * float64(time.Second)).Round(10 * time.Millisecond)
	s.say("Backed up: %s, %s in %s. To put it back: stop jianxun, move %s with its -wal and -shm away, put the backup in its place, start; mail is then held until you type: %s",
		made.File, size(made.Bytes), took, a.StoreName(), self()+" store resume")
	return nil
}

// size is a number of octets as people read it.
func size(octets int64) string {
	if octets < 10<<20 {
		return fmt.Sprintf("%d KB", (octets+1023)>>10)
	}
	return fmt.Sprintf("%d MB", octets>>20)
}
