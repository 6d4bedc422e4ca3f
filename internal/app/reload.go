package app

import (
	"context"
	"sync"

	"jianxun/config"
	"jianxun/internal/news"
	"jianxun/internal/schedule"
)

// running is the loops of one generation.
type running struct {
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

func (r *running) stop() {
	r.cancel()
	r.wg.Wait()
}

// loops holds the loops in force. Once ended none begin again.
type loops struct {
	mu      sync.Mutex
	current *running
	ended   bool
}

func (l *loops) replace(begin func() *running) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return
	}
	if l.current != nil {
		l.current.stop()
	}
	l.current = begin()
}

func (l *loops) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended = true; l.current != nil {
		l.current.stop()
	}
}

// Reload reads the configuration again. A good one replaces what runs; a bad
// one changes nothing and is reported, here, in the log and in /readyz. One that
// cannot be taken because the store does not answer is tried again, see watch.
func (a *App) Reload(ctx context.Context) error {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	err := a.reload(ctx)
	if err != nil {
		a.refuse(err)
		return err
	}
	a.refused.Store(nil)
	a.metrics.configOK.Set(1)
	a.alarms.configTaken()
	a.log.Info("the configuration has been taken", "file", a.opt.ConfigFile)
	return nil
}

// refuse remembers and tells why the configuration is not taken; of an outage of
// the store only when it begins.
func (a *App) refuse(err error) {
	next := &refusal{at: a.opt.Now(), err: err, waits: faultsOf(err) == nil && news.CodeOf(err) == news.Unavailable}
	before := a.refused.Swap(next)
	a.metrics.configOK.Set(0)
	switch {
	case !next.waits:
		a.logFaults(err)
		a.alarms.configRefused(err)
	case before == nil || !before.waits:
		a.log.Warn("the configuration is not taken yet, as the store cannot be asked; this is tried again", "again_in", reloadEvery, "error", err)
	}
}

// reloadDue tells whether a configuration that waits for the store is to be tried
// again.
func (a *App) reloadDue() bool {
	r := a.refused.Load()
	return r != nil && r.waits && a.opt.Now().Sub(r.at).Abs() >= reloadEvery // the clock may be set back
}

func (a *App) reload(ctx context.Context) error {
	cfg, err := config.Load(a.opt.ConfigFile, CheckCron)
	a.files.Store(&cfg.Files) // also of a refused one: mending any of them is to be noticed
	if err != nil {
		return err
	}
	old := a.gen.Load()
	if cfg.Store != old.cfg.Store || cfg.Listen != old.cfg.Listen || cfg.OpsListen != old.cfg.OpsListen {
		a.log.Warn("a change of store, listen or ops.listen takes effect at the next start")
		cfg.Store, cfg.Data, cfg.Listen, cfg.OpsListen = old.cfg.Store, old.cfg.Data, old.cfg.Listen, old.cfg.OpsListen
	}
	g, err := a.generation(cfg)
	if err != nil {
		return err
	}
	if err := a.apply(ctx, g); err != nil {
		return err
	}
	a.gen.Store(g)
	a.run(g)
	return nil
}

func (a *App) logFaults(err error) {
	faults := faultsOf(err)
	if faults == nil {
		a.log.Error("the configuration is not taken; what was in force stays", "error", err)
	}
	for _, f := range faults {
		a.log.Error("the configuration is not taken; what was in force stays", "where", f.Where(), "error", f.Err)
	}
}

// apply makes the generation visible: people on the list, feeds on the site.
func (a *App) apply(ctx context.Context, g *generation) error {
	if err := a.applyRoster(ctx, g.cfg.Subscribers); err != nil {
		return err
	}
	if err := a.forgetSignUps(ctx, g); err != nil {
		return err
	}
	return a.web.Reload(ctx, g.settings(isLoopback(g.cfg.Listen)))
}

func (a *App) watch(ctx context.Context) {
	file := config.File{Path: a.opt.ConfigFile, Every: watchEvery, Again: a.reloadDue}
	file.Watch(ctx, func() []string { return *a.files.Load() }, func() { _ = a.Reload(ctx) })
}

// run starts the loops of a generation in the place of those before. The
// channel is closed when local folders have been read once.
func (a *App) run(g *generation) <-chan struct{} {
	first := make(chan struct{})
	a.loops.replace(func() *running {
		ctx, cancel := context.WithCancel(context.Background())
		r := &running{cancel: cancel}
		s := schedule.New(a.store, a.token, a.opt.Now, a.log)
		a.addJobs(s, g)
		r.wg.Go(func() {
			a.readLocal(ctx, g)
			close(first)
			s.Run(ctx)
		})
		r.wg.Go(func() { g.hubs.run(ctx) })
		r.wg.Go(func() { a.takeBounces(ctx, g.bounces) })
		r.wg.Go(func() { a.outbox(g, newToken(), a.settled).Run(ctx, a.wake) })
		return r
	})
	return first
}
