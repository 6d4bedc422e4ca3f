package news

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// WhenEmpty is what a digest does when its window holds nothing.
type WhenEmpty string

// SkipEmpty sends nothing; the window stays open for the next issue.
const SkipEmpty WhenEmpty = "skip"

// Digest is the standing definition of a periodical.
type Digest struct {
	Slug, Title string
	Schedule    string // cron line
	Zone        *time.Location
	Columns     []string // empty: all; otherwise also the order of sections
	Items       int
	WhenEmpty   WhenEmpty
	Start       time.Time     // the first issue's window opens here; zero: open
	MaxAge      time.Duration // the first issue takes nothing published earlier than this; 0: anything
	Approvals   int
}

// IssueState is where an issue stands on its way out.
type IssueState string

// The states of an issue.
const (
	Draft     IssueState = "draft"
	InReview  IssueState = "review"
	Approved  IssueState = "approved"
	Sending   IssueState = "sending"
	Sent      IssueState = "sent"
	Cancelled IssueState = "cancelled"
)

// CanBecome tells whether the step from s to next is legal.
func (s IssueState) CanBecome(next IssueState) bool {
	steps := map[IssueState][]IssueState{
		Draft:    {InReview, Approved, Cancelled},
		InReview: {Draft, Approved, Cancelled},
		Approved: {Draft, Sending, Cancelled},
		Sending:  {Sent},
	}
	return slices.Contains(steps[s], next)
}

// Editable tells whether the issue has not begun to leave.
func (s IssueState) Editable() bool { return s == Draft || s == InReview || s == Approved }

// Issue is one dated number of a digest. Its window is (WindowFrom, WindowTo]
// over the time an article became available; a zero WindowFrom is open.
type Issue struct {
	ID         int64
	Digest     string
	Title      string // of the digest, when it was drafted
	Year       int
	Number     int // within Year, from 1
	Total      int // within the digest's whole life, from 1
	State      IssueState
	WindowFrom time.Time
	WindowTo   time.Time
	LeftOut    int // articles of the window that were not chosen
	Count      int // of items
	Items      []Item
	Seen       int64 // the next change of the store after its items were chosen; 0 when nobody chose
}

// Label is how people call the issue: 2026年第47期.
func (i Issue) Label() string { return fmt.Sprintf("%d年第%d期", i.Year, i.Number) }

// Ref is how commands and addresses call the issue, without the digest: 2026-47.
func (i Issue) Ref() string { return fmt.Sprintf("%d-%d", i.Year, i.Number) }

// Years and numbers of issues go no further: stores keep them in 4 octets.
const (
	lastYear   = 9999
	lastNumber = 1_000_000
)

// ParseRef reads what Ref writes, and a number alone, for which year is 0.
func ParseRef(s string) (year, number int, err error) {
	y, n, dated := strings.Cut(s, "-")
	if !dated {
		y, n = "0", s
	}
	if year, err = strconv.Atoi(y); err == nil {
		number, err = strconv.Atoi(n)
	}
	if err != nil || number < 1 || number > lastNumber || year < 0 || year > lastYear {
		return 0, 0, Errorf(Invalid, "%q is not the number of an issue, such as 2026-47 or 47", s)
	}
	return year, number, nil
}

// Item is an article's place in an issue. Title, Column and Lead are as they
// were when the issue was drafted; what follows Score is read from the article.
type Item struct {
	ArticleID string
	Title     string
	Column    string
	Lead      string
	Score     float64
	URL       string
	Origin    string
	Published time.Time
	DateOnly  bool
	State     ArticleState
}

// LiveItems are the items whose article has not been withdrawn.
func (i Issue) LiveItems() []Item {
	return slices.DeleteFunc(slices.Clone(i.Items), func(it Item) bool { return it.State == Withdrawn })
}
