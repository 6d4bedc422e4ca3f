package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"jianxun/internal/app"
)

type serveCmd struct{}

// stopWithin is how long mails in hand may take after a signal. It is less than
// the 90 s after which systemd kills what it stops, so that there is time left to
// say what did not end.
const stopWithin = 75 * time.Second

// Run serves until a signal comes. SIGHUP reads the configuration again.
func (serveCmd) Run(ctx context.Context, s *session) error {
	level := new(slog.LevelVar)
	level.Set(slog.LevelWarn) // what goes well is told once the first lines have said where everything is
	a, err := app.New(ctx, s.options(level))
	if err != nil {
		return err
	}
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP) // before anybody is told that it runs: unheard, the signal would end it
	defer signal.Stop(hup)
	err = a.Start(ctx)
	if err == nil {
		err = s.banner(ctx, a)
	}
	if err == nil {
		level.Set(slog.LevelInfo)
		s.wait(ctx, a, hup)
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	if err = errors.Join(err, a.Stop(stopping)); err == nil {
		s.say("Stopped.")
	}
	return err
}

func (s *session) wait(ctx context.Context, a *app.App, hup <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			s.say("Stopping: mails in hand are finished first.")
			return
		case <-hup:
			_ = a.Reload(ctx) // it logs what is wrong, and what was in force stays
		}
	}
}

// banner says where everything is, and what to type next.
func (s *session) banner(ctx context.Context, a *app.App) error {
	st, err := a.Status(ctx)
	if err != nil {
		return err
	}
	configFile := st.ConfigFile
	if configFile == "" {
		configFile = s.p.T("built in; write your own with: %s", self()+" init")
	}
	outgoing := s.p.T("captured under %s, see %s", st.Capture, st.Site+"/mail")
	if st.Relay != "" {
		outgoing = s.p.T("sent through %s", st.Relay)
	}
	rows := [][]string{
		{s.p.T("Site"), st.Site + "/"},
		{s.p.T("Feeds"), st.Site + "/feeds/all.rss  .atom  .json"},
		{s.p.T("Data"), st.Store + "  " + s.p.T("(%d articles)", st.Articles)},
		{s.p.T("Configuration"), configFile},
		{s.p.T("Mail"), outgoing},
	}
	if st.Held != nil {
		rows = append(rows, []string{s.p.T("Sending"), s.p.Err(st.Held)})
	}
	if st.Ops != "" {
		rows = append(rows, []string{s.p.T("Readiness"), "http://" + st.Ops + "/readyz"})
	}
	for _, r := range st.Runs {
		rows = append(rows, []string{s.p.T("Next issue"), fmt.Sprintf("%s  %s (%s)", r.Title, s.p.When(r.Next[0], false), r.Zone)})
	}
	if len(st.Runs) > 0 {
		d := st.Runs[0].Digest
		rows = append(rows, []string{s.p.T("Send one now"), self() + " issue draft " + d + " && " + self() + " issue send " + d})
	}
	table(s.out, rows)
	return nil
}

// self is how this program was started, for people to copy.
func self() string {
	if path, err := os.Executable(); err == nil && strings.Contains(path, "go-build") {
		return "go run ./cmd/jianxun"
	}
	return "jianxun"
}
