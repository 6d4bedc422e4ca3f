package web

import (
	"net/http"
	"net/url"
	"slices"

	"jianxun/internal/news"
	"jianxun/templates"
)

// prefer records the choice of a form. What it does not offer is refused.
func (s *Server) prefer(r *http.Request, st *state, id string, form url.Values) error {
	sub, err := s.opt.People.Subscriber(r.Context(), id)
	if err != nil {
		return err
	}
	o, err := s.offer(r, st, sub)
	if err != nil {
		return err
	}
	p := news.Preferences{Format: news.MailFormat(form.Get("format"))}
	if p.Format != news.FormatHTML && p.Format != news.FormatText {
		return news.Errorf(news.Invalid, "%q is not a format; write html or text", form.Get("format"))
	}
	for _, d := range form["digest"] {
		if !slices.ContainsFunc(o.digests, func(x news.Digest) bool { return x.Slug == d }) {
			return news.Errorf(news.Invalid, "the digest %q is not offered here", d)
		}
	}
	for _, c := range form["column"] {
		if !slices.Contains(o.columns, c) {
			return news.Errorf(news.Invalid, "the column %q is not offered here", c)
		}
	}
	var want []string
	for _, d := range o.digests {
		if slices.Contains(form["digest"], d.Slug) {
			want = append(want, d.Slug)
		} else {
			p.Declined = append(p.Declined, d.Slug)
		}
	}
	for _, c := range o.columns {
		if slices.Contains(form["column"], c) {
			p.Columns = append(p.Columns, c)
		}
	}
	if err := s.opt.People.SetPreferences(r.Context(), id, want, p); err != nil {
		return err
	}
	s.opt.Log.Info("a subscriber chose", "subscriber", id, "digests", want, "columns", p.Columns, "format", p.Format)
	return nil
}

// offer is what a person may choose from.
type offer struct {
	digests []news.Digest
	columns []string
}

// offer gives the digests that the list names for the person, for those who
// subscribed themselves also the others that are open, and the columns that these
// digests may hold.
func (s *Server) offer(r *http.Request, st *state, sub news.Subscriber) (o offer, err error) {
	all := false
	for _, d := range st.Digests {
		if slices.Contains(sub.Digests, d.Slug) || sub.Origin == news.FromSelf && st.Subscribe.offers(d.Slug) {
			o.digests = append(o.digests, d)
			o.columns = append(o.columns, d.Columns...)
			all = all || len(d.Columns) == 0
		}
	}
	if all {
		columns, err := s.opt.Articles.Columns(r.Context())
		if err != nil {
			return o, err
		}
		o.columns = append(o.columns, columns...)
	}
	o.columns = distinct(append(o.columns, sub.Effective().Columns...))
	return o, nil
}

// distinct keeps the first of each.
func distinct(values []string) []string {
	var kept []string
	for _, v := range values {
		if !slices.Contains(kept, v) {
			kept = append(kept, v)
		}
	}
	return kept
}

func (s *Server) leavePage(r *http.Request, st *state, sub news.Subscriber) (templates.LeavePage, error) {
	p := s.decorate(st.page(r, "", ""))
	p.Title = p.T("Your subscription")
	view := templates.LeavePage{Page: p, Email: sub.Email, Listed: sub.Listed, State: string(sub.State)}
	o, err := s.offer(r, st, sub)
	if err != nil {
		return view, err
	}
	e := sub.Effective()
	view.Text = e.Format == news.FormatText
	for _, d := range o.digests {
		view.Offered = append(view.Offered, templates.Option{Value: d.Slug, Label: d.Title, Chosen: slices.Contains(e.Digests, d.Slug)})
	}
	for _, c := range o.columns {
		view.Columns = append(view.Columns, templates.Option{Value: c, Label: c, Chosen: slices.Contains(e.Columns, c)})
	}
	return view, nil
}
