package e2e

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"jianxun/internal/app"
)

// childVariable makes a process of this test binary a jianxun that does what the
// variable says, serve or send. It differs from the program in one point: what a
// dead one had in hand is free after childLease and not after half a minute, so
// that many can be killed in a short time.
const childVariable = "JIANXUN_TEST_CHILD"

// childLease is renewed three times as often.
const childLease = 400 * time.Millisecond

// child is the process.
func child(what string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	a, err := app.New(ctx, app.Options{ConfigFile: "jianxun.yaml", Lease: childLease, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	if err == nil && what == "serve" {
		if err = a.Start(ctx); err == nil {
			<-ctx.Done()
		}
	} else if err == nil {
		_, err = a.SendIssue(ctx, "weekly", func(app.Progress) {})
	}
	if a != nil {
		_ = a.Stop(context.WithoutCancel(ctx))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// child starts such a process in the folder of the site.
func (s *site) child(what string) *daemon {
	s.t.Helper()
	self, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = []string{childVariable + "=" + what}
	return s.spawn(cmd)
}
