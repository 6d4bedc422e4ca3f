// Package app builds the whole from its parts, starts it, reloads and stops it.
//
// It promises that New either gives an App that can be started or leaves nothing
// behind, that Start and Stop may be called again without harm, that a bad
// configuration file never replaces a good one, and that Stop finishes the
// mails in hand. It is the only package that knows the wall clock.
package app

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"jianxun/config"
	"jianxun/internal/news"
	"jianxun/internal/schedule"
	"jianxun/internal/store"
	"jianxun/internal/web"
	"jianxun/templates"
)

// Options are what an App is made of. All may be left empty.
type Options struct {
	ConfigFile string // empty: ./jianxun.yaml, /etc/jianxun/jianxun.yaml, the built-in default
	Log        *slog.Logger
	Now        func() time.Time
	Version    string
	Lease      time.Duration // of mails in hand, see outbox.Options; tests take a short one
}

// App is one jianxun over one store: a daemon once started, and what the
// commands work through.
type App struct {
	opt       Options
	log       *slog.Logger
	store     *store.Store
	templates *templates.Set
	web       *web.Server
	samples   fs.FS
	token     string // tells this process from others
	wake      chan struct{}
	metrics   *metrics
	hostKey   []byte
	alarms    *alarms
	verpKey   []byte

	gen       atomic.Pointer[generation]
	refused   atomic.Pointer[refusal]   // the configuration that was not taken, nil when the last was
	files     atomic.Pointer[[]string]  // that are watched
	stale     atomic.Pointer[time.Time] // since when the feeds lag behind the store, nil while they do not
	reloading sync.Mutex
	loops     loops

	mu       sync.Mutex // guards what follows
	moving   progressLog
	welcome  welcome
	started  bool
	stopped  bool
	cleanups []cleanup
	servers  servers
}

type cleanup struct {
	name string
	run  func() error
}

// refusal is why the configuration on disk is not in force. One that waits has no
// fault: the store could not be asked, and it is tried again.
type refusal struct {
	at    time.Time
	err   error
	waits bool
}

// New reads the configuration, opens the store and builds the parts. Nothing
// runs yet.
func New(ctx context.Context, opt Options) (*App, error) {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.ConfigFile == "" {
		opt.ConfigFile = config.Find()
	}
	a := &App{opt: opt, log: opt.Log, wake: make(chan struct{}, 1), token: newToken(), metrics: newMetrics(opt.Version)}
	if err := a.setup(ctx); err != nil {
		return nil, errors.Join(err, a.Stop(context.WithoutCancel(ctx)))
	}
	return a, nil
}

// CheckCron tells what is wrong with a cron line.
func CheckCron(spec string, zone *time.Location) error {
	_, err := schedule.Parse(spec, zone)
	return err
}

func (a *App) setup(ctx context.Context) error {
	cfg, err := config.Load(a.opt.ConfigFile, CheckCron)
	if err != nil {
		return err
	}
	a.files.Store(&cfg.Files)
	if a.samples, err = config.Samples(); err != nil {
		return err
	}
	if a.templates, err = templates.Load(); err != nil {
		return err
	}
	if a.store, err = store.Open(ctx, cfg.Store, a.opt.Now); err != nil {
		return err
	}
	a.onStop("store", a.store.Close)
	a.alarms = a.newAlarms()
	if a.hostKey, err = a.store.Secret(ctx, "subscriber-token"); err != nil {
		return err
	}
	if a.verpKey, err = a.store.Secret(ctx, "verp"); err != nil {
		return err
	}
	a.web = web.New(web.Options{
		Articles: a.store, Collections: a.store, Issues: a.store, People: a.store, Letters: letters{a}, Templates: a.templates, Key: a.hostKey,
		Now: a.opt.Now, Log: a.log, View: a.webIssue,
	})
	a.onStop("letters", func() error { a.web.Posted(); return nil })
	g, err := a.generation(cfg)
	if err != nil {
		return err
	}
	a.gen.Store(g)
	return nil
}

// Config is the configuration in force.
func (a *App) Config() *config.Config { return a.gen.Load().cfg }

// Printer speaks the language of the locale named, Chinese unless it is English.
func Printer(locale string) templates.Printer {
	return templates.NewPrinter(templates.ParseLanguage(locale))
}

// onStop registers what undoes something, the moment it exists. Stop runs them
// last in, first out.
func (a *App) onStop(name string, run func() error) {
	a.cleanups = append(a.cleanups, cleanup{name, run})
}

// Stop ends everything that Start began and closes the store. Mails in hand are
// finished, unless ctx ends first.
func (a *App) Stop(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stopped {
		return nil
	}
	a.stopped = true
	var errs []error
	for i := len(a.cleanups) - 1; i >= 0; i-- {
		c := a.cleanups[i]
		done := make(chan error, 1)
		go func() { done <- c.run() }()
		select {
		case err := <-done:
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", c.name, err))
			}
		case <-ctx.Done():
			return errors.Join(append(errs, fmt.Errorf("%s did not stop in time: %w", c.name, ctx.Err()))...)
		}
	}
	return errors.Join(errs...)
}

// openFolder is how ingest reaches the files of a folder.
func openFolder(path string) fs.FS { return os.DirFS(path) }

func newToken() string {
	var b [9]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic(err) // the system has no randomness: nothing can be right
	}
	return hex.EncodeToString(b[:])
}

// faultsOf are the faults of a configuration in an error, none for other errors.
func faultsOf(err error) config.Faults {
	fs, _ := errors.AsType[config.Faults](err)
	return fs
}

// notFound tells whether err says that there is no such thing.
func notFound(err error) bool { return err != nil && news.CodeOf(err) == news.NotFound }
