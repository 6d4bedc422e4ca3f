package web

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"jianxun/internal/news"
	"jianxun/internal/store"
	"jianxun/templates"
)

// What stands behind a site of the tests: a store in a file, its faults and
// delays, and further Servers over the same file.

// blank is a store without an article. Making its tables takes longer than most
// tests do, so they are made once and copied.
var blank = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "jianxun")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "blank.db")
	s, err := store.Open(context.Background(), "sqlite:"+file, func() time.Time { return monday })
	if err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(file)
})

// open starts a Server over the site's file.
func (s *site) open() {
	s.t.Helper()
	var err error
	if s.store, err = store.Open(s.t.Context(), "sqlite:"+s.file, s.clock); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = s.store.Close() })
	set, err := templates.Load()
	if err != nil {
		s.t.Fatal(err)
	}
	s.articles = &articles{Store: s.store}
	s.Server = New(Options{Articles: s.articles, Collections: s.store, Issues: s.store, People: s.store, Letters: s, Templates: set, Key: []byte("a key of 32 octets, more or less"),
		Now: s.clock, Log: slog.New(slog.DiscardHandler), View: view})
	s.reload()
}

// another is a second site over the same file: a replica, or the daemon after
// a restart.
func (s *site) another() *site {
	s.t.Helper()
	other := &site{t: s.t, now: s.clock(), settings: s.settings, file: s.file}
	other.open()
	return other
}

// articles is the store's, until a fault is put in. It notes what was searched
// for; when begun is there, each search says that it began and waits for hold.
type articles struct {
	*store.Store
	fault    error
	mu       sync.Mutex
	searched []string
	begun    chan string
	hold     chan struct{}
}

var errBroken = errors.New("the disk is on fire")

func (a *articles) Head(ctx context.Context) (int64, error) {
	if a.fault != nil {
		return 0, a.fault
	}
	return a.Store.Head(ctx)
}

func (a *articles) Article(ctx context.Context, id string) (news.Article, error) {
	found, err := a.Store.Article(ctx, id)
	return found, errors.Join(err, a.fault)
}

func (a *articles) Search(ctx context.Context, query string, now time.Time, limit int) ([]news.Article, error) {
	a.mu.Lock()
	a.searched = append(a.searched, query)
	a.mu.Unlock()
	if a.begun != nil {
		a.begun <- query
		<-a.hold
	}
	return a.Store.Search(ctx, query, now, limit)
}
