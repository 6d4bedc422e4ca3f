package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"jianxun/internal/export"
	"jianxun/internal/news"
	"jianxun/internal/web"
)

// Export makes the folder hold the site as files: feeds in three formats with
// their archives, OPML, pages, each with compressed twins. What has not changed
// since the last export is not made again.
func (a *App) Export(ctx context.Context, dir string, progress func(done int, at string)) (export.Counts, error) {
	folder, err := export.Open(dir)
	if err != nil {
		return export.Counts{}, err
	}
	defer folder.Abandon() // after Close it does nothing more
	e := &exporter{app: a, folder: folder, progress: progress, now: a.opt.Now()}
	// What a file leads to is written before it: a page's style, the archive that
	// a feed names, the article that a list links to.
	for _, step := range []func(context.Context) error{e.begin, e.style, e.articles, e.archives, e.feeds, e.issues, e.rest} {
		if err := step(ctx); err != nil {
			return folder.Counts(), err
		}
	}
	err = folder.Close(export.State{Stamp: e.stamp, Change: e.head, At: e.now, Tails: e.tails})
	return folder.Counts(), err
}

// exporter is one run.
type exporter struct {
	app      *App
	folder   *export.Folder
	progress func(done int, at string)
	now      time.Time
	head     int64
	stamp    string
	fresh    bool           // all files must be made anew
	touched  []news.Article // that changed since the last run
	tails    []string

	mu   sync.Mutex // guards done, and progress
	done int
}

// begin finds out what is to be done, and fills the site. The head is read
// first: what changes from then on is the next run's too.
func (e *exporter) begin(ctx context.Context) (err error) {
	if e.head, err = e.app.store.Head(ctx); err != nil {
		return err
	}
	if e.stamp, err = e.app.stamp(); err != nil {
		return err
	}
	was := e.folder.State()
	// A store that has fewer changes than before is an older one, brought back.
	if e.fresh = was.Stamp != e.stamp || was.Change > e.head; e.fresh {
		if err := e.folder.Renew(); err != nil {
			return err
		}
	}
	return e.app.whole(ctx)
}

// whole fills the site, and its archives to the end.
func (a *App) whole(ctx context.Context) error {
	if err := a.web.Reload(ctx, a.gen.Load().settings(false)); err != nil {
		return err
	}
	for {
		if _, behind := a.web.Collections(); !behind {
			return nil
		}
		if _, err := a.web.Refresh(ctx); err != nil {
			return err
		}
	}
}

// stamp stands for all that decides what files hold, but the articles: the
// settings, which store it is, and the program with its templates.
func (a *App) stamp() (string, error) {
	h := sha256.New()
	cfg := a.Config()
	if err := json.NewEncoder(h).Encode([]any{cfg.Store, cfg.Title, cfg.URL, cfg.Language, cfg.Zone.String(), cfg.Feeds, cfg.Sources, cfg.Digests, cfg.WebSub.Hubs, cfg.WebSub.Hub}); err != nil {
		return "", err
	}
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	program, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = program.Close() }() // it is only read
	if _, err := io.Copy(h, program); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}

// twins are the endings of a file and of its compressed forms.
func twins() []string { return []string{"", ".gz", ".br"} }

// put writes what the path answers, with its compressed twins, to the file.
func (e *exporter) put(ctx context.Context, path, file string) error {
	f, err := e.app.web.File(ctx, path)
	if err != nil {
		return err
	}
	if f.Status != http.StatusOK && f.Status != http.StatusGone {
		return unexpected(path, f)
	}
	return e.write(ctx, file, f)
}

func unexpected(path string, f web.File) error {
	return news.Errorf(news.Internal, "%s cannot be exported: the answer is %d", path, f.Status)
}

func (e *exporter) write(ctx context.Context, file string, f web.File) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	e.mu.Lock()
	e.done++
	e.progress(e.done, file)
	e.mu.Unlock()
	var files []export.File
	for i, body := range [][]byte{f.Body, f.Gzip, f.Brotli} {
		if body != nil {
			files = append(files, export.File{Path: file + twins()[i], Body: body})
		}
	}
	return e.folder.Put(files...)
}

// keep lets a file stay, unless it must be made anew or a run that was killed
// may have left it without its twins.
func (e *exporter) keep(file string) bool {
	if e.fresh || !e.folder.Sure(file, file+".gz", file+".br") {
		return false
	}
	for _, twin := range twins() {
		e.folder.Keep(file + twin)
	}
	return true
}

// How many files are in the making: while some wait for the disk, one is rendered
// and another compressed. Archive documents take turns besides, which may not be
// waited for too long.
const (
	pagesAtOnce    = 16
	archivesAtOnce = 4
)

// each does the work for all of the list, n at once, until one fails.
func each[T any](ctx context.Context, n int, list []T, work func(context.Context, T) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	todo := make(chan T)
	var workers sync.WaitGroup
	for range n {
		workers.Go(func() {
			for v := range todo {
				if err := work(ctx, v); err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, v := range list {
		if ctx.Err() != nil {
			break
		}
		todo <- v
	}
	close(todo)
	workers.Wait()
	return context.Cause(ctx)
}

func (e *exporter) style(ctx context.Context) error {
	for _, file := range []string{"style.css", "copy.js"} {
		if err := e.put(ctx, "/"+file, file); err != nil {
			return err
		}
	}
	return nil
}

func (e *exporter) rest(ctx context.Context) error {
	if err := e.put(ctx, "/", "index.html"); err != nil {
		return err
	}
	if err := e.put(ctx, "/feeds.opml", "feeds.opml"); err != nil {
		return err
	}
	moved, err := movedConf(e.app.Config().Feeds, web.Links{URL: e.app.Config().URL}.Base())
	if err != nil {
		return err
	}
	return e.folder.Put(export.File{Path: "nginx/moved.conf", Body: []byte(moved)})
}
