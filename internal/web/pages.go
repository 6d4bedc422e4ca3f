package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"jianxun/feedgen"
	"jianxun/internal/news"
	"jianxun/templates"
)

const (
	homeEntries = 30
	issuesShown = 200
)

func (s *Server) home(w http.ResponseWriter, r *http.Request, st *state) error {
	columns, err := s.opt.Articles.Columns(r.Context())
	if err != nil {
		return err
	}
	newest := st.shelf.newest[news.AllFeed]
	return s.show(w, r, "home", templates.HomePage{
		Page:    s.decorate(st.page(r, "/", st.Title)),
		Newest:  st.entries(r, newest[:min(homeEntries, len(newest))]),
		Columns: columns,
	})
}

// feed serves the page about a feed. Its documents never come here, see
// feedDocument, unless the method is wrong.
func (s *Server) feed(w http.ResponseWriter, r *http.Request, st *state) error {
	name := r.PathValue("name")
	slug, format, rest := splitName(name)
	f, ok := st.feedOf(slug)
	switch {
	case slug == searchSlug && format != "":
		return s.searchFeed(w, r, st, format)
	case st.leftBehind(w, r, slug, url.PathEscape(rest)):
		return nil
	case st.retired[slug]:
		return s.gone(w, r, st)
	case ok && rest == "":
		return s.feedPage(w, r, st, f)
	}
	return news.Errorf(news.NotFound, "there is no feed %s", name)
}

func (s *Server) feedPage(w http.ResponseWriter, r *http.Request, st *state, f news.Feed) error {
	page := templates.FeedPage{Page: s.decorate(st.page(r, "/feeds/"+f.Slug, f.Title)), Feed: st.feedLink(f), Newest: st.entries(r, st.shelf.newest[f.Slug])}
	for _, other := range st.Feeds {
		if other.Slug != f.Slug {
			page.Others = append(page.Others, st.feedLink(other))
		}
	}
	// This feed first: programs that look for one take the first they find.
	page.Feeds = append([]templates.FeedLink{page.Feed}, page.Others...)
	return s.show(w, r, "feed", page)
}

func (st *state) feedLink(f news.Feed) templates.FeedLink {
	l := templates.FeedLink{Title: f.Title, Path: st.links.Base() + "/feeds/" + f.Slug}
	names := map[feedgen.Format]string{feedgen.RSS: "RSS", feedgen.Atom: "Atom", feedgen.JSON: "JSON Feed"}
	for _, format := range feedgen.Formats() {
		kind, _, _ := strings.Cut(format.ContentType(), ";")
		l.Documents = append(l.Documents, templates.DocumentLink{Name: names[format], Type: kind,
			Path: st.links.Base() + FeedPath(f.Slug, format), URL: st.links.Feed(f.Slug, format)})
	}
	return l
}

func (s *Server) feedList(w http.ResponseWriter, r *http.Request, st *state) error {
	st.opml.serve(w, r, s.opt.Now())
	return nil
}

// entries lists articles; their own page is ours, which links on to the original.
func (st *state) entries(r *http.Request, articles []news.Article) []templates.Entry {
	p := st.page(r, "", "").Printer
	list := make([]templates.Entry, len(articles))
	for i, a := range articles {
		at := a.Published.In(st.Zone)
		list[i] = templates.Entry{Title: templates.Display(a.Title), Path: st.links.Base() + "/articles/" + a.ID, Column: a.Column,
			When: p.When(at, a.DateOnly), Machine: templates.Machine(at, a.DateOnly)}
	}
	return list
}

func (s *Server) article(w http.ResponseWriter, r *http.Request, st *state) error {
	id := r.PathValue("id")
	a, err := s.opt.Articles.Article(r.Context(), id)
	if err != nil {
		return err
	}
	if a.ID != id || a.Published.After(s.opt.Now()) { // a shortened id is for the command line
		return news.Errorf(news.NotFound, "there is no article %s", id)
	}
	p := s.decorate(st.page(r, "/articles/"+a.ID, templates.Display(a.Title)))
	if a.State == news.Withdrawn {
		s.fail(w, r, st, http.StatusGone, news.Errorf(news.NotFound, "this article was withdrawn on %s", p.Day(a.Withdrawn.In(st.Zone))))
		return nil
	}
	at := a.Published.In(st.Zone)
	return s.show(w, r, "article", templates.ArticlePage{Page: p, Column: a.Column, Origin: a.Origin, Author: a.Author, Original: a.URL,
		When: p.When(at, a.DateOnly), Machine: templates.Machine(at, a.DateOnly), Body: templates.DisplayHTML(a.Body)})
}

func (s *Server) issueList(w http.ResponseWriter, r *http.Request, st *state) error {
	d, err := st.digest(r.PathValue("digest"))
	if err != nil {
		return err
	}
	issues, err := s.opt.Issues.Issues(r.Context(), d.Slug, issuesShown)
	if err != nil {
		return err
	}
	page := templates.IssuesPage{Page: s.decorate(st.page(r, "/issues/"+d.Slug, d.Title))}
	for _, is := range issues {
		if public(is) {
			v := s.opt.View(is, page.Printer)
			page.Issues = append(page.Issues, templates.IssueLink{Label: is.Label(), Path: st.links.Base() + "/issues/" + d.Slug + "/" + is.Ref(), Period: v.Period, Count: is.Count})
		}
	}
	return s.show(w, r, "issues", page)
}

// issue shows a sent issue. Its number may be written with the year, 2026-47,
// which is its address for ever, or without, which means the newest such.
func (s *Server) issue(w http.ResponseWriter, r *http.Request, st *state) error {
	absent := news.Errorf(news.NotFound, "there is no such issue")
	year, number, err := news.ParseRef(r.PathValue("number"))
	if err != nil {
		return absent
	}
	is, err := s.opt.Issues.Issue(r.Context(), r.PathValue("digest"), year, number)
	if err != nil {
		return err
	}
	if !public(is) {
		return absent
	}
	p := s.decorate(st.page(r, "/issues/"+is.Digest+"/"+is.Ref(), is.Title+" "+is.Label()))
	return s.show(w, r, "issue", templates.IssuePage{Page: p, Issue: s.opt.View(is, p.Printer)})
}

func public(is news.Issue) bool { return is.State == news.Sending || is.State == news.Sent }

func (st *state) digest(slug string) (news.Digest, error) {
	for _, d := range st.Digests {
		if d.Slug == slug {
			return d, nil
		}
	}
	return news.Digest{}, news.Errorf(news.NotFound, "there is no digest %s", slug)
}

func (s *Server) style(w http.ResponseWriter, r *http.Request, _ *state) error {
	plainDocument("text/css; charset=utf-8", "public, max-age=86400", s.opt.Templates.Style()).serve(w, r, s.opt.Now())
	return nil
}

func (s *Server) script(w http.ResponseWriter, r *http.Request, _ *state) error {
	plainDocument("text/javascript; charset=utf-8", "public, max-age=86400", s.opt.Templates.Script()).serve(w, r, s.opt.Now())
	return nil
}

func (s *Server) health(w http.ResponseWriter, r *http.Request, st *state) error {
	plainDocument("text/plain; charset=utf-8", "no-store", []byte("ok "+strconv.Itoa(len(st.Feeds))+" feeds, change "+strconv.FormatInt(st.shelf.seq, 10)+"\n")).serve(w, r, s.opt.Now())
	return nil
}
