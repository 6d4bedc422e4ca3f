package web

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"jianxun/feedgen"
	"jianxun/internal/news"
)

// The archive of a feed is numbered pages of news.ArchivePage articles in the
// order in which they left the subscription document. The page that is still
// being filled is served under names of its own: 7-12 is the first 12 articles
// of page 7. So no document under any name ever changes but by a withdrawal;
// see docs/decisions/0009-archives.md.

// pages is how many full pages the collection has.
func pages(c news.Collection) int64 { return c.Archived / news.ArchivePage }

// tail is the name of the newest archive document, empty when there is none.
func tail(c news.Collection) string {
	if rest := c.Archived % news.ArchivePage; rest > 0 {
		return strconv.FormatInt(pages(c)+1, 10) + "-" + strconv.FormatInt(rest, 10)
	}
	if c.Archived > 0 {
		return strconv.FormatInt(pages(c), 10)
	}
	return ""
}

var archiveName = regexp.MustCompile(`^([1-9][0-9]{0,8})(?:-([1-9][0-9]?))?\.(rss|atom|json)$`)

// span is which articles an archive document holds.
type span struct {
	page        int64
	first, last int64 // positions
	full        bool
}

// parseArchive reads the name of an archive document.
func parseArchive(name string) (span, feedgen.Format, bool) {
	m := archiveName.FindStringSubmatch(name)
	if m == nil {
		return span{}, "", false
	}
	page, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		return span{}, "", false
	}
	p := span{page: page, first: (page-1)*news.ArchivePage + 1, last: page * news.ArchivePage, full: m[2] == ""}
	if !p.full {
		n, err := strconv.ParseInt(m[2], 10, 64)
		if err != nil || n >= news.ArchivePage {
			return span{}, "", false
		}
		p.last = p.first + n - 1
	}
	return p, feedgen.Format(m[3]), true
}

// beyond tells that the collection has no such document.
func (p span) beyond(c news.Collection) bool {
	return p.first > c.Archived+1 || !p.full && p.last > c.Archived
}

// soon tells that the collection may have the document in a moment: another
// replica that has seen a change earlier may name it already.
func (p span) soon(c news.Collection) bool {
	return p.beyond(c) && p.last <= c.Archived+2*news.ArchivePage
}

// newer is the state after looking for changes now.
func (s *Server) newer(r *http.Request, st *state) *state {
	if !s.polled.allow(st.Limits.client(r), st.Limits.Feeds, s.opt.Now()) {
		return st
	}
	err := s.turns.do(r.Context(), st.Limits.client(r), func(ctx context.Context) error {
		_, err := s.Refresh(ctx)
		return err
	})
	if err != nil { // then this replica knows no better
		return st
	}
	return s.state.Load()
}

func (s *Server) archive(w http.ResponseWriter, r *http.Request, st *state) error {
	slug, name := r.PathValue("feed"), r.PathValue("name")
	if st.leftBehind(w, r, slug, "/archive/"+url.PathEscape(name)) {
		return nil
	}
	f, ok := st.feedOf(slug)
	p, format, valid := parseArchive(name)
	if ok && valid && !st.retired[slug] && p.soon(st.shelf.collections[slug]) {
		st = s.newer(r, st)
	}
	c := st.shelf.collections[slug]
	switch {
	case !ok:
		return news.Errorf(news.NotFound, "there is no feed %s", slug)
	case st.retired[slug]:
		return s.gone(w, r, st)
	case !valid || p.beyond(c):
		return news.Errorf(news.NotFound, "the archive of this feed has no such document")
	case p.last > c.Archived:
		return s.unfilled(w, r, st, f, c, format)
	}
	key := slug + "/" + name
	d, ok := st.shelf.archives.get(key)
	if !ok {
		if !s.polled.allow(st.Limits.client(r), st.Limits.Feeds, s.opt.Now()) {
			return news.Errorf(news.TooMany, "this feed is asked for too often; send If-None-Match, as feed readers do, or wait a minute")
		}
		err := s.turns.do(r.Context(), st.Limits.client(r), func(ctx context.Context) (err error) {
			d, err = s.archiveDocument(ctx, st, f, c, p, format, name)
			return err
		})
		if err != nil {
			return err
		}
		st.shelf.archives.put(key, d)
	}
	d.serve(w, r, s.opt.Now())
	return nil
}

// unfilled leads from a page that is not full yet, which the one before it names
// as its next, to what there is of it.
func (s *Server) unfilled(w http.ResponseWriter, r *http.Request, st *state, f news.Feed, c news.Collection, format feedgen.Format) error {
	to := FeedPath(f.Slug, format)
	if c.Archived%news.ArchivePage > 0 {
		to = ArchivePath(f.Slug, tail(c), format)
	}
	w.Header().Set("Cache-Control", "no-cache")
	http.Redirect(w, r, st.links.Base()+to, http.StatusFound)
	return nil
}

func (s *Server) archiveDocument(ctx context.Context, st *state, f news.Feed, c news.Collection, p span, format feedgen.Format, name string) (*document, error) {
	articles, err := s.opt.Collections.Archived(ctx, c.ID, p.first, p.last)
	if err != nil {
		return nil, err
	}
	doc := st.document(f, articles)
	stem := strings.TrimSuffix(name, "."+string(format))
	at := func(name string) func(feedgen.Format) string {
		return func(format feedgen.Format) string { return st.links.Archive(f.Slug, name, format) }
	}
	doc.Self, doc.Hubs = at(stem), nil // hubs tell of subscription documents only
	// What is still being filled is not marked as an archive: it is of no use to
	// keep it, and the first one would have no neighbour that a mark calls for.
	doc.Chain = feedgen.Chain{Archive: p.full, Current: func(format feedgen.Format) string { return st.links.Feed(f.Slug, format) }}
	if p.page > 1 {
		doc.Chain.Prev = at(strconv.FormatInt(p.page-1, 10))
	}
	if p.full {
		doc.Chain.Next = at(strconv.FormatInt(p.page+1, 10))
	}
	body, err := feedgen.Render(doc, format)
	if err != nil {
		return nil, err
	}
	// Without a time: entries show when they changed, not when one was withdrawn.
	return newDocument(meta{name: name, contentType: format.ContentType(), cache: cachePublic, link: linkField(doc, format)}, body, time.Time{})
}
