package web

import (
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"jianxun/internal/news"
)

// ServeHTTP answers a request. A path prefix of the site's address is taken
// off, so a proxy may pass it on or not.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	st := s.state.Load()
	if st == nil {
		s.mux.ServeHTTP(w, r) // it says so
		return
	}
	if d := st.feedDocument(r); d != nil {
		if now := s.opt.Now(); s.mayPoll(r, st, now) {
			d.serve(w, r, now)
		} else {
			s.fail(w, r, st, http.StatusTooManyRequests, news.Errorf(news.TooMany, "this feed is asked for too often; send If-None-Match, as feed readers do, or wait a minute"))
		}
		return
	}
	if to, ok := st.tidied(r.URL.EscapedPath()); ok {
		if r.URL.RawQuery != "" {
			to += "?" + r.URL.RawQuery
		}
		http.Redirect(w, r, to, http.StatusMovedPermanently)
		return
	}
	if st.prefix != "" {
		r = st.below(r)
	}
	s.mux.ServeHTTP(w, r)
}

// tidied is where a path with //, . or .. in it leads. The mux would forget the
// prefix.
func (st *state) tidied(asked string) (to string, ok bool) {
	clean := path.Clean("/" + asked)
	if asked == "" || clean == asked || clean != "/" && clean+"/" == asked {
		return "", false
	}
	if base := st.links.Base(); clean != base && !strings.HasPrefix(clean, base+"/") {
		clean = base + clean
	}
	return clean, true
}

// mayPoll tells whether a request for a feed is within the client's limit. Only
// requests without a condition count: a reader that sends one does what is right.
func (s *Server) mayPoll(r *http.Request, st *state, now time.Time) bool {
	if st.Limits.Feeds <= 0 || r.Header["If-None-Match"] != nil || r.Header["If-Modified-Since"] != nil {
		return true
	}
	return s.polled.allow(st.Limits.client(r), st.Limits.Feeds, now)
}

// hubRequests is how many requests to the hub one client may make in a minute.
// They are stored, and each makes the hub call an address that it names.
const hubRequests = 60

// hub passes a request on to the embedded WebSub hub, if it is switched on.
func (s *Server) hub(w http.ResponseWriter, r *http.Request) {
	st := s.state.Load()
	if st != nil && st.Hub != nil && s.subscribed.allow(st.Limits.client(r), hubRequests, s.opt.Now()) {
		st.Hub.ServeHTTP(w, r)
		return
	}
	s.handle(func(_ http.ResponseWriter, _ *http.Request, st *state) error {
		if st.Hub != nil {
			return tooMany()
		}
		return news.Errorf(news.NotFound, "there is no such page")
	}, http.MethodGet, http.MethodHead, http.MethodPost)(w, r)
}

// feedDocument is what most requests are for. It is found without the mux,
// whose work shows where everything else is memory that lies ready.
func (st *state) feedDocument(r *http.Request) *document {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return nil
	}
	name, ok := strings.CutPrefix(strings.TrimPrefix(r.URL.Path, st.prefix), "/feeds/")
	if !ok {
		return nil
	}
	return st.shelf.documents[name]
}

// below is the request without the prefix of its path, if it has it. What is
// escaped in the rest stays so: the mux would take %2F for a slash.
func (st *state) below(r *http.Request) *http.Request {
	rest, ok := strings.CutPrefix(r.URL.Path, st.prefix)
	if !ok || rest != "" && rest[0] != '/' {
		return r
	}
	stripped := *r
	u := *r.URL
	u.Path, u.RawPath = "/"+strings.TrimPrefix(rest, "/"), ""
	if raw, ok := strings.CutPrefix(r.URL.RawPath, st.links.Base()); ok {
		u.RawPath = raw
	}
	stripped.URL = &u
	return &stripped
}

// sameSite tells a browser's request from this site from one that another site
// set off, also behind a proxy that changes the name of the host.
func sameSite(address string) (*http.CrossOriginProtection, error) {
	protection := http.NewCrossOriginProtection()
	u, err := url.Parse(address)
	if err == nil {
		err = protection.AddTrustedOrigin(u.Scheme + "://" + u.Host)
	}
	return protection, err
}
