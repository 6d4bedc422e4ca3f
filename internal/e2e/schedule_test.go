package e2e

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"jianxun/internal/app"
)

// clock is the time of an App that runs within the test.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

// intermittent is a site whose App runs within the test, now and then.
type intermittent struct {
	*site
	relay    *sink
	clock    clock
	thursday time.Time // before the first issue is due
}

// newIntermittent sends its digest to three people on Mondays at eight.
func newIntermittent(t *testing.T) *intermittent {
	t.Helper()
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	relay := newSink(t, "")
	s := newSite(t, strings.ReplaceAll(sendingSite, "%s", relay.addr))
	s.write("subscribers.yaml", threePeople)
	return &intermittent{site: s, relay: relay, thursday: time.Date(2026, 11, 19, 12, 0, 0, 0, shanghai)}
}

// runs starts the App so many days after the Thursday, and stops it when what
// returns.
func (s *intermittent) runs(days int, what func(*app.App)) {
	s.t.Helper()
	ctx := s.t.Context()
	s.clock.set(s.thursday.AddDate(0, 0, days))
	a, err := app.New(ctx, app.Options{ConfigFile: filepath.Join(s.dir, "jianxun.yaml"), Now: s.clock.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		s.t.Fatal(err)
	}
	if err := a.Start(ctx); err != nil {
		s.t.Fatal(err)
	}
	what(a)
	if err := a.Stop(context.WithoutCancel(ctx)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *intermittent) issues(a *app.App) []app.Issue {
	s.t.Helper()
	list, err := a.Issues(s.t.Context(), "weekly", 10)
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

func (s *intermittent) wantMails(n int) {
	s.t.Helper()
	if got := len(s.relay.all()); got != n {
		s.t.Errorf("%d mails, want %d", got, n)
	}
}

// TestMissedIssueIsCaughtUpOnce stops the daemon over a Monday morning, for two
// weeks. The issue is sent when it is back: one, not two, and never again.
func TestMissedIssueIsCaughtUpOnce(t *testing.T) {
	s := newIntermittent(t)
	s.runs(0, func(a *app.App) {
		if n := len(s.issues(a)); n != 0 {
			t.Errorf("%d issues before the first is due", n)
		}
	})
	s.runs(14, func(a *app.App) {
		s.relay.wait(t, 3)
		list := s.issues(a)
		if len(list) != 1 || !list[0].WindowTo.Equal(time.Date(2026, 11, 30, 8, 0, 0, 0, s.thursday.Location())) {
			t.Errorf("caught up: %+v, want the one of 30 November", list)
		}
	})
	s.runs(15, func(a *app.App) {
		if list := s.issues(a); len(list) != 1 || list[0].State != "sent" {
			t.Errorf("after another start: %+v", list)
		}
	})
	s.wantMails(3)
}

func TestHangUpReadsTheConfigurationAgain(t *testing.T) {
	s := newSite(t, readingSite)
	d := s.serve()
	if err := d.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	d.waitFor("the configuration has been taken")
	if err := os.Remove(filepath.Join(s.dir, "jianxun.yaml")); err != nil {
		t.Fatal(err)
	}
	if err := d.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	d.waitFor("what was in force stays")
	if n := len(items(t, s, "all")); n < 6 {
		t.Errorf("%d items are left", n)
	}
}

const readingSite = `
sources:
  - {name: samples, kind: directory, path: "builtin:samples"}
`
