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
	Sender    func(issue int64, s news.Subscriber) string // where bounces go; nil: to From
	Sign      func(mail.Message) (mail.Message, error)    // nil: not signed
	Web       func(news.Issue) string                     // URL of the web copy
	More      string                                      // URL where all articles are

	mu      sync.Mutex
	looked  time.Time // when changes was asked for
	changes int64     // that the variants have seen
	made    map[variantKey]variant
}

// variantKey tells an issue's variants apart.
type variantKey struct {
	issue  int64
	choice string
}

type variant struct {
	*mail.Variant
	issue news.Issue
}

const (
	// maxVariants bounds how many are kept; each takes some 400 KB.
	maxVariants = 100
	// recent is how long after an article is withdrawn a mail with it may be composed.
	recent = 200 * time.Millisecond
)

// Compose gives the mail of an issue to a subscriber, in the memory of dst, which
// may be nil. When the issue holds nothing of the columns that the person chose it
// is NotFound.
func (c *Composer) Compose(ctx context.Context, issue int64, s news.Subscriber, dst []byte) (mail.Message, error) {
	v, err := c.variant(ctx, issue, Choice{Columns: s.Columns, Keywords: s.Keywords, Format: s.Format})
	if err != nil {
		return mail.Message{}, err
	}
	p := mail.Person{
		To:        netmail.Address{Name: s.Name, Address: s.Email},
		Called:    s.Name,
		Leave:     c.Leave(s),
		MessageID: c.MessageID(v.issue, s),
		Date:      c.Now().In(c.View.Zone),
	}
	if p.Called == "" {
		p.Called = s.Email
	}
	if c.Sender != nil {
		p.Sender = c.Sender(issue, s)
	}
	m := v.Message(dst, p)
	if c.Sign == nil {
		return m, nil
	}
	return c.Sign(m)
}

// messageIDDigits keep the field on one line; 80 bits tell any subscribers apart.
const messageIDDigits = 20

// MessageID is a function of issue and subscriber, so that a relay's log can
// tell whether an uncertain mail was delivered.
func (c *Composer) MessageID(is news.Issue, s news.Subscriber) string {
	id := strings.ReplaceAll(news.SubscriberID(s.Email), "-", "")[:messageIDDigits]
	return is.Digest + "." + is.Ref() + "." + id + "@" + c.Domain()
}

// Domain is the sender's.
func (c *Composer) Domain() string {
	return c.From.Address[strings.LastIndexByte(c.From.Address, '@')+1:]
}

func (c *Composer) variant(ctx context.Context, id int64, choice Choice) (variant, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.refresh(ctx); err != nil {
		return variant{}, err
	}
	key := variantKey{id, choice.key()}
	if v, ok := c.made[key]; ok {
		return v, nil
	}
	is, err := c.Issue(ctx, id)
	if err != nil {
		return variant{}, err
	}
	f, err := c.Render(is, choice)
	if err != nil {
		return variant{}, err
	}
	cut, err := f.Variant()
	if err != nil {
		return variant{}, err
	}
	if len(c.made) >= maxVariants {
		clear(c.made)
	}
	c.made[key] = variant{cut, is}
	return c.made[key], nil
}

// refresh forgets the variants when articles have changed: one may be withdrawn
// while its issue is being sent.
func (c *Composer) refresh(ctx context.Context) error {
	if now := c.Now(); now.Sub(c.looked).Abs() >= recent {
		changes, err := c.Changes(ctx)
		if err != nil {
			return err
		}
		if changes != c.changes {
			c.made = nil
		}
		c.looked, c.changes = now, changes
	}
	if c.made == nil {
		c.made = map[variantKey]variant{}
	}
	return nil
}

// Render gives the form of the mail for a choice. Should the HTML go over its
// budget, leads are shortened, then dropped, then items are left to the web.
func (c *Composer) Render(is news.Issue, choice Choice) (mail.Form, error) {
	f := mail.Form{From: c.From, Subject: is.Title + " " + is.Label(), ListID: is.Digest + "." + c.Domain(), ListName: is.Title,
		Feedback: is.Ref() + ":" + is.Digest + ":jianxun:" + c.Domain()}
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
