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

// TestMissedIssueIsCaughtUpOnce stops the daemon over a Monday morning, for two
// weeks. The issue is sent when it is back: one, not two, and never again.
func TestMissedIssueIsCaughtUpOnce(t *testing.T) {
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	relay := newSink(t, "")
	s := newSite(t, strings.ReplaceAll(sendingSite, "%s", relay.addr))
	s.write("subscribers.yaml", threePeople)
	c := &clock{}
	run := func(at time.Time, until func(*app.App)) {
		t.Helper()
		c.set(at)
		a, err := app.New(t.Context(), app.Options{ConfigFile: filepath.Join(s.dir, "jianxun.yaml"), Now: c.Now, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		until(a)
		if err := a.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	issues := func(a *app.App) []app.Issue {
		t.Helper()
		list, err := a.Issues(t.Context(), "weekly", 10)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	thursday := time.Date(2026, 11, 19, 12, 0, 0, 0, shanghai)
	run(thursday, func(a *app.App) {
		if n := len(issues(a)); n != 0 {
			t.Errorf("%d issues before the first is due", n)
		}
	})
	run(thursday.AddDate(0, 0, 14), func(a *app.App) {
		relay.wait(t, 3)
		list := issues(a)
		if len(list) != 1 || !list[0].WindowTo.Equal(time.Date(2026, 11, 30, 8, 0, 0, 0, shanghai)) {
			t.Errorf("caught up: %+v, want the one of 30 November", list)
		}
	})
	run(thursday.AddDate(0, 0, 15), func(a *app.App) {
		if list := issues(a); len(list) != 1 || list[0].State != "sent" {
			t.Errorf("after another start: %+v", list)
		}
	})
	if n := len(relay.all()); n != 3 {
		t.Errorf("%d mails to three people", n)
	}
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
