package templates

import (
	"html/template"
	"strconv"
	"time"

	"jianxun/internal/han"
)

// Page is what every page for people has. Paths begin with Base, the path of
// the site's address.
type Page struct {
	Printer
	Base, Site, Title, Canonical string
	Style                        string // version of the style sheet
	Feeds                        []FeedLink
	Digests                      []DigestLink
	Mailbox                      bool // captured mail can be looked at
	Subscribe                    bool // people may subscribe themselves
}

// FeedLink is a feed as pages name it.
type FeedLink struct {
	Title, Path string
	Documents   []DocumentLink
}

// DocumentLink is one format of a feed.
type DocumentLink struct{ Name, Type, Path, URL string }

// DigestLink is a digest as pages name it.
type DigestLink struct{ Slug, Title string }

// Entry is an article in a list.
type Entry struct{ Title, Path, Column, When, Machine string }

// HomePage is /.
type HomePage struct {
	Page
	Newest  []Entry
	Columns []string
}

// FeedPage is /feeds/{feed}.
type FeedPage struct {
	Page
	Feed   FeedLink
	Newest []Entry
	Others []FeedLink
}

// SearchPage is /search.
type SearchPage struct {
	Page
	Query   string
	Message string // why nothing could be looked for
	Feed    FeedLink
	Found   []Entry
	Full    bool // there may be more
}

// ArticlePage is /articles/{id}. Body is HTML that ingest has made safe.
type ArticlePage struct {
	Page
	Column, When, Machine, Origin, Author, Original string
	Body                                            template.HTML
}

// IssuesPage is /issues/{digest}.
type IssuesPage struct {
	Page
	Issues []IssueLink
}

// IssueLink is an issue in a list.
type IssueLink struct {
	Label, Path, Period string
	Count               int
}

// IssuePage is /issues/{digest}/{number}.
type IssuePage struct {
	Page
	Issue Issue
}

// Issue is an issue as people read it, on the web and in the mail.
type Issue struct {
	Title, Label, Period string
	Total, LeftOut       int
	Sections             []Section
}

// Section is the items of an issue under one heading.
type Section struct {
	Name  string
	Items []Item
}

// Item is one piece of news of an issue. Number counts over all sections;
// Words are the reader's keywords that it holds.
type Item struct {
	Number                                         int
	Title, Lead, URL, When, Machine, Origin, Words string
}

// IssueMail is an issue as mail. NameSlot and LeaveSlot are put in the place of
// the recipient's name and link, which differ from mail to mail.
type IssueMail struct {
	Printer
	Issue
	Preheader, WebURL, MoreURL, NameSlot, LeaveSlot string
}

// LeavePage is /u/{token}: what a person gets, and may choose.
type LeavePage struct {
	Page
	Email   string
	State   string // of the subscriber
	Listed  bool
	Saved   bool
	Offered []Option // digests
	Columns []Option
	Text    bool // mail as plain text
}

// Option is something to be ticked.
type Option struct {
	Value, Label string
	Chosen       bool
}

// SubscribePage is /subscribe.
type SubscribePage struct {
	Page
	Message     string // why it was not taken
	Taken       bool
	Email, Name string
	Offered     []Option // digests
}

// ConfirmPage is /confirm/{token}.
type ConfirmPage struct {
	Page
	Email  string
	Asked  []string // titles of digests
	State  string   // of the subscriber, once confirmed
	Choose string   // where the person chooses, once confirmed
}

// MailboxPage is /mail.
type MailboxPage struct {
	Page
	Folder string
	Mails  []CapturedMail
}

// CapturedMail is a mail in the list.
type CapturedMail struct{ Subject, To, Path, When, Machine string }

// MailPage is /mail/{name}.
type MailPage struct {
	Page
	Headers         []Header
	Raw, HTML, Text string
}

// Header is a header field of a mail, decoded.
type Header struct{ Name, Value string }

// ErrorPage is shown when a page cannot be.
type ErrorPage struct {
	Page
	Message string
}

// When says a time for people: the day alone when only that is known.
func (p Printer) When(t time.Time, dateOnly bool) string {
	day := p.Day(t)
	if dateOnly {
		return day
	}
	return day + " " + t.Format("15:04")
}

// Day says a day: 2026年11月2日, 2 November 2026.
func (p Printer) Day(t time.Time) string {
	if p.lang == English {
		return t.Format("2 January 2006")
	}
	return strconv.Itoa(t.Year()) + "年" + strconv.Itoa(int(t.Month())) + "月" + strconv.Itoa(t.Day()) + "日"
}

// Machine is the time for a datetime attribute.
func Machine(t time.Time, dateOnly bool) string {
	if dateOnly {
		return t.Format(time.DateOnly)
	}
	return t.Format(time.RFC3339)
}

// Display mends the punctuation of text for people; stored text stays as it came.
func Display(text string) string { return han.Punctuate(text) }

// DisplayHTML does the same for clean HTML.
func DisplayHTML(html string) template.HTML {
	return template.HTML(han.PunctuateHTML(html)) //nolint:gosec // ingest has made the body safe
}
