package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"
	"unicode/utf8"

	"jianxun/internal/news"
	"jianxun/templates"
)

// Subscribe is whether and how people may subscribe themselves.
type Subscribe struct {
	Open    bool
	Digests []string // slugs
	PerHour int      // letters, over all addresses
}

func (s Subscribe) offers(slug string) bool { return s.Open && slices.Contains(s.Digests, slug) }

// requestsOfOne is how often an hour one client may ask for some address to be
// subscribed.
const requestsOfOne = 5

// maxName bounds the name that a stranger gives, in characters.
const maxName = 60

// subscribe takes requests to be subscribed. Whatever is known of an address, the
// answer is the same; the letter goes its own way.
func (s *Server) subscribe(w http.ResponseWriter, r *http.Request, st *state) error {
	if !st.Subscribe.Open {
		return noSuchPage()
	}
	view := templates.SubscribePage{Page: s.decorate(st.page(r, "/subscribe", ""))}
	view.Title = view.T("Receive digests by mail")
	status := http.StatusOK
	var form url.Values
	if r.Method == http.MethodPost {
		var err error
		if form, err = posted(w, r); err == nil {
			err = s.signUp(r, st, form)
		}
		switch {
		case err == nil:
			view.Taken = true
		case news.CodeOf(err) == news.Invalid:
			status, view.Message = http.StatusBadRequest, view.Err(err)
			view.Email, view.Name = form.Get("email"), form.Get("name")
		default:
			return err
		}
	}
	view.Offered = st.openDigests(form)
	body, err := s.opt.Templates.Page("subscribe", view)
	if err != nil {
		return err
	}
	// With the site's usual policy a browser would not say where its form comes
	// from, and a server without TLS could not tell it from another site's.
	w.Header().Set("Referrer-Policy", "same-origin")
	answer(w, r, status, body)
	return nil
}

// openDigests are those to be ticked: all are, until a form says which.
func (st *state) openDigests(form url.Values) (options []templates.Option) {
	for _, d := range st.Digests {
		if st.Subscribe.offers(d.Slug) {
			options = append(options, templates.Option{Value: d.Slug, Label: d.Title, Chosen: form == nil || slices.Contains(form["digest"], d.Slug)})
		}
	}
	return options
}

func noSuchPage() error { return news.Errorf(news.NotFound, "there is no such page") }

// signUp notes the request of a form and sends the letter.
func (s *Server) signUp(r *http.Request, st *state, form url.Values) error {
	if err := st.sameSite.Check(r); err != nil { // else any site could have its visitors ask, each from another address
		return news.Errorf(news.Refused, "this form was sent from another site; please use the one on this page")
	}
	u := news.SignUp{Email: news.OneLine(form.Get("email")), Name: news.OneLine(form.Get("name"))}
	if news.CheckEmail(u.Email) != nil {
		return news.Errorf(news.Invalid, "this is not an e-mail address such as name@example.org")
	}
	if utf8.RuneCountInString(u.Name) > maxName {
		return news.Errorf(news.Invalid, "the name has more than %d characters", maxName)
	}
	for _, d := range form["digest"] {
		if !st.Subscribe.offers(d) {
			return news.Errorf(news.Invalid, "the digest %q is not offered here", d)
		}
	}
	if u.Digests = distinct(form["digest"]); len(u.Digests) == 0 {
		return news.Errorf(news.Invalid, "please choose at least one digest")
	}
	if !s.signed.allow(st.Limits.client(r), requestsOfOne, s.opt.Now()) {
		return news.Errorf(news.TooMany, "that were many requests; please try again in an hour")
	}
	noted, letter, err := s.opt.People.AskSignUp(r.Context(), u, st.Subscribe.PerHour)
	if err == nil && letter {
		p := st.page(r, "", "").Printer
		s.posting.begin(func(ctx context.Context) { s.writeTo(ctx, st, p, noted) })
	}
	return err
}

// confirm subscribes the person whose letter led here, once they press the button.
func (s *Server) confirm(w http.ResponseWriter, r *http.Request, st *state) error {
	if !st.Subscribe.Open {
		return noSuchPage()
	}
	id, asked, ok := st.links.signUpOf(r.PathValue("token"))
	if !ok {
		return news.Errorf(news.NotFound, "this link is not complete; copy all of it from the mail")
	}
	if s.opt.Now().Sub(asked) > confirmWithin {
		return news.Errorf(news.NotFound, "this link is no longer good; please subscribe again")
	}
	if r.Method == http.MethodPost {
		if _, err := posted(w, r); err != nil {
			return err
		}
		if err := s.opt.People.ConfirmSignUp(r.Context(), id, asked); err != nil {
			return err
		}
		s.opt.Log.Info("a subscriber confirmed", "subscriber", id)
	}
	view, err := s.confirmPage(r, st, id, asked)
	if err != nil {
		return err
	}
	body, err := s.opt.Templates.Page("confirm", view)
	if err != nil {
		return err
	}
	w.Header().Set("X-Robots-Tag", "noindex")
	answer(w, r, http.StatusOK, body)
	return nil
}

func (s *Server) confirmPage(r *http.Request, st *state, id string, asked time.Time) (templates.ConfirmPage, error) {
	p := s.decorate(st.page(r, "", ""))
	p.Title = p.T("Confirm your subscription")
	view := templates.ConfirmPage{Page: p}
	u, err := s.opt.People.SignUp(r.Context(), id, asked)
	if err != nil {
		return view, err
	}
	view.Email = u.Email
	for _, d := range st.Digests {
		if slices.Contains(u.Digests, d.Slug) {
			view.Asked = append(view.Asked, d.Title)
		}
	}
	if u.Confirmed.IsZero() {
		return view, nil
	}
	sub, err := s.opt.People.Subscriber(r.Context(), id)
	view.State, view.Choose = string(sub.State), st.links.Leave(sub)
	return view, err
}
