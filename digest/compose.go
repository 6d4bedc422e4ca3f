package digest

import (
	"context"
	netmail "net/mail"
	"net/url"
	"strings"
	"sync"
	"time"

	"jianxun/internal/mail"
	"jianxun/internal/news"
	"jianxun/templates"
)

// maxHTML is the budget of the HTML part, in octets: Gmail clips at 102 KB.
const maxHTML = 75 * 1024

// Composer makes the mail of one person. Variants are rendered once a choice.
type Composer struct {
	Templates *templates.Set
	View      View
	From      netmail.Address
	Now       func() time.Time
	Issue     func(ctx context.Context, id int64) (news.Issue, error)
	Changes   func(ctx context.Context) (int64, error)    // counts the changes of articles
	Leave     func(news.Subscriber) string                // unsubscribe URL
	Return    func(issue int64, s news.Subscriber) string // return path; nil: the sender
	Web       func(news.Issue) string                     // URL of the web copy
	More      string                                      // URL where all articles are

	mu      sync.Mutex
	changes int64 // that the forms have seen
	forms   map[int64]map[string]form
}

type form struct {
	mail.Form
	issue news.Issue
}

// maxIssues bounds how many issues' variants are kept.
const maxIssues = 4

// Compose gives the mail of an issue to a subscriber. When the issue holds
// nothing of the columns that the person chose it is NotFound.
func (c *Composer) Compose(ctx context.Context, issue int64, s news.Subscriber) (mail.Message, error) {
	f, err := c.form(ctx, issue, Choice{Columns: s.Columns, Keywords: s.Keywords, Format: s.Format})
	if err != nil {
		return mail.Message{}, err
	}
	called := s.Name
	if called == "" {
		called = s.Email
	}
	m, err := f.Message(mail.Person{
		To:        netmail.Address{Name: s.Name, Address: s.Email},
		Called:    called,
		Leave:     c.Leave(s),
		MessageID: c.messageID(f.issue, s),
		Date:      c.Now().In(c.View.Zone),
	})
	if c.Return != nil {
		m.From = c.Return(issue, s)
	}
	return m, err
}

// messageIDDigits keep the field on one line; 80 bits tell any subscribers apart.
const messageIDDigits = 20

// messageID is a function of issue and subscriber, so that a relay's log can
// tell whether an uncertain mail was delivered.
func (c *Composer) messageID(is news.Issue, s news.Subscriber) string {
	id := strings.ReplaceAll(news.SubscriberID(s.Email), "-", "")[:messageIDDigits]
	return is.Digest + "." + is.Ref() + "." + id + "@" + c.Domain()
}

// Domain is the sender's.
func (c *Composer) Domain() string {
	return c.From.Address[strings.LastIndexByte(c.From.Address, '@')+1:]
}

func (c *Composer) form(ctx context.Context, id int64, choice Choice) (form, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	// An article may be withdrawn while its issue is being sent.
	changes, err := c.Changes(ctx)
	if err != nil {
		return form{}, err
	}
	if changes != c.changes {
		c.changes, c.forms = changes, nil
	}
	if f, ok := c.forms[id][choice.key()]; ok {
		return f, nil
	}
	is, err := c.Issue(ctx, id)
	if err != nil {
		return form{}, err
	}
	f, err := c.Render(is, choice)
	if err != nil {
		return form{}, err
	}
	if c.forms == nil || len(c.forms) >= maxIssues {
		c.forms = map[int64]map[string]form{}
	}
	if c.forms[id] == nil {
		c.forms[id] = map[string]form{}
	}
	c.forms[id][choice.key()] = form{f, is}
	return c.forms[id][choice.key()], nil
}

// Render gives the form of the mail for a choice. Should the HTML go over its
// budget, leads are shortened, then dropped, then items are left to the web.
func (c *Composer) Render(is news.Issue, choice Choice) (mail.Form, error) {
	f := mail.Form{From: c.From, Subject: is.Title + " " + is.Label(), ListID: is.Digest + "." + c.Domain(), ListName: is.Title}
	leads := []int{FullLead, 80, 50, 0}
	for step, limit := 0, len(is.Items); ; step++ {
		lead := leads[min(step, len(leads)-1)]
		if step >= len(leads) {
			limit = limit * 3 / 4
		}
		view := c.mailView(is, choice, lead, limit)
		if len(view.Sections) == 0 {
			return f, news.Errorf(news.NotFound, "the issue holds nothing of the columns chosen")
		}
		html, text, err := c.Templates.IssueMail(view)
		if err != nil {
			return f, err
		}
		if len(html) <= maxHTML || limit <= 1 {
			if f.Text = text; choice.Format != news.FormatText {
				f.HTML = html
			}
			return f, nil
		}
	}
}

func (c *Composer) mailView(is news.Issue, choice Choice, lead, limit int) templates.IssueMail {
	v := templates.IssueMail{
		Printer: c.View.Printer, Issue: c.View.Issue(is, choice, lead, limit),
		WebURL: c.Web(is), MoreURL: c.More, NameSlot: mail.NameSlot, LeaveSlot: mail.LeaveSlot,
	}
	var titles []string
	for _, s := range v.Sections {
		for _, it := range s.Items {
			titles = append(titles, it.Title)
		}
	}
	v.Preheader = strings.Join(titles[:min(3, len(titles))], c.View.Printer.T("; "))
	return v
}

// WebPath is the path of an issue's web copy.
func WebPath(is news.Issue) string { return "/issues/" + url.PathEscape(is.Digest) + "/" + is.Ref() }
