package web

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"jianxun/feedgen"
	"jianxun/internal/news"
)

// withdrawalsTold is how many withdrawals a feed tells of.
const withdrawalsTold = 50

// deletedSuffix ends the name of the Atom document that tells of withdrawals.
const deletedSuffix = ".deleted.atom"

// bind puts the documents of a feed onto the shelf.
func (s *Server) bind(ctx context.Context, st *state, next *shelf, f news.Feed, now time.Time) error {
	articles, c, err := s.opt.Collections.Current(ctx, f, next.collections[f.Slug], now)
	if err != nil {
		return err
	}
	doc := st.document(f, articles)
	if doc.Withdrawn, err = s.opt.Collections.Withdrawals(ctx, c.ID, withdrawalsTold); err != nil {
		return err
	}
	next.collections[f.Slug], next.told[f.Slug] = c, withoutBodies(doc.Withdrawn)
	if last := tail(c); last != "" {
		doc.Chain.Prev = func(format feedgen.Format) string { return st.links.Archive(f.Slug, last, format) }
	}
	for _, format := range feedgen.Formats() {
		if err := s.shelve(st, next, f.Slug+"."+string(format), doc, format, now); err != nil {
			return err
		}
	}
	doc.Tombstones, doc.Hubs, doc.Self = true, nil, func(feedgen.Format) string { return st.links.URL + "/feeds/" + f.Slug + deletedSuffix }
	next.newest[f.Slug] = withoutBodies(articles)
	return s.shelve(st, next, f.Slug+deletedSuffix, doc, feedgen.Atom, now)
}

// shelve renders one document, and keeps the one served so far when it would be
// the same. A change that no time of an article shows, such as one of a title or
// of a column that an article has left, is dated now: else If-Modified-Since
// would miss it.
func (s *Server) shelve(st *state, next *shelf, name string, doc feedgen.Document, format feedgen.Format, now time.Time) error {
	body, err := feedgen.Render(doc, format)
	if err != nil {
		return err
	}
	m := meta{name: name, contentType: format.ContentType(), cache: cachePublic, link: linkField(doc, format)}
	changed := modified(doc)
	was := s.shelved(name)
	if was != nil {
		if was.hash == hashOf(m.contentType, body) {
			next.documents[name] = was
			return nil
		}
		if !changed.After(was.modified) {
			changed = now
		}
	}
	d, err := newDocument(m, body, changed)
	if err != nil {
		return err
	}
	if st != s.state.Load() {
		was = nil // by other settings articles read otherwise, and no time of theirs shows it
	}
	d.past = newPast(doc, format, m, was)
	next.documents[name] = d
	return nil
}

// shelved is the document served so far, nil when there is none.
func (s *Server) shelved(name string) *document {
	if st := s.state.Load(); st != nil {
		return st.shelf.documents[name]
	}
	return nil
}

func (st *state) document(f news.Feed, articles []news.Article) feedgen.Document {
	return feedgen.Document{
		ID:          feedgen.FeedID(f.Origin()),
		Title:       f.Title,
		Description: st.local.T("The newest articles of %s, from %s", f.Title, st.Title),
		Language:    st.Language,
		Publisher:   st.Title,
		Home:        st.links.URL + "/feeds/" + f.Slug,
		Self:        func(format feedgen.Format) string { return st.links.Feed(f.Slug, format) },
		Hubs:        st.Hubs,
		Link:        func(a news.Article) string { return st.links.Article(a.ID, a.URL) },
		Source:      st.source,
		Zone:        st.Zone,
		Full:        f.Full,
		Articles:    articles,
	}
}

// source is who an article is credited to: the upstream feed it was read from,
// else the site it stands on.
func (st *state) source(a news.Article) feedgen.Source {
	for _, src := range st.Sources {
		if src.Name == a.Source && src.Kind == news.FeedSource {
			title := a.Origin
			if title == "" {
				title = src.Name
			}
			return feedgen.Source{Title: title, URL: src.URL, Feed: true}
		}
	}
	u, err := url.Parse(a.URL)
	if err != nil || u.Host == "" {
		return feedgen.Source{}
	}
	return feedgen.Source{Title: a.Origin, URL: u.Scheme + "://" + u.Host + "/"}
}

// modified is when the document last changed: the newest save, day that came,
// or withdrawal.
func modified(d feedgen.Document) time.Time {
	var times []time.Time
	for _, a := range d.Articles {
		times = append(times, a.Changed, a.Placed)
	}
	for _, a := range d.Withdrawn {
		times = append(times, a.Withdrawn)
	}
	if len(times) == 0 {
		return time.Time{}
	}
	return slices.MaxFunc(times, time.Time.Compare)
}

func withoutBodies(articles []news.Article) []news.Article {
	list := slices.Clone(articles)
	for i := range list {
		list[i].Body, list[i].Text = "", ""
	}
	return list
}

// linkField says in the header what the document says of its neighbours, its
// hubs and itself (RFC 8288): programs need not read it to know.
func linkField(d feedgen.Document, f feedgen.Format) string {
	var links []string
	add := func(address, rel string) { links = append(links, "<"+address+`>; rel="`+rel+`"`) }
	for _, h := range d.Hubs {
		add(h, "hub")
	}
	add(d.Self(f), "self")
	if d.Chain.Current != nil {
		add(d.Chain.Current(f), "current")
	}
	if d.Chain.Prev != nil {
		add(d.Chain.Prev(f), "prev-archive")
	}
	if d.Chain.Next != nil {
		add(d.Chain.Next(f), "next-archive")
	}
	return strings.Join(links, ", ")
}
