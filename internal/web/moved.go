package web

import (
	"net/http"

	"jianxun/internal/news"
)

// settle sorts the feeds of the settings: those that are served, the old names
// of which, and those that are gone for good.
func (st *state) settle(feeds []news.Feed) {
	st.Feeds, st.moved, st.retired = nil, map[string]string{}, map[string]bool{}
	for _, f := range feeds {
		for _, was := range f.Was {
			st.moved[was] = f.Slug
		}
		if f.Retired {
			st.retired[f.Slug] = true
		} else {
			st.Feeds = append(st.Feeds, f)
		}
	}
}

func (st *state) feedOf(slug string) (news.Feed, bool) {
	for _, f := range st.Feeds {
		if f.Slug == slug {
			return f, true
		}
	}
	return news.Feed{}, st.retired[slug]
}

// leftBehind answers for an old name of a feed: everything below it has moved
// for good. rest is what follows the name in the path, escaped.
func (st *state) leftBehind(w http.ResponseWriter, r *http.Request, slug, rest string) bool {
	to, ok := st.moved[slug]
	if !ok {
		return false
	}
	w.Header().Set("Cache-Control", "public, max-age=3600")
	http.Redirect(w, r, st.links.Base()+"/feeds/"+to+rest, http.StatusMovedPermanently)
	return true
}

// gone answers for a feed that was retired.
func (s *Server) gone(w http.ResponseWriter, r *http.Request, st *state) error {
	s.fail(w, r, st, http.StatusGone, news.Errorf(news.NotFound, "this feed has been retired; its articles can still be read and searched for"))
	return nil
}
