package app

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"jianxun/config"
	"jianxun/internal/news"
)

// watchEvery is how often the configuration files are looked at.
const watchEvery = time.Second

// reloadEvery is how often a configuration is tried that waits for the store.
const reloadEvery = 3 * time.Second

// settleFor is how long Start waits for the first reading of local folders, so
// that a first visit finds something.
const settleFor = 3 * time.Second

type servers struct {
	site, ops net.Listener
}

// Start listens and sets everything going. It returns once the site answers.
func (a *App) Start(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stopped {
		return news.Errorf(news.Conflict, "it has been stopped already")
	}
	if a.started {
		return nil
	}
	a.started = true
	g := a.gen.Load()
	release, err := a.store.Serve(ctx)
	if err != nil {
		return err
	}
	a.onStop("serving", release)
	a.tellHeld(ctx)
	if ahead := a.skew(ctx); ahead != 0 {
		a.log.Warn("this machine's clock differs from that of the store; set both by NTP", "ahead", ahead)
	}
	if err := a.listen(g.cfg); err != nil {
		return err
	}
	if err := a.apply(ctx, g); err != nil {
		return err
	}
	a.serve("site", a.servers.site, a.web)
	if a.servers.ops != nil {
		a.serve("ops", a.servers.ops, a.opsHandler())
	}
	a.background("refresh", a.refresh)
	a.background("progress", a.logProgress)
	a.background("measure", a.measure)
	a.background("watch", a.watch)
	a.background("alarms", a.alarms.run)
	a.onStop("jobs", func() error { a.loops.end(); return nil })
	first := a.run(g)
	select {
	case <-first:
	case <-time.After(settleFor):
	case <-ctx.Done():
	}
	_, err = a.web.Refresh(ctx)
	return err
}

func (a *App) listen(cfg *config.Config) (err error) {
	if a.servers.site, err = listenOn("listen", cfg.Listen); err != nil {
		return err
	}
	a.onStop("listener", closer(a.servers.site))
	if cfg.OpsListen != "" {
		if a.servers.ops, err = listenOn("ops.listen", cfg.OpsListen); err != nil {
			return err
		}
		a.onStop("ops listener", closer(a.servers.ops))
	}
	return nil
}

func listenOn(key, address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, news.Errorf(news.Unavailable, "cannot listen on %s (%w); is another jianxun running? choose another address under %s", address, err, key)
	}
	return l, nil
}

func closer(l net.Listener) func() error {
	return func() error {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	}
}

// Addr is where the site listens, once started; useful with port 0.
func (a *App) Addr() string { return a.servers.site.Addr().String() }

// OpsAddr is where metrics and readiness are, empty when they are off.
func (a *App) OpsAddr() string {
	if a.servers.ops == nil {
		return ""
	}
	return a.servers.ops.Addr().String()
}

func (a *App) serve(name string, l net.Listener, h http.Handler) {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 2 * time.Minute,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
	go func() {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			a.log.Error("serving ended", "server", name, "error", err)
		}
	}()
	a.onStop(name+" server", func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := srv.Shutdown(ctx); err != nil {
			return srv.Close()
		}
		return nil
	})
}

// background runs f until Stop, which waits for it.
func (a *App) background(name string, f func(context.Context)) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { f(ctx) })
	a.onStop(name, func() error {
		cancel()
		wg.Wait()
		return nil
	})
}

// refresh follows the changes of the store, which this process or another made.
func (a *App) refresh(ctx context.Context) {
	changed := make(chan struct{}, 1)
	go a.store.Watch(ctx, func() { nudge(changed) }, func() { nudge(a.wake) })
	told := announced{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
		_, err := a.web.Refresh(ctx)
		if err == nil {
			told = a.announce(ctx, told)
		}
		if ctx.Err() == nil {
			a.refreshed(err)
		}
	}
}

// refreshed says when the feeds begin to lag behind the store, and when they no
// longer do.
func (a *App) refreshed(err error) {
	since := a.stale.Load()
	switch {
	case err != nil && since == nil:
		now := a.opt.Now()
		a.stale.Store(&now)
		a.log.Error("the feeds cannot be refreshed; they are served as they were", "error", err)
	case err == nil && since != nil:
		a.stale.Store(nil)
		a.log.Info("the feeds are refreshed again", "behind_since", *since)
	}
}

// nudge wakes whoever waits on the channel, if he is not awake already.
func nudge(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}
