package news

import (
	"slices"
	"time"
)

// Preferences are what a person chose on their own page. They win over what
// the lists say of the same person.
type Preferences struct {
	Declined []string // digests that are not wanted, whatever a list says
	Columns  []string // empty: all
	Format   MailFormat
	Changed  time.Time
}

// Effective is the subscriber as mail is made for them: what their list says,
// with their own choice in its place.
func (s Subscriber) Effective() Subscriber {
	if s.Chosen == nil {
		return s
	}
	declined := func(d string) bool { return slices.Contains(s.Chosen.Declined, d) }
	s.Digests = slices.DeleteFunc(slices.Clone(s.Digests), declined)
	s.Columns, s.Format = s.Chosen.Columns, s.Chosen.Format
	return s
}

// ChoseOtherwise tells whether a person gets something else than their list says,
// because they chose so.
func (s Subscriber) ChoseOtherwise() bool {
	e := s.Effective()
	return e.Format != s.Format || len(e.Digests) != len(s.Digests) || !slices.Equal(e.Columns, s.Columns)
}

// SignUp is a request to be subscribed that the owner of the address has yet to
// confirm. Nothing of it counts before that.
type SignUp struct {
	Email, Name string
	Digests     []string
	Asked       time.Time
	Confirmed   time.Time // zero: not yet
}

// Subscriber is who would be subscribed.
func (u SignUp) Subscriber() Subscriber {
	return Subscriber{ID: SubscriberID(u.Email), Email: u.Email, Name: u.Name, Digests: u.Digests, Format: FormatHTML, State: Pending, Origin: FromSelf}
}
