package app

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"jianxun/internal/ingest"
	"jianxun/internal/news"
)

// Article is an article as commands print it.
type Article struct {
	ID        string            `json:"id"`
	Title     string            `json:"title"`
	Column    string            `json:"column"`
	Source    string            `json:"source"`
	URL       string            `json:"url"`
	Author    string            `json:"author"`
	Origin    string            `json:"origin"`
	Published time.Time         `json:"published"`
	DateOnly  bool              `json:"date_only"`
	Updated   time.Time         `json:"updated"`
	State     news.ArticleState `json:"state"`
	Revision  int               `json:"revision"`
	Text      string            `json:"text,omitempty"`
	Body      string            `json:"body,omitempty"`
}

func (a *App) articleView(n news.Article) Article {
	zone := a.Config().Zone
	return Article{ID: n.ID, Title: n.Title, Column: n.Column, Source: n.Source, URL: n.URL, Author: n.Author, Origin: n.Origin,
		Published: n.Published.In(zone), DateOnly: n.DateOnly, Updated: n.Updated.In(zone), State: n.State, Revision: n.Revision}
}

// Articles lists the newest articles of every state.
func (a *App) Articles(ctx context.Context, limit int) ([]Article, error) {
	list, err := a.store.List(ctx, limit)
	views := make([]Article, len(list))
	for i, n := range list {
		views[i] = a.articleView(n)
	}
	return views, err
}

// Article gives one article with its text, by its id or the beginning of it.
func (a *App) Article(ctx context.Context, id string) (Article, error) {
	n, err := a.store.Article(ctx, id)
	if err != nil {
		return Article{}, err
	}
	v := a.articleView(n)
	v.Text, v.Body = n.Text, n.Body
	return v, nil
}

// Report tells what Ingest did.
type Report struct {
	New     int       `json:"new"`
	Changed int       `json:"changed"`
	Same    int       `json:"same"`
	Refused []Refused `json:"refused"`
}

// Refused is a page that was not taken, and why.
type Refused struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
	Err    error  `json:"-"`
}

// Ingest reads paths and addresses now, or all configured sources when none is
// given. Addresses on private networks need one of allow, or a source that
// allows them. What cannot be read at all is refused like a bad page.
func (a *App) Ingest(ctx context.Context, targets, allow []string, progress func(done int, at string)) (Report, error) {
	g := a.gen.Load()
	ingester := ingest.New(ingest.Options{Saver: a.store, Zone: g.cfg.Zone, Agent: "jianxun (+" + g.cfg.URL + ")",
		Open: openFolder, Builtin: a.samples, Progress: progress})
	sources := g.cfg.Sources
	if len(targets) > 0 {
		sources = nil
		for _, t := range targets {
			src, err := a.sourceOf(g, t, allow)
			if err != nil {
				return Report{}, err
			}
			sources = append(sources, src)
		}
	}
	var total ingest.Report
	for _, src := range sources {
		report, err := ingester.Run(ctx, src)
		if ctx.Err() != nil {
			return Report{}, ctx.Err()
		}
		if err != nil {
			report.Refused = append(report.Refused, ingest.Refusal{Path: firstOf(src.URL, src.Path), Reason: err})
		}
		total.Add(report)
	}
	out := Report{New: total.New, Changed: total.Changed, Same: total.Same, Refused: []Refused{}}
	for _, r := range total.Refused {
		out.Refused = append(out.Refused, Refused{Path: r.Path, Reason: r.Reason.Error(), Err: r.Reason})
	}
	return out, nil
}

// sourceOf makes a source of what stands on the command line. Something that
// belongs to a configured source is read as part of it, so that it keeps its
// identity.
func (a *App) sourceOf(g *generation, target string, allow []string) (news.Source, error) {
	if strings.HasPrefix(target, "http://") || strings.HasPrefix(target, "https://") {
		for _, src := range g.cfg.Sources {
			if src.URL == target {
				return src, nil
			}
		}
		u, err := url.Parse(target)
		if err != nil {
			return news.Source{}, news.Errorf(news.Invalid, "%q is not an http or https address", target)
		}
		return news.Source{Name: u.Hostname(), Kind: news.PageSource, URL: target, AllowPrivate: allow}, nil
	}
	path, err := filepath.Abs(target)
	if err != nil {
		return news.Source{}, err
	}
	info, err := os.Stat(path)
	if err != nil {
		if p, ok := errors.AsType[*os.PathError](err); ok {
			err = p.Err
		}
		return news.Source{}, news.Errorf(news.NotFound, "%s cannot be read: %w", target, err)
	}
	src := news.Source{Name: "manual", Kind: news.PageSource, Path: path}
	for _, s := range g.cfg.Sources {
		if s.Path == path || s.Kind == news.DirectorySource && strings.HasPrefix(path, s.Path+string(filepath.Separator)) {
			src.Name, src.Column = s.Name, s.Column
		}
	}
	if info.IsDir() {
		src.Kind = news.DirectorySource
	}
	return src, nil
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
