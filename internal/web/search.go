package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"jianxun/feedgen"
	"jianxun/internal/news"
	"jianxun/templates"
)

// searchSlug is the name that no feed may have: /feeds/search.atom?q=…
const searchSlug = "search"

// foundAtMost is how many articles a search gives.
const foundAtMost = 50

// queryOf is what the request looks for, its white space made even.
func queryOf(r *http.Request) string { return news.OneLine(r.URL.Query().Get("q")) }

func (s *Server) search(w http.ResponseWriter, r *http.Request, st *state) error {
	q := queryOf(r)
	page := templates.SearchPage{Page: s.decorate(st.page(r, "", "")), Query: q}
	page.Title = page.T("Search")
	if q == "" {
		return s.show(w, r, "search", page)
	}
	articles, err := s.find(r, st, q)
	switch {
	case news.CodeOf(err) == news.Invalid && err != nil:
		page.Message = page.Err(err)
	case err != nil:
		return err
	}
	page.Title = page.T("Search: %s", q)
	page.Found, page.Full = st.entries(r, articles), len(articles) == foundAtMost
	if page.Message == "" {
		page.Feed = st.searchLink(q)
		page.Feeds = append([]templates.FeedLink{page.Feed}, page.Feeds...)
	}
	w.Header().Set("X-Robots-Tag", "noindex")
	return s.show(w, r, "search", page)
}

// searchFeed serves a search as a feed.
func (s *Server) searchFeed(w http.ResponseWriter, r *http.Request, st *state, format feedgen.Format) error {
	q := queryOf(r)
	key := string(format) + "\x00" + q
	d, ok := st.shelf.feeds.get(key)
	if !ok {
		articles, err := s.find(r, st, q)
		if err != nil {
			return err
		}
		if d, err = st.searchDocument(q, articles, format); err != nil {
			return err
		}
		st.shelf.feeds.put(key, d)
	}
	d.serve(w, r, s.opt.Now())
	return nil
}

// searches keeps what was found until the next change of the store.
type searches struct {
	found *cache[[]news.Article] // by query, cut to what a list needs
	feeds *cache[*document]      // by format and query
}

func noSearches() searches {
	return searches{found: newCache(roomForSearches, sizeOfAll), feeds: newCache(roomForSearches, sizeOf)}
}

// textKept is how much of a text a summary can need, in octets.
const textKept = 2000

// find looks for articles when it is the client's turn.
func (s *Server) find(r *http.Request, st *state, q string) ([]news.Article, error) {
	if found, ok := st.shelf.found.get(q); ok {
		return found, nil
	}
	client := st.Limits.client(r)
	if !s.asked.allow(client, st.Limits.Searches, s.opt.Now()) {
		return nil, tooMany()
	}
	var found []news.Article
	err := s.turns.do(r.Context(), client, func(ctx context.Context) (err error) {
		found, err = s.opt.Articles.Search(ctx, q, s.opt.Now(), foundAtMost)
		return err
	})
	if err != nil {
		return nil, err
	}
	for i := range found {
		found[i].Body, found[i].Text = "", strings.Clone(strings.ToValidUTF8(found[i].Text[:min(textKept, len(found[i].Text))], ""))
	}
	st.shelf.found.put(q, found)
	return found, nil
}

// searchDocument is the feed of a search. It holds summaries: whoever finds
// something goes on to the article.
func (st *state) searchDocument(q string, articles []news.Article, format feedgen.Format) (*document, error) {
	doc := st.document(news.Feed{Slug: searchSlug, Title: st.local.T("Search: %s", q)}, articles)
	doc.ID = feedgen.FeedID(searchSlug + "\x1f" + q)
	doc.Home = st.links.URL + "/search?q=" + url.QueryEscape(q)
	doc.Self = func(f feedgen.Format) string { return st.links.Feed(searchSlug, f) + "?q=" + url.QueryEscape(q) }
	doc.Hubs = nil
	body, err := feedgen.Render(doc, format)
	if err != nil {
		return nil, err
	}
	return newDocument(meta{name: searchSlug + "." + string(format), contentType: format.ContentType(), cache: cachePublic, link: linkField(doc, format)}, body, time.Time{})
}

func (st *state) searchLink(q string) templates.FeedLink {
	l := st.feedLink(news.Feed{Slug: searchSlug, Title: st.local.T("Search: %s", q)})
	l.Path = st.links.Base() + "/search?q=" + url.QueryEscape(q)
	for i := range l.Documents {
		l.Documents[i].Path += "?q=" + url.QueryEscape(q)
		l.Documents[i].URL += "?q=" + url.QueryEscape(q)
	}
	return l
}

// splitName takes the format off the name of a feed document.
func splitName(name string) (slug string, format feedgen.Format, rest string) {
	slug, ending, _ := strings.Cut(name, ".")
	for _, f := range feedgen.Formats() {
		if ending == string(f) {
			format = f
		}
	}
	return slug, format, strings.TrimPrefix(name, slug)
}
