package app

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"jianxun/internal/news"
)

// Withdraw takes an article out of everything, Restore brings it back. They
// take an id or the beginning of it, and return once a daemon on this machine,
// if one runs, shows the change.
func (a *App) Withdraw(ctx context.Context, id string) (Article, error) {
	return a.move(ctx, id, a.store.Withdraw)
}

// Restore brings a withdrawn article back; see Withdraw.
func (a *App) Restore(ctx context.Context, id string) (Article, error) {
	return a.move(ctx, id, a.store.Restore)
}

func (a *App) move(ctx context.Context, id string, how func(context.Context, string) error) (Article, error) {
	n, err := a.store.Article(ctx, id)
	if err != nil {
		return Article{}, err
	}
	if err := how(ctx, n.ID); err != nil {
		return Article{}, err
	}
	if n, err = a.store.Article(ctx, n.ID); err == nil {
		a.awaitShown(ctx, n.Seq)
	}
	return a.articleView(n), err
}

// shownWithin bounds how long a command waits for the daemon, askEvery is how
// often it looks.
const (
	shownWithin = 5 * time.Second
	askEvery    = 50 * time.Millisecond
)

// awaitShown waits until the daemon that listens where the configuration says
// has seen the change. When none answers there is nothing to wait for.
func (a *App) awaitShown(ctx context.Context, change int64) {
	ctx, cancel := context.WithTimeout(ctx, shownWithin)
	defer cancel()
	host, port, err := net.SplitHostPort(a.Config().Listen)
	if err != nil {
		return
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	for {
		seen, err := changeSeen(ctx, "http://"+net.JoinHostPort(host, port)+"/healthz")
		if err != nil || seen >= change {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(askEvery):
		}
	}
}

// changeSeen reads how far the daemon at the address has come.
func changeSeen(ctx context.Context, address string) (change int64, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	var feeds int
	if _, err := fmt.Fscanf(resp.Body, "ok %d feeds, change %d", &feeds, &change); err != nil {
		return 0, news.Errorf(news.Unavailable, "%s is no jianxun: %w", address, err)
	}
	return change, nil
}
