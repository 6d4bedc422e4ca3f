// Package web holds every HTTP handler.
//
// It promises that GET and HEAD change nothing, that feeds are served from
// memory and are visible within a moment of a change, that pages need nothing
// from outside, and that a fault of the store is an error page and never half a
// page. What is to be served is swapped as a whole.
package web

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"jianxun/feedgen"
	"jianxun/internal/news"
	"jianxun/templates"
)

// Issues is what the pages of sent issues read.
type Issues interface {
	Issues(ctx context.Context, digest string, limit int) ([]news.Issue, error)
	Issue(ctx context.Context, digest string, year, number int) (news.Issue, error)
}

// People is what a subscriber's own page reads and changes.
type People interface {
	Subscriber(ctx context.Context, id string) (news.Subscriber, error)
	SetSubscriberState(ctx context.Context, id string, state news.SubscriberState) error
	SetPreferences(ctx context.Context, id string, want []string, p news.Preferences) error
	SignUps
}

// Options are what a Server is made of once.
type Options struct {
	Articles    Articles
	Collections Collections
	Issues      Issues
	People      People
	Letters     Letters
	Templates   *templates.Set
	Key         []byte // signs subscribers' tokens
	Now         func() time.Time
	Log         *slog.Logger
	// View gives an issue as it reads on the web.
	View func(news.Issue, templates.Printer) templates.Issue
}

// Settings are what may change while the Server runs.
type Settings struct {
	Title, URL, Language string
	Zone                 *time.Location
	Feeds                []news.Feed
	Sources              []news.Source
	Hubs                 []string     // WebSub hubs that are told of changes
	Hub                  http.Handler // our own, nil: none
	Limits               Limits
	Digests              []news.Digest
	Subscribe            Subscribe
	Mailbox              Mailbox // nil: there is no page for captured mail
	Folder               string  // where captured mail is, for people
}

// Server is the site.
type Server struct {
	opt        Options
	mux        *http.ServeMux
	state      atomic.Pointer[state]
	building   sync.Mutex
	turns      *turns
	polled     counter // feed documents asked for without a condition
	asked      counter // searches
	subscribed counter // requests to the hub
	signed     counter // requests to be subscribed
	posting    posting // letters on their way
}

// state is what one request sees from beginning to end.
type state struct {
	Settings
	links    Links
	prefix   string            // of the paths of requests that a proxy did not strip
	local    templates.Printer // of the site's language
	printers map[templates.Language]templates.Printer
	sameSite *http.CrossOriginProtection
	shelf    *shelf
	opml     *document
	moved    map[string]string // the present slug, by an old one
	retired  map[string]bool   // by slug
}

// New makes a Server that answers 503 until Reload has been called.
func New(opt Options) *Server {
	s := &Server{opt: opt, mux: http.NewServeMux(), turns: newTurns(), signed: counter{minutes: 60}, posting: newPosting()}
	s.routes()
	return s
}

func (s *Server) routes() {
	get := func(pattern string, h func(http.ResponseWriter, *http.Request, *state) error) {
		s.mux.HandleFunc(pattern, s.handle(h, http.MethodGet, http.MethodHead))
	}
	get("/{$}", s.home)
	get("/feeds/{name}", s.feed)
	get("/feeds/{feed}/archive/{name}", s.archive)
	get("/feeds.opml", s.feedList)
	get("/search", s.search)
	get("/articles/{id}", s.article)
	get("/issues/{digest}", s.issueList)
	get("/issues/{digest}/{number}", s.issue)
	get("/style.css", s.style)
	get("/copy.js", s.script)
	get("/healthz", s.health)
	get("/mail", s.mailbox)
	get("/mail/{name}", s.letter)
	get("/mail/{name}/{part}", s.letterPart)
	s.mux.HandleFunc("/hub", s.hub)
	s.mux.HandleFunc("/u/{token}", s.handle(s.leave, http.MethodGet, http.MethodHead, http.MethodPost))
	s.mux.HandleFunc("/subscribe", s.handle(s.subscribe, http.MethodGet, http.MethodHead, http.MethodPost))
	s.mux.HandleFunc("/confirm/{token}", s.handle(s.confirm, http.MethodGet, http.MethodHead, http.MethodPost))
	s.mux.HandleFunc("/", s.handle(func(http.ResponseWriter, *http.Request, *state) error {
		return news.Errorf(news.NotFound, "there is no such page")
	}, http.MethodGet, http.MethodHead))
}

// Reload builds everything for new settings and swaps it in. On an error the
// old settings stay.
func (s *Server) Reload(ctx context.Context, set Settings) error {
	s.building.Lock()
	defer s.building.Unlock()
	set.URL = feedgen.Encoded(set.URL)
	set.Hubs = slices.Clone(set.Hubs)
	for i, h := range set.Hubs {
		set.Hubs[i] = feedgen.Encoded(h)
	}
	st := &state{Settings: set, links: Links{URL: set.URL, Key: s.opt.Key}, prefix: Links{URL: set.URL}.prefix(), printers: map[templates.Language]templates.Printer{}}
	for _, l := range []templates.Language{templates.Chinese, templates.English} {
		st.printers[l] = templates.NewPrinter(l)
	}
	st.local = st.printers[templates.ParseLanguage(set.Language)]
	seq, err := s.opt.Articles.Head(ctx)
	if err != nil {
		return err
	}
	st.settle(set.Feeds)
	if st.sameSite, err = sameSite(set.URL); err != nil {
		return err
	}
	now := s.opt.Now()
	collections, err := s.opt.Collections.Collect(ctx, st.Feeds, now)
	if err != nil {
		return err
	}
	if st.shelf, err = s.build(ctx, st, emptyShelf(), now, st.Feeds, collections); err != nil {
		return err
	}
	st.shelf.seq, st.shelf.at = seq, now
	if st.opml, err = st.outlines(); err != nil {
		return err
	}
	s.state.Store(st)
	return nil
}

// Topics are the subscription documents: the entity tag by the self address.
func (s *Server) Topics() map[string]string {
	st := s.state.Load()
	topics := map[string]string{}
	for _, f := range st.Feeds {
		for _, format := range feedgen.Formats() {
			topics[st.links.Feed(f.Slug, format)] = st.shelf.documents[f.Slug+"."+string(format)].hash
		}
	}
	return topics
}

// Topic is the document at a self address, as it is served now.
func (s *Server) Topic(address string) (body []byte, contentType string, err error) {
	st := s.state.Load()
	for _, f := range st.Feeds {
		for _, format := range feedgen.Formats() {
			if st.links.Feed(f.Slug, format) == address {
				d := st.shelf.documents[f.Slug+"."+string(format)]
				return d.codings[len(d.codings)-1].body, format.ContentType(), nil
			}
		}
	}
	return nil, "", news.Errorf(news.NotFound, "there is no feed %s", address)
}

// Links gives the addresses of the settings in force.
func (s *Server) Links() Links { return s.state.Load().links }

func (st *state) outlines() (*document, error) {
	var list []feedgen.Outline
	for _, f := range st.Feeds {
		list = append(list, feedgen.Outline{Title: f.Title, Feed: st.links.Feed(f.Slug, feedgen.Atom), Home: st.links.URL + "/feeds/" + f.Slug})
	}
	body, err := feedgen.OPML(st.Title, list)
	if err != nil {
		return nil, err
	}
	return newDocument(meta{name: "feeds.opml", contentType: "text/x-opml; charset=utf-8", cache: cachePublic}, body, time.Time{})
}
