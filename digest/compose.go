package digest

import (
	"context"
	netmail "net/mail"
	"net/url"
	"reflect"
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
	looked  time.Time             // when changes was asked for
	changes int64                 // that the issues below have seen
	current map[int64]*news.Issue // as they are now, by id
	before  map[int64]*news.Issue // as they were before the last change
	made    map[variantKey]variant
}

// variantKey tells an issue's variants apart.
type variantKey struct {
	issue  int64
	choice string
}

// variant is of an issue as it was.
type variant struct {
	*mail.Variant
	issue *news.Issue
}

const (
	// maxVariants bounds how many are kept; each takes some 400 KB.
	maxVariants = 100
	// recent is how long after an article is withdrawn a mail with it may leave.
	recent = 200 * time.Millisecond
)

// Compose gives the mail of an issue to a subscriber, in the memory of dst, which
// may be nil. When the issue holds nothing of the columns that the person chose it
// is NotFound. still tells later whether the mail says what it would say then, and
// fails with Conflict when it does not: an article was withdrawn, say.
func (c *Composer) Compose(ctx context.Context, issue int64, s news.Subscriber, dst []byte) (m mail.Message, still func(context.Context) error, err error) {
	v, err := c.variant(ctx, issue, Choice{Columns: s.Columns, Keywords: s.Keywords, Format: s.Format})
	if err != nil {
		return m, nil, err
	}
	p := mail.Person{
		To:        netmail.Address{Name: s.Name, Address: s.Email},
		Called:    s.Name,
		Leave:     c.Leave(s),
		MessageID: c.MessageID(*v.issue, s),
		Date:      c.Now().In(c.View.Zone),
	}
	if p.Called == "" {
		p.Called = s.Email
	}
	if c.Sender != nil {
		p.Sender = c.Sender(issue, s)
	}
	still = func(ctx context.Context) error { return c.still(ctx, issue, v) }
	m = v.Message(dst, p)
	if c.Sign != nil {
		m, err = c.Sign(m)
	}
	return m, still, err
}

func (c *Composer) still(ctx context.Context, issue int64, v variant) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	is, err := c.now(ctx, issue)
	if err == nil && is != v.issue {
		err = news.Errorf(news.Conflict, "the issue has changed since this mail was composed")
	}
	return err
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
	is, err := c.now(ctx, id)
	if err != nil {
		return variant{}, err
	}
	key := variantKey{id, choice.key()}
	if v, ok := c.made[key]; ok && v.issue == is {
		return v, nil
	}
	f, err := c.Render(*is, choice)
	if err != nil {
		return variant{}, err
	}
	cut, err := f.Variant()
	if err != nil {
		return variant{}, err
	}
	if c.made == nil || len(c.made) >= maxVariants {
		c.made = map[variantKey]variant{}
	}
	c.made[key] = variant{cut, is}
	return c.made[key], nil
}

// now gives the issue as it is, the same one as before unless what a mail says of
// it has changed: an article may be withdrawn while its issue is being sent.
func (c *Composer) now(ctx context.Context, id int64) (*news.Issue, error) {
	if now := c.Now(); c.current == nil || now.Sub(c.looked).Abs() >= recent {
		changes, err := c.Changes(ctx)
		if err != nil {
			return nil, err
		}
		if changes != c.changes || c.current == nil || len(c.current) > maxVariants {
			c.before, c.current = c.current, map[int64]*news.Issue{}
		}
		c.looked, c.changes = now, changes
	}
	if is, ok := c.current[id]; ok {
		return is, nil
	}
	is, err := c.Issue(ctx, id)
	if err != nil {
		return nil, err
	}
	c.current[id] = &is
	if old, ok := c.before[id]; ok && old.Title == is.Title && old.LeftOut == is.LeftOut && reflect.DeepEqual(old.Items, is.Items) {
		c.current[id] = old
	}
	return c.current[id], nil
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
