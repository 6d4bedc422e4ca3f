package app

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"jianxun/feedgen"
	"jianxun/internal/export"
	"jianxun/internal/news"
	"jianxun/internal/web"
)

// The parts of an export, each written when it has changed.

// articlesAtOnce is how many articles are read from the store in one go.
const articlesAtOnce = 500

// articles writes the pages of those that changed since the last run.
func (e *exporter) articles(ctx context.Context) error {
	from := e.folder.State()
	if e.fresh {
		from = export.State{At: e.now}
	} else {
		e.folder.KeepBelow("articles/")
		e.folder.KeepBelow("gone/articles/")
	}
	seq, then := from.Change, from.At
	for limit := articlesAtOnce; ; {
		list, err := e.app.store.ChangedSince(ctx, seq, then, e.now, limit)
		if err != nil {
			return err
		}
		full := len(list) == limit
		if full && list[limit-1].Seq <= seq {
			limit *= 2 // articles whose day has come take all the room
			continue
		}
		if err := each(ctx, pagesAtOnce, list, e.article); err != nil {
			return err
		}
		for _, a := range list {
			seq, then = max(seq, a.Seq), e.now
			if !e.fresh {
				e.touched = append(e.touched, news.Article{Placed: a.Placed, FirstSeen: a.FirstSeen, Changed: a.Changed})
			}
		}
		if !full {
			return nil
		}
	}
}

// article writes the page of an article, or for one that was withdrawn the page
// that says so, to be answered with 410. One whose day has not come has none.
func (e *exporter) article(ctx context.Context, a news.Article) error {
	path := "/articles/" + a.ID
	page, gone := "articles/"+a.ID+".html", "gone/articles/"+a.ID+".html"
	f, err := e.app.web.File(ctx, path)
	if err != nil {
		return err
	}
	for _, twin := range twins() {
		e.folder.Drop(page + twin)
		e.folder.Drop(gone + twin)
	}
	switch f.Status {
	case http.StatusOK:
		return e.write(ctx, page, f)
	case http.StatusGone:
		return e.write(ctx, gone, f)
	case http.StatusNotFound:
		return nil
	}
	return unexpected(path, f)
}

// archives writes the archive documents that are new or that a withdrawal or a
// restoration has touched. The tail of the last run stays beside today's: whoever
// has the subscription document of then follows it.
func (e *exporter) archives(ctx context.Context) error {
	stale, err := e.stalePages(ctx)
	if err != nil {
		return err
	}
	for _, file := range e.folder.State().Tails {
		if len(stale) == 0 && e.keep(file) {
			continue
		}
		f, err := e.app.web.File(ctx, "/"+file)
		if err == nil && f.Status == http.StatusOK {
			err = e.write(ctx, file, f)
		}
		if err != nil {
			return err
		}
	}
	var missing []string
	for _, f := range e.app.Config().Feeds {
		full, open := e.app.web.ArchiveNames(f.Slug) // none of a retired feed
		for _, format := range feedgen.Formats() {
			for _, name := range full {
				if file := archiveFile(f, name, format); stale[f.Slug+"/"+name] || !e.keep(file) {
					missing = append(missing, file)
				}
			}
			if open != "" {
				e.tails = append(e.tails, archiveFile(f, open, format))
			}
		}
	}
	return each(ctx, archivesAtOnce, append(missing, e.tails...), func(ctx context.Context, file string) error { return e.put(ctx, "/"+file, file) })
}

func archiveFile(f news.Feed, name string, format feedgen.Format) string {
	return strings.TrimPrefix(web.ArchivePath(f.Slug, name, format), "/")
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

// feeds writes the documents of each feed and its page; of a retired one the
// page that says so, to be answered with 410.
func (e *exporter) feeds(ctx context.Context) error {
	for _, f := range e.app.Config().Feeds {
		stem := "feeds/" + f.Slug
		if f.Retired {
			if err := e.put(ctx, "/"+stem, "gone/"+stem+".html"); err != nil {
				return err
			}
			continue
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
		if err := e.put(ctx, "/"+stem, stem+".html"); err != nil {
			return err
		}
	}
	return nil
}

// issuesExported bounds how many issues of a digest are looked at.
const issuesExported = 10_000

func (e *exporter) issues(ctx context.Context) error {
	for _, d := range e.app.Config().Digests {
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
		if err := e.put(ctx, "/issues/"+d.Slug, "issues/"+d.Slug+".html"); err != nil {
			return err
		}
	}
	return nil
}

// movedConf says in nginx's words where renamed feeds are and which are gone.
// base is the path that the site lives under; what stands in front of nginx may
// have taken it off. A path that is matched has been decoded, one that is led
// to is not: only what cannot break a header is taken over.
func movedConf(feeds []news.Feed, base string) (string, error) {
	prefix, err := url.PathUnescape(base)
	if err != nil {
		return "", err
	}
	if prefix != "" {
		prefix = "(?:" + strings.ReplaceAll(regexp.QuoteMeta(prefix), `"`, `\"`) + ")?"
	}
	below := func(slug string) string {
		return `location ~ "^` + prefix + "/feeds/" + slug + `([./][a-z0-9./-]*)?$" `
	}
	var b strings.Builder
	b.WriteString("# Made by jianxun export. Include it in the server block.\n")
	for _, f := range feeds {
		for _, was := range f.Was {
			b.WriteString(below(was) + `{ add_header Cache-Control "public, max-age=3600"; add_header X-Content-Type-Options nosniff; return 301 ` + strings.ReplaceAll(base, "$", "%24") + "/feeds/" + f.Slug + "$1; }\n")
		}
		if f.Retired {
			b.WriteString(below(f.Slug) + "{ error_page 410 /gone/feeds/" + f.Slug + ".html; return 410; }\n")
		}
	}
	return b.String(), nil
}
