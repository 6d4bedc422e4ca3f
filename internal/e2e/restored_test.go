package e2e

import (
	"path/filepath"
	"testing"

	"jianxun/internal/app"
)

// TestRestoredOverAMonday: an issue was due between the backup and the restoring.
// It may have been sent, so it is not made again; the next one is.
func TestRestoredOverAMonday(t *testing.T) {
	s := newIntermittent(t)
	backup := filepath.Join(s.dir, "backup.db")
	s.runs(0, func(a *app.App) {
		if _, err := a.Backup(t.Context(), backup, func(int, int) {}); err != nil {
			t.Fatal(err)
		}
	})
	s.runs(7, func(*app.App) { s.relay.wait(t, 3) })
	s.putInPlace(backup)
	s.runs(7, func(a *app.App) {
		if list := s.issues(a); len(list) != 0 {
			t.Errorf("issues in the restored store: %+v", list)
		}
		r, err := a.Resume(t.Context(), false)
		if err != nil || r.Digests != 1 || !r.Since.Equal(s.thursday) {
			t.Errorf("resumed %+v, %v", r, err)
		}
	})
	s.runs(8, func(a *app.App) {
		if list := s.issues(a); len(list) != 0 {
			t.Errorf("issues after resuming: %+v", list)
		}
	})
	s.wantMails(3)
	s.runs(14, func(*app.App) { s.relay.wait(t, 3) })
	s.wantMails(6)
}
