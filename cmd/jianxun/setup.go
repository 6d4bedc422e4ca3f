package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"

	"jianxun/config"
	"jianxun/internal/app"
)

type initCmd struct {
	Dir string `arg:"" optional:"" default:"." help:"Folder to write into." type:"path"`
}

// Run writes the commented files.
func (c initCmd) Run(s *session) error {
	paths, err := config.Init(c.Dir)
	if err != nil {
		return err
	}
	for _, p := range paths {
		s.say("Written: %s", p)
	}
	s.say("Edit them, then run: %s", self()+" check")
	return nil
}

type checkCmd struct {
	JSON bool `help:"Print data as JSON."`
}

// nextRuns is how many due times check shows.
const nextRuns = 3

// Run reads the configuration and says all that is wrong with it.
func (c checkCmd) Run(ctx context.Context, s *session) error {
	file := s.config
	if file == "" {
		file = config.Find()
	}
	cfg, err := config.Load(file, app.CheckCron)
	if err != nil {
		return err
	}
	if err := app.CheckKeys(cfg); err != nil {
		return err
	}
	runs := app.NextRuns(cfg, nextRuns)
	closed, chose, err := s.exceptions(ctx, cfg)
	if err != nil {
		return err
	}
	if c.JSON {
		return app.JSON(s.out, map[string]any{"file": file, "runs": runs, "subscribers": len(cfg.Subscribers), "closed": closed, "chose": emailsOf(chose)})
	}
	if file == "" {
		file = s.p.T("the built-in default")
	}
	s.say("%s is right. Sources: %d, feeds: %d, digests: %d, subscribers: %d.", file, len(cfg.Sources), len(cfg.Feeds), len(cfg.Digests), len(cfg.Subscribers))
	for _, r := range runs {
		fmt.Fprintf(s.out, "%s  %s  %s\n", r.Digest, r.Title, s.p.T("next runs (%s):", r.Zone))
		for _, t := range r.Next {
			fmt.Fprintf(s.out, "  %s\n", t.Format("2006-01-02 15:04 Mon -07:00"))
		}
	}
	if len(cfg.Sources) == 0 {
		s.say("Note: there is no source, so no article will come by itself.")
	}
	for _, email := range closed {
		s.say("Note: %s unsubscribed or bounced, and gets nothing although the file lists it.", email)
	}
	for _, v := range chose {
		s.say("Note: %s gets something else than the file says; %s", v.Email, s.ownChoice(v.Own))
	}
	return nil
}

func emailsOf(people []app.Subscriber) []string {
	list := []string{}
	for _, p := range people {
		list = append(list, p.Email)
	}
	return list
}

// exceptions asks the store, if there is one yet, who gets nothing, and who chose
// for themselves.
func (s *session) exceptions(ctx context.Context, cfg *config.Config) (closed []string, chose []app.Subscriber, err error) {
	if file, ok := strings.CutPrefix(cfg.Store, "sqlite:"); ok {
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			return []string{}, nil, nil
		}
	}
	return app.Exceptions(ctx, s.options(slog.LevelError))
}

type versionCmd struct{}

// Run prints the version and what it was built with.
func (versionCmd) Run(s *session) error {
	info, _ := debug.ReadBuildInfo()
	_, err := fmt.Fprintf(s.out, "jianxun %s (%s)\n", version, info.GoVersion)
	return err
}
