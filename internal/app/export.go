package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"jianxun/feedgen"
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
	if err := a.whole(ctx); err != nil {
		return export.Counts{}, err
	}
	e := &exporter{app: a, folder: folder, progress: progress, now: a.opt.Now()}
	if e.head, err = a.store.Head(ctx); err != nil {
		return export.Counts{}, err
	}
	if e.stamp, err = a.stamp(); err != nil {
		return export.Counts{}, err
	}
	for _, step := range []func(context.Context) error{e.articles, e.feeds, e.issues, e.rest} {
		if err := step(ctx); err != nil {
			return folder.Counts, err
		}
	}
	err = folder.Close(export.State{Stamp: e.stamp, Change: e.head, At: e.now, Tails: e.tails})
	return folder.Counts, err
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
// settings and the program with its templates.
func (a *App) stamp() (string, error) {
	h := sha256.New()
	cfg := a.Config()
	if err := json.NewEncoder(h).Encode([]any{cfg.Title, cfg.URL, cfg.Language, cfg.Zone.String(), cfg.Feeds, cfg.Sources, cfg.Digests, cfg.WebSub.Hubs, cfg.WebSub.Hub}); err != nil {
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

// exporter is one run.
type exporter struct {
	app      *App
	folder   *export.Folder
	progress func(done int, at string)
	now      time.Time
	head     int64
	stamp    string
	touched  []news.Article // that changed since the last run
	tails    []string
	done     int
}

// put writes what the path answers, with its compressed twins, to the file.
func (e *exporter) put(ctx context.Context, path, file string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f, err := e.app.web.File(ctx, path)
	if err != nil {
		return err
	}
	if f.Status != http.StatusOK && f.Status != http.StatusGone {
		return news.Errorf(news.Internal, "%s cannot be exported: the answer is %d", path, f.Status)
	}
	e.done++
	e.progress(e.done, file)
	for twin, body := range map[string][]byte{"": f.Body, ".gz": f.Gzip, ".br": f.Brotli} {
		if body != nil {
			if err := e.folder.Put(file+twin, body); err != nil {
				return err
			}
		}
	}
	return nil
}

// fresh tells whether all files must be made anew.
func (e *exporter) fresh() bool { return e.folder.State().Stamp != e.stamp }

// articlesAtOnce is how many articles are read from the store in one go.
const articlesAtOnce = 500

// articles writes the pages of those that changed since the last run.
func (e *exporter) articles(ctx context.Context) error {
	from := e.folder.State()
	if e.fresh() {
		from = export.State{At: e.now}
	} else {
		e.folder.KeepBelow("articles/")
		e.folder.KeepBelow("gone/")
	}
	for seq, then := from.Change, from.At; ; then = e.now {
		list, err := e.app.store.ChangedSince(ctx, seq, then, e.now, articlesAtOnce)
		if err != nil {
			return err
		}
		for _, a := range list {
			if err := e.article(ctx, a); err != nil {
				return err
			}
			seq = max(seq, a.Seq)
			if !e.fresh() {
				e.touched = append(e.touched, news.Article{Placed: a.Placed, FirstSeen: a.FirstSeen, Changed: a.Changed})
			}
		}
		if len(list) < articlesAtOnce {
			return nil
		}
	}
}

// article writes the page of an article, or for one that was withdrawn the page
// that says so, to be answered with 410.
func (e *exporter) article(ctx context.Context, a news.Article) error {
	page, gone := "articles/"+a.ID+".html", "gone/articles/"+a.ID+".html"
	for _, file := range []string{page, gone} {
		for _, twin := range []string{"", ".gz", ".br"} {
			e.folder.Drop(file + twin)
		}
	}
	switch {
	case a.State == news.Withdrawn:
		return e.put(ctx, "/articles/"+a.ID, gone)
	case a.Published.After(e.now):
		return nil
	}
	return e.put(ctx, "/articles/"+a.ID, page)
}

func (e *exporter) feeds(ctx context.Context) error {
	stale, err := e.stalePages(ctx)
	if err != nil {
		return err
	}
	if len(stale) == 0 && !e.fresh() { // else one may show what was withdrawn
		for _, file := range e.folder.State().Tails {
			e.keep(file)
		}
	}
	for _, f := range e.app.Config().Feeds {
		if f.Retired {
			continue
		}
		stem := "feeds/" + f.Slug
		if err := e.put(ctx, "/"+stem, stem+".html"); err != nil {
			return err
		}
		names := []string{stem + ".deleted.atom"}
		for _, format := range feedgen.Formats() {
			names = append(names, stem+"."+string(format))
		}
		for _, name := range names {
			if err := e.put(ctx, "/"+name, name); err != nil {
				return err
			}
		}
		if err := e.archives(ctx, f, stale); err != nil {
			return err
		}
	}
	return nil
}

// archives writes the archive documents that are new or that a withdrawal or a
// restoration has touched. The tail of the last run stays beside today's: whoever
// has the subscription document of then follows it.
func (e *exporter) archives(ctx context.Context, f news.Feed, stale map[string]bool) error {
	full, open := e.app.web.ArchiveNames(f.Slug)
	for _, format := range feedgen.Formats() {
		for _, name := range full {
			file := strings.TrimPrefix(web.ArchivePath(f.Slug, name, format), "/")
			if !e.fresh() && e.folder.Has(file) && !stale[f.Slug+"/"+name] {
				e.keep(file)
			} else if err := e.put(ctx, "/"+file, file); err != nil {
				return err
			}
		}
		if open == "" {
			continue
		}
		file := strings.TrimPrefix(web.ArchivePath(f.Slug, open, format), "/")
		if err := e.put(ctx, "/"+file, file); err != nil {
			return err
		}
		e.tails = append(e.tails, file)
	}
	return nil
}

func (e *exporter) keep(file string) {
	for _, twin := range []string{"", ".gz", ".br"} {
		e.folder.Keep(file + twin)
	}
}

// stalePages are the archive pages, written feed/page, whose articles were
// withdrawn or restored since the last run.
func (e *exporter) stalePages(ctx context.Context) (map[string]bool, error) {
	ids, _ := e.app.web.Collections()
	stale := map[string]bool{}
	for _, a := range e.touched {
		if a.Changed.Equal(a.FirstSeen) {
			continue // new: it changes no page that is full
		}
		places, err := e.app.store.Positions(ctx, a)
		if err != nil {
			return nil, err
		}
		for slug, id := range ids {
			if position, ok := places[id]; ok {
				stale[slug+"/"+web.PageOf(position)] = true
			}
		}
	}
	return stale, nil
}

// issuesExported bounds how many issues of a digest are looked at.
const issuesExported = 10_000

func (e *exporter) issues(ctx context.Context) error {
	for _, d := range e.app.Config().Digests {
		if err := e.put(ctx, "/issues/"+d.Slug, "issues/"+d.Slug+".html"); err != nil {
			return err
		}
		list, err := e.app.store.Issues(ctx, d.Slug, issuesExported)
		if err != nil {
			return err
		}
		for _, is := range list {
			if is.State != news.Sending && is.State != news.Sent {
				continue
			}
			path := "issues/" + d.Slug + "/" + is.Ref()
			if err := e.put(ctx, "/"+path, path+".html"); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *exporter) rest(ctx context.Context) error {
	for path, file := range map[string]string{"/": "index.html", "/style.css": "style.css", "/copy.js": "copy.js", "/feeds.opml": "feeds.opml"} {
		if err := e.put(ctx, path, file); err != nil {
			return err
		}
	}
	return e.folder.Put("nginx/moved.conf", []byte(movedConf(e.app.Config().Feeds, web.Links{URL: e.app.Config().URL}.Base())))
}

// movedConf says in nginx's words where renamed feeds are and which are gone.
func movedConf(feeds []news.Feed, base string) string {
	var b strings.Builder
	b.WriteString("# Made by jianxun export; include it in the server block.\n")
	for _, f := range feeds {
		for _, was := range f.Was {
			if f.Retired {
				b.WriteString("location ~ ^" + base + "/feeds/" + was + "([./].*)?$ { return 410; }\n")
			} else {
				b.WriteString("location ~ ^" + base + "/feeds/" + was + "([./].*)?$ { return 301 " + base + "/feeds/" + f.Slug + "$1; }\n")
			}
		}
		if f.Retired {
			b.WriteString("location ~ ^" + base + "/feeds/" + f.Slug + "([./].*)?$ { return 410; }\n")
		}
	}
	return b.String()
}
