package web

import (
	"net/http"

	"jianxun/internal/news"
	"jianxun/templates"
)

// maxForm bounds a posted form, in octets.
const maxForm = 64 << 10

// leave is a subscriber's own page. GET shows it and changes nothing, because
// scanners follow links. POST unsubscribes, with the one-click body of RFC 8058
// or without, as often as it comes; only the page's own button subscribes again.
func (s *Server) leave(w http.ResponseWriter, r *http.Request, st *state) error {
	id, ok := st.links.subscriberOf(r.PathValue("token"))
	if !ok {
		return news.Errorf(news.NotFound, "this link is not complete; copy all of it from the mail")
	}
	if r.Method == http.MethodPost {
		if err := s.decide(w, r, id); err != nil {
			return err
		}
	}
	sub, err := s.opt.People.Subscriber(r.Context(), id)
	if err != nil {
		return err
	}
	p := s.decorate(st.page(r, "", ""))
	p.Title = p.T("Your subscription")
	view := templates.LeavePage{Page: p, Email: sub.Email, Active: sub.State == news.Active}
	for _, slug := range sub.Digests {
		if d, err := st.digest(slug); err == nil {
			view.Subscribed = append(view.Subscribed, d.Title)
		}
	}
	body, err := s.opt.Templates.Page("leave", view)
	if err != nil {
		return err
	}
	w.Header().Set("X-Robots-Tag", "noindex")
	answer(w, r, http.StatusOK, body)
	return nil
}

// decide records what a POST asks for. Who bounced or has not confirmed yet is
// not made active by a button.
func (s *Server) decide(w http.ResponseWriter, r *http.Request, id string) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseMultipartForm(maxForm); err != nil && err != http.ErrNotMultipart {
		return news.Errorf(news.Invalid, "the form cannot be read: %w", err)
	}
	next := news.Unsubscribed
	if r.PostForm.Get("resubscribe") == "yes" {
		sub, err := s.opt.People.Subscriber(r.Context(), id)
		if err != nil || sub.State != news.Unsubscribed {
			return err
		}
		next = news.Active
	}
	if err := s.opt.People.SetSubscriberState(r.Context(), id, next); err != nil {
		return err
	}
	s.opt.Log.Info("a subscriber decided", "subscriber", id, "state", next)
	return nil
}
