package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"jianxun/internal/news"
	"jianxun/templates"
)

// handle turns a handler that may fail into one for the mux: it checks the
// method, sets the headers every answer has, and shows errors.
func (s *Server) handle(h func(http.ResponseWriter, *http.Request, *state) error, methods ...string) http.HandlerFunc {
	allow := strings.Join(methods, ", ")
	return func(w http.ResponseWriter, r *http.Request) {
		st := s.state.Load()
		if st == nil {
			http.Error(w, "starting", http.StatusServiceUnavailable)
			return
		}
		w.Header()["X-Content-Type-Options"] = nosniff
		if !slices.Contains(methods, r.Method) {
			w.Header().Set("Allow", allow)
			s.fail(w, r, st, http.StatusMethodNotAllowed, news.Errorf(news.Invalid, "this address does not take %s", r.Method))
			return
		}
		if err := h(w, r, st); err != nil {
			s.fail(w, r, st, statusOf(err), err)
		}
	}
}

var nosniff = []string{"nosniff"} // read only; shared by all answers

func statusOf(err error) int {
	switch news.CodeOf(err) {
	case news.Invalid:
		return http.StatusBadRequest
	case news.NotFound:
		return http.StatusNotFound
	case news.Conflict:
		return http.StatusConflict
	case news.Refused:
		return http.StatusForbidden
	case news.TooLarge:
		return http.StatusRequestEntityTooLarge
	case news.TooMany:
		return http.StatusTooManyRequests
	case news.Unavailable, news.Busy:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// fail shows an error. What went wrong inside is logged and not told.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, st *state, status int, err error) {
	p := st.page(r, "", http.StatusText(status))
	message := p.Err(err)
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter(s.opt.Now())))
	}
	if status >= 500 && news.CodeOf(err) != news.Busy {
		s.opt.Log.Error("a page cannot be shown", "path", r.URL.Path, "error", err)
		message = p.T("Something went wrong here. It has been noted; please try again later.")
	}
	p.Title = heading(p, status)
	body, renderErr := s.opt.Templates.Page("error", templates.ErrorPage{Page: s.decorate(p), Message: message})
	if renderErr != nil {
		http.Error(w, http.StatusText(status), status)
		return
	}
	answer(w, r, status, body)
}

// heading says in a word what kind of error it is.
func heading(p templates.Page, status int) string {
	switch status {
	case http.StatusNotFound:
		return p.T("Not found")
	case http.StatusGone:
		return p.T("No longer here")
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return p.T("Please wait a moment")
	}
	return p.T("This does not work")
}

// answer sends a page that is for this request alone.
func answer(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	h := w.Header()
	htmlHeaders(h)
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}

// page begins a page for the reader of the request. path is its place on the
// site, empty when it has none.
func (st *state) page(r *http.Request, path, title string) templates.Page {
	lang := templates.ParseLanguage(st.Language)
	if accept := r.Header.Get("Accept-Language"); accept != "" {
		lang = templates.ParseLanguage(accept)
	}
	p := templates.Page{Printer: st.printers[lang], Base: st.links.Base(), Site: st.Title, Title: title, Mailbox: st.mailboxOpen(r), Subscribe: st.Subscribe.Open}
	if path != "" {
		p.Canonical = st.links.URL + path
	}
	for _, f := range st.Feeds {
		p.Feeds = append(p.Feeds, st.feedLink(f))
	}
	for _, d := range st.Digests {
		p.Digests = append(p.Digests, templates.DigestLink{Slug: d.Slug, Title: d.Title})
	}
	return p
}

func (s *Server) decorate(p templates.Page) templates.Page {
	p.Style = s.opt.Templates.StyleVersion()
	return p
}

// show renders a page and answers with it, conditionally.
func (s *Server) show(w http.ResponseWriter, r *http.Request, name string, view any) error {
	body, err := s.opt.Templates.Page(name, view)
	if err != nil {
		return err
	}
	htmlHeaders(w.Header())
	d := &document{hash: hashOf("text/html; charset=utf-8", body)}
	d.add("", body, meta{contentType: "text/html; charset=utf-8", cache: "no-cache"}, "Accept-Language")
	d.serve(w, r, s.opt.Now())
	return nil
}

// plainDocument is a document that is made for one answer, not compressed.
func plainDocument(contentType, cache string, body []byte) *document {
	d := &document{hash: hashOf(contentType, body)}
	d.add("", body, meta{contentType: contentType, cache: cache}, "Accept-Encoding")
	return d
}

func htmlHeaders(h http.Header) {
	h["X-Content-Type-Options"] = nosniff
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src http: https: data:; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	if h.Get("Referrer-Policy") == "" {
		h.Set("Referrer-Policy", "no-referrer")
	}
}
