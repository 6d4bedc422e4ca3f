package web

import (
	"net/http"
	"net/url"

	"jianxun/internal/news"
)

// maxForm bounds a posted form, in octets.
const maxForm = 64 << 10

// leave is a subscriber's own page. GET shows it and changes nothing, because
// scanners follow links. POST unsubscribes, with the one-click body of RFC 8058
// or none, as often as it comes; only the page's own forms say anything else.
func (s *Server) leave(w http.ResponseWriter, r *http.Request, st *state) error {
	id, ok := st.links.subscriberOf(r.PathValue("token"))
	if !ok {
		return news.Errorf(news.NotFound, "this link is not complete; copy all of it from the mail")
	}
	saved := false
	if r.Method == http.MethodPost {
		form, err := posted(w, r)
		if err != nil {
			return err
		}
		if saved, err = s.decide(r, st, id, form); err != nil {
			return err
		}
	}
	sub, err := s.opt.People.Subscriber(r.Context(), id)
	if err != nil {
		return err
	}
	view, err := s.leavePage(r, st, sub)
	if err != nil {
		return err
	}
	view.Saved = saved
	body, err := s.opt.Templates.Page("leave", view)
	if err != nil {
		return err
	}
	w.Header().Set("X-Robots-Tag", "noindex")
	answer(w, r, http.StatusOK, body)
	return nil
}

// posted reads a form of either encoding, without what the address says.
func posted(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseMultipartForm(maxForm); err != nil && err != http.ErrNotMultipart {
		return nil, news.Errorf(news.Invalid, "the form cannot be read: %w", err)
	}
	return r.PostForm, nil
}

// decide records what a POST asks for; saved tells that it was a choice. Who
// bounced is not made active by a button.
func (s *Server) decide(r *http.Request, st *state, id string, form url.Values) (saved bool, err error) {
	next := news.Unsubscribed
	switch {
	case len(form) == 0 || form.Has("List-Unsubscribe"):
	case form.Get("action") == "preferences":
		return true, s.prefer(r, st, id, form)
	case form.Get("resubscribe") == "yes":
		sub, err := s.opt.People.Subscriber(r.Context(), id)
		if err != nil || sub.State != news.Unsubscribed {
			return false, err
		}
		next = news.Active
	default:
		return false, news.Errorf(news.Invalid, "this form is not known here; please open the link in the mail again")
	}
	if err := s.opt.People.SetSubscriberState(r.Context(), id, next); err != nil {
		return false, err
	}
	s.opt.Log.Info("a subscriber decided", "subscriber", id, "state", next)
	return false, nil
}
