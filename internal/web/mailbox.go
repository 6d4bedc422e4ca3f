package web

import (
	"errors"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"time"

	"jianxun/internal/news"
	"jianxun/templates"
)

// Letter is a captured mail, decoded.
type Letter struct {
	Name, Subject, To string
	Date              time.Time
	Header            []templates.Header
	HTML, Text        string
}

// Mailbox reads captured mail.
type Mailbox interface {
	Letters(limit int) ([]Letter, error)
	Letter(name string) (Letter, error)
	Raw(name string) ([]byte, error)
}

const lettersShown = 200

// mailboxOpen tells whether the request may see captured mail: the daemon
// listens on loopback only (else there is no Mailbox), and the address in the
// browser is loopback too, so that no page elsewhere can lead here by a name of
// its own.
func (st *state) mailboxOpen(r *http.Request) bool {
	if st.Mailbox == nil {
		return false
	}
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

func (s *Server) mailbox(w http.ResponseWriter, r *http.Request, st *state) error {
	if !st.mailboxOpen(r) {
		return news.Errorf(news.NotFound, "there is no such page")
	}
	letters, err := st.Mailbox.Letters(lettersShown)
	if err != nil {
		return err
	}
	p := s.decorate(st.page(r, "", ""))
	p.Title = p.T("Captured mail")
	page := templates.MailboxPage{Page: p, Folder: st.Folder}
	for _, l := range letters {
		page.Mails = append(page.Mails, templates.CapturedMail{Subject: l.Subject, To: l.To, Path: p.Base + "/mail/" + l.Name,
			When: p.When(l.Date.In(st.Zone), false), Machine: templates.Machine(l.Date, false)})
	}
	return s.show(w, r, "mailbox", page)
}

func (s *Server) letter(w http.ResponseWriter, r *http.Request, st *state) error {
	l, err := st.letter(r)
	if err != nil {
		return err
	}
	p := s.decorate(st.page(r, "", l.Subject))
	path := p.Base + "/mail/" + l.Name
	page := templates.MailPage{Page: p, Headers: l.Header, Raw: path + "/raw", Text: l.Text}
	if l.HTML != "" {
		page.HTML = path + "/html"
	}
	return s.show(w, r, "mail", page)
}

// letterPart serves a mail's HTML, kept in a sandbox, or the message as it is.
func (s *Server) letterPart(w http.ResponseWriter, r *http.Request, st *state) error {
	l, err := st.letter(r)
	if err != nil {
		return err
	}
	switch part := r.PathValue("part"); {
	case part == "html" && l.HTML != "":
		w.Header().Set("Content-Security-Policy", "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src http: https: data:; frame-ancestors 'self'")
		plainDocument("text/html; charset=utf-8", "no-store", []byte(l.HTML)).serve(w, r, s.opt.Now())
		return nil
	case part == "raw":
		raw, err := st.Mailbox.Raw(l.Name)
		if err != nil {
			return err
		}
		plainDocument("message/rfc822", "no-store", raw).serve(w, r, s.opt.Now())
		return nil
	}
	return news.Errorf(news.NotFound, "there is no such page")
}

func (st *state) letter(r *http.Request) (Letter, error) {
	if !st.mailboxOpen(r) {
		return Letter{}, news.Errorf(news.NotFound, "there is no such page")
	}
	l, err := st.Mailbox.Letter(r.PathValue("name"))
	if errors.Is(err, fs.ErrNotExist) {
		err = news.Errorf(news.NotFound, "there is no such mail")
	}
	return l, err
}
