package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/alecthomas/kong"

	"jianxun/config"
	"jianxun/internal/app"
)

// Exit codes.
const (
	exitOK    = 0
	exitFault = 1 // of the input or the run
	exitUsage = 2
)

type commands struct {
	Config string `help:"Configuration file." placeholder:"FILE" type:"path"`

	Serve       serveCmd       `cmd:"" help:"Run the daemon: feeds, pages, schedule, delivery."`
	Init        initCmd        `cmd:"" help:"Write a commented jianxun.yaml and subscribers.yaml."`
	Check       checkCmd       `cmd:"" help:"Read the whole configuration, name every fault, and say when digests are due."`
	Ingest      ingestCmd      `cmd:"" help:"Read pages, folders and feeds into the store now."`
	Article     articleCmd     `cmd:"" help:"List, show, withdraw and restore articles."`
	Issue       issueCmd       `cmd:"" help:"Draft, look at and send issues of a digest."`
	Export      exportCmd      `cmd:"" help:"Write the site as files for any web server."`
	Backup      backupCmd      `cmd:"" help:"Back the store up to one file, also beside a running daemon."`
	Store       storeCmd       `cmd:"" help:"Copy the store, and go on with one that was restored from a backup."`
	Subscribers subscribersCmd `cmd:"" help:"List subscribers and import lists of them."`
	Bounces     bouncesCmd     `cmd:"" help:"See what came back."`
	Mail        mailCmd        `cmd:"" help:"Try the relay, pause and resume sending, make keys to sign mail with."`
	Version     versionCmd     `cmd:"" help:"Print the version."`
}

// session is what every command works with.
type session struct {
	out, err io.Writer
	p        printer
	config   string
	app      *app.App // once a command has asked for it
}

// run is the program without the process around it.
func run(ctx context.Context, args []string, stdout, stderr io.Writer, getenv func(string) string) int {
	s := &session{out: stdout, err: stderr, p: app.Printer(locale(getenv))}
	var cmds commands
	exit := -1
	parser, err := kong.New(&cmds, kong.Name("jianxun"), kong.Writers(stdout, stderr), kong.Exit(func(code int) { exit = code }),
		kong.Description("检讯 jianxun"), kong.UsageOnError(), kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(s), kong.BindSingletonProvider(s.open),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}))
	if err != nil {
		return s.fail(err)
	}
	translate(parser.Model.Node, s.p)
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if exit >= 0 {
		return exit // help has been shown
	}
	if err != nil {
		fmt.Fprintf(stderr, "jianxun: %s\n%s\n", s.p.Err(err), s.p.T("Run jianxun --help to see what can be done."))
		return exitUsage
	}
	s.config = cmds.Config
	defer s.close(ctx)
	if err := parsed.Run(); err != nil {
		return s.fail(err)
	}
	return exitOK
}

// locale is the first of the usual variables that is set.
func locale(getenv func(string) string) string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := getenv(name); v != "" {
			return v
		}
	}
	return ""
}

// errDone ends a command whose output has said already what is wrong.
var errDone = errors.New("said already")

func (s *session) fail(err error) int {
	if errors.Is(err, errDone) {
		return exitFault
	}
	if faults, ok := errors.AsType[config.Faults](err); ok {
		s.faults(faults)
		return exitFault
	}
	for _, line := range strings.Split(s.p.Err(err), "\n") {
		fmt.Fprintf(s.err, "jianxun: %s\n", line)
	}
	return exitFault
}

// faults prints every fault with its place and the line it is in.
func (s *session) faults(faults config.Faults) {
	for _, f := range faults {
		fmt.Fprintf(s.err, "%s: %s\n", f.Where(), s.p.Err(f.Err))
		if f.Excerpt != "" {
			fmt.Fprintln(s.err, f.Excerpt)
		}
	}
	fmt.Fprintln(s.err, s.p.T("Faults: %d. Nothing has been changed.", len(faults)))
}

// open gives the App that a command asks for by taking one; run closes it.
func (s *session) open(ctx context.Context) (*app.App, error) {
	var err error
	s.app, err = app.New(ctx, s.options(slog.LevelError))
	return s.app, err
}

// close closes the App that a command worked through, if it did.
func (s *session) close(ctx context.Context) {
	if s.app == nil {
		return
	}
	if err := s.app.Stop(context.WithoutCancel(ctx)); err != nil {
		s.fail(err)
	}
}

func (s *session) options(level slog.Leveler) app.Options {
	return app.Options{ConfigFile: s.config, Version: version, Log: slog.New(slog.NewTextHandler(s.err, &slog.HandlerOptions{Level: level}))}
}

func (s *session) say(format string, args ...any) { fmt.Fprintln(s.out, s.p.T(format, args...)) }

// translate says a command's help in the user's language.
func translate(n *kong.Node, p printer) {
	n.Help = p.T(n.Help)
	for _, f := range n.Flags {
		f.Help = p.T(f.Help)
	}
	for _, a := range n.Positional {
		a.Help = p.T(a.Help)
	}
	for _, c := range n.Children {
		translate(c, p)
	}
}
