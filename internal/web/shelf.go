package web

import (
	"context"
	"maps"
	"slices"
	"time"

	"jianxun/internal/news"
)

// Articles is what feeds and pages read.
type Articles interface {
	Article(ctx context.Context, id string) (news.Article, error)
	Columns(ctx context.Context) ([]string, error)
	Search(ctx context.Context, query string, now time.Time, limit int) ([]news.Article, error)
	Head(ctx context.Context) (int64, error)
	ChangedSince(ctx context.Context, seq int64, then, now time.Time, limit int) ([]news.Article, error)
}

// Collections is where the articles of each feed are.
type Collections interface {
	Collect(ctx context.Context, feeds []news.Feed, now time.Time) ([]news.Collection, error)
	Current(ctx context.Context, f news.Feed, c news.Collection, now time.Time) ([]news.Article, news.Collection, error)
	Archived(ctx context.Context, collection, first, last int64) ([]news.Article, error)
	Withdrawals(ctx context.Context, collection int64, limit int) ([]news.Article, error)
}

// shelf holds every feed document, ready to serve. A shelf is never altered;
// the next one shares what has not changed.
type shelf struct {
	documents   map[string]*document       // by file name: yaowen.rss
	newest      map[string][]news.Article  // by slug, without bodies, for the pages
	told        map[string][]news.Article  // by slug, whose withdrawal the documents tell of
	collections map[string]news.Collection // by slug
	archives    *cache[*document]          // archive documents that were asked for
	searches                               // that were asked for
	seq         int64                      // the store's head it was built at
	at          time.Time
}

// Room for documents that are made on demand, in octets.
const (
	roomForArchives = 16 << 20
	roomForSearches = 8 << 20
)

func emptyShelf() *shelf {
	return &shelf{documents: map[string]*document{}, newest: map[string][]news.Article{}, told: map[string][]news.Article{}, collections: map[string]news.Collection{},
		archives: newCache(roomForArchives, sizeOf), searches: noSearches()}
}

// behind tells whether a collection is still being filled.
func (s *shelf) behind() bool {
	for _, c := range s.collections {
		if c.Behind {
			return true
		}
	}
	return false
}

// manyChanges is from how many changed articles on all feeds are built anew.
const manyChanges = 1000

// build makes the feeds given anew and takes the others from old.
func (s *Server) build(ctx context.Context, st *state, old *shelf, now time.Time, feeds []news.Feed, collections []news.Collection) (*shelf, error) {
	next := *old
	next.documents, next.newest, next.told = maps.Clone(old.documents), maps.Clone(old.newest), maps.Clone(old.told)
	next.collections = map[string]news.Collection{}
	for i, f := range st.Feeds {
		next.collections[f.Slug] = collections[i]
	}
	for _, f := range feeds {
		if err := s.bind(ctx, st, &next, f, now); err != nil {
			return nil, err
		}
	}
	return &next, nil
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
	next, shelf := *st, *st.shelf
	if len(changed) > 0 || shelf.behind() {
		collections, err := s.opt.Collections.Collect(ctx, st.Feeds, now)
		if err != nil {
			return false, err
		}
		built, err := s.build(ctx, st, st.shelf, now, st.touched(changed, collections), collections)
		if err != nil {
			return false, err
		}
		shelf = *built
	}
	if len(changed) > 0 {
		shelf.searches = noSearches()
	}
	if len(changed) >= manyChanges || slices.ContainsFunc(changed, func(a news.Article) bool { return !a.Changed.Equal(a.FirstSeen) }) {
		shelf.archives = newCache(roomForArchives, sizeOf) // one of them may have been withdrawn or restored
	}
	shelf.seq, shelf.at = seq, now
	next.shelf = &shelf
	s.state.Store(&next)
	return len(changed) > 0, nil
}

// touched are the feeds that a change concerns, and those whose archive has
// grown, once it is filled: the way into it stays right meanwhile.
func (st *state) touched(changed []news.Article, collections []news.Collection) []news.Feed {
	var feeds []news.Feed
	for i, f := range st.Feeds {
		grown := !collections[i].Behind && collections[i] != st.shelf.collections[f.Slug]
		if grown || len(changed) >= manyChanges || slices.ContainsFunc(changed, func(a news.Article) bool { return st.concerns(a, f) }) {
			feeds = append(feeds, f)
		}
	}
	return feeds
}

// concerns tells whether a changed article is in the feed, was in it, or may be
// one whose withdrawal is to be told there, or no longer.
func (st *state) concerns(a news.Article, f news.Feed) bool {
	same := func(b news.Article) bool { return a.ID == b.ID }
	return f.Match(a) || a.State == news.Withdrawn || slices.ContainsFunc(st.shelf.newest[f.Slug], same) || slices.ContainsFunc(st.shelf.told[f.Slug], same)
}
