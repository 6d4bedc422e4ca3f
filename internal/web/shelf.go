package web

import (
	"context"
	"maps"
	"slices"
	"time"

	"jianxun/feedgen"
	"jianxun/internal/news"
)

// Articles is what feeds and pages read.
type Articles interface {
	Newest(ctx context.Context, f news.Filter, now time.Time, limit int) ([]news.Article, error)
	Article(ctx context.Context, id string) (news.Article, error)
	Columns(ctx context.Context) ([]string, error)
	LastWithdrawal(ctx context.Context) (time.Time, error)
	Head(ctx context.Context) (int64, error)
	ChangedSince(ctx context.Context, seq int64, then, now time.Time, limit int) ([]news.Article, error)
}

// shelf holds every feed document, ready to serve. A shelf is never altered;
// the next one shares what has not changed.
type shelf struct {
	documents map[string]*document      // by file name: yaowen.rss
	newest    map[string][]news.Article // by slug, without bodies, for the pages
	seq       int64                     // the store's head it was built at
	at        time.Time
}

// manyChanges is from how many changed articles on all feeds are built anew.
const manyChanges = 1000

// build makes the feeds given anew and takes the others from old.
func (s *Server) build(ctx context.Context, st *state, old *shelf, seq int64, now time.Time, feeds []news.Feed) (*shelf, error) {
	next := &shelf{documents: maps.Clone(old.documents), newest: maps.Clone(old.newest), seq: seq, at: now}
	withdrawn, err := s.opt.Articles.LastWithdrawal(ctx)
	if err != nil {
		return nil, err
	}
	for _, f := range feeds {
		articles, err := s.opt.Articles.Newest(ctx, f.Filter, now, f.Items)
		if err != nil {
			return nil, err
		}
		doc := st.document(f, articles, withdrawn)
		for _, format := range feedgen.Formats() {
			body, err := feedgen.Render(doc, format)
			if err != nil {
				return nil, err
			}
			name := f.Slug + "." + string(format)
			if next.documents[name], err = s.renewed(name, format.ContentType(), body, modified(articles, withdrawn), now); err != nil {
				return nil, err
			}
		}
		next.newest[f.Slug] = withoutBodies(articles)
	}
	return next, nil
}

// renewed is the document served so far when it would be the same. A change
// that no time of an article shows, such as one of a title or of a column that
// an article has left, is dated now: else If-Modified-Since would miss it.
func (s *Server) renewed(name, contentType string, body []byte, modified, now time.Time) (*document, error) {
	if st := s.state.Load(); st != nil {
		if was, ok := st.shelf.documents[name]; ok {
			if was.hash == hashOf(contentType, body) {
				return was, nil
			}
			if !modified.After(was.modified) {
				modified = now
			}
		}
	}
	return newDocument(name, contentType, cachePublic, body, modified)
}

func (st *state) document(f news.Feed, articles []news.Article, withdrawn time.Time) feedgen.Document {
	return feedgen.Document{
		ID:          feedgen.FeedID(f.Slug),
		Title:       f.Title,
		Description: st.local.T("The newest articles of %s, from %s", f.Title, st.Title),
		Language:    st.Language,
		Publisher:   st.Title,
		Home:        st.links.URL + "/feeds/" + f.Slug,
		Self:        func(format feedgen.Format) string { return st.links.Feed(f.Slug, format) },
		Link:        func(a news.Article) string { return st.links.Article(a.ID, a.URL) },
		Zone:        st.Zone,
		Full:        f.Full,
		Articles:    articles,
		Withdrawn:   withdrawn,
	}
}

// modified is when the document last changed: the newest save, day that came,
// or withdrawal.
func modified(articles []news.Article, withdrawn time.Time) time.Time {
	newest := withdrawn
	for _, a := range articles {
		for _, t := range []time.Time{a.Changed, a.Placed} {
			if t.After(newest) {
				newest = t
			}
		}
	}
	return newest
}

func withoutBodies(articles []news.Article) []news.Article {
	list := slices.Clone(articles)
	for i := range list {
		list[i].Body, list[i].Text = "", ""
	}
	return list
}

// Refresh looks for changes in the store and rebuilds the feeds they touch. It
// is cheap when nothing changed, and tells whether something did.
func (s *Server) Refresh(ctx context.Context) (bool, error) {
	s.building.Lock()
	defer s.building.Unlock()
	st := s.state.Load()
	now := s.opt.Now()
	seq, err := s.opt.Articles.Head(ctx)
	if err != nil {
		return false, err
	}
	changed, err := s.opt.Articles.ChangedSince(ctx, st.shelf.seq, st.shelf.at, now, manyChanges)
	if err != nil {
		return false, err
	}
	feeds := touched(st, changed)
	next := *st
	if len(feeds) == 0 {
		same := *st.shelf
		same.seq, same.at = seq, now
		next.shelf = &same
	} else if next.shelf, err = s.build(ctx, st, st.shelf, seq, now, feeds); err != nil {
		return false, err
	}
	s.state.Store(&next)
	return len(changed) > 0, nil
}

// touched are the feeds that an article has entered, changed in, or left.
func touched(st *state, changed []news.Article) []news.Feed {
	if len(changed) >= manyChanges {
		return st.Feeds
	}
	return slices.DeleteFunc(slices.Clone(st.Feeds), func(f news.Feed) bool {
		return !slices.ContainsFunc(changed, func(a news.Article) bool {
			return a.State == news.Live && f.Match(a) || slices.ContainsFunc(st.shelf.newest[f.Slug], func(b news.Article) bool { return a.ID == b.ID })
		})
	})
}
