package e2e

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"jianxun/internal/app"
)

// TestRestoredOverAMonday: an issue was due between the backup and the restoring.
// It may have been sent, so it is not made again; the next one is.
func TestRestoredOverAMonday(t *testing.T) {
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	relay := newSink(t, "")
	s := newSite(t, strings.ReplaceAll(sendingSite, "%s", relay.addr))
	s.write("subscribers.yaml", threePeople)
	c := &clock{}
	run := func(at time.Time, what func(*app.App)) {
		t.Helper()
		c.set(at)
		a, err := app.New(t.Context(), app.Options{ConfigFile: filepath.Join(s.dir, "jianxun.yaml"), Now: c.Now, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		what(a)
		if err := a.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	wantMails := func(n int) {
		t.Helper()
		if got := len(relay.all()); got != n {
			t.Errorf("%d mails, want %d", got, n)
		}
	}
	thursday := time.Date(2026, 11, 19, 12, 0, 0, 0, shanghai)
	backup := filepath.Join(s.dir, "backup.db")
	run(thursday, func(a *app.App) {
		if _, err := a.Backup(t.Context(), backup, func(int, int) {}); err != nil {
			t.Fatal(err)
		}
	})
	run(thursday.AddDate(0, 0, 7), func(*app.App) { relay.wait(t, 3) })
	s.putInPlace(backup)
	run(thursday.AddDate(0, 0, 7), func(a *app.App) {
		if list, err := a.Issues(t.Context(), "weekly", 10); err != nil || len(list) != 0 {
			t.Errorf("issues in the restored store: %+v, %v", list, err)
		}
		r, err := a.Resume(t.Context(), false)
		if err != nil || r.Digests != 1 || !r.Since.Equal(thursday) {
			t.Errorf("resumed %+v, %v", r, err)
		}
	})
	run(thursday.AddDate(0, 0, 8), func(a *app.App) {
		if list, err := a.Issues(t.Context(), "weekly", 10); err != nil || len(list) != 0 {
			t.Errorf("issues after resuming: %+v, %v", list, err)
		}
	})
	wantMails(3)
	run(thursday.AddDate(0, 0, 14), func(*app.App) { relay.wait(t, 3) })
	wantMails(6)
}
