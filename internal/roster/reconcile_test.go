package roster

import (
	"slices"
	"testing"
	"time"

	"jianxun/internal/news"
)

// person is as the store knows somebody of the file.
func person(email string, change ...func(*news.Subscriber)) news.Subscriber {
	s := news.Subscriber{ID: news.SubscriberID(email), Email: email, Digests: []string{"weekly"}, Format: news.FormatHTML,
		State: news.Active, Listed: true, Origin: news.FromFile}
	for _, c := range change {
		c(&s)
	}
	return s
}

// row is the same as it comes from a list: without identity or state.
func row(email string, change ...func(*news.Subscriber)) news.Subscriber {
	s := person(email, change...)
	return news.Subscriber{Email: s.Email, Name: s.Name, Unit: s.Unit, Digests: s.Digests, Columns: s.Columns, Keywords: s.Keywords, Format: s.Format, Until: s.Until}
}

func state(st news.SubscriberState) func(*news.Subscriber) {
	return func(s *news.Subscriber) { s.State = st }
}

func name(n string) func(*news.Subscriber) { return func(s *news.Subscriber) { s.Name = n } }

func origin(o news.ListOrigin) func(*news.Subscriber) {
	return func(s *news.Subscriber) { s.Origin = o }
}

func chosen(s *news.Subscriber) {
	s.Chosen = &news.Preferences{Declined: []string{"weekly"}, Columns: []string{"检务公开"}, Format: news.FormatText}
}

func unlisted(s *news.Subscriber) { s.Listed = false }

func TestReconcile(t *testing.T) {
	for what, tc := range map[string]struct {
		known, wanted               []news.Subscriber
		keep                        bool
		add, update, remove, closed []string
		same                        int
	}{
		"a new person":                      {wanted: []news.Subscriber{row("a@x.example")}, add: []string{"a@x.example"}},
		"nothing new":                       {known: []news.Subscriber{person("a@x.example")}, wanted: []news.Subscriber{row("a@x.example")}, same: 1},
		"another name":                      {known: []news.Subscriber{person("a@x.example")}, wanted: []news.Subscriber{row("a@x.example", name("甲"))}, update: []string{"a@x.example"}},
		"an address in other letters":       {known: []news.Subscriber{person("a@x.example")}, wanted: []news.Subscriber{row("A@X.example")}, update: []string{"A@X.example"}},
		"gone from the list":                {known: []news.Subscriber{person("a@x.example"), person("b@x.example")}, wanted: []news.Subscriber{row("b@x.example")}, remove: []string{"a@x.example"}, same: 1},
		"gone, but kept":                    {known: []news.Subscriber{person("a@x.example")}, keep: true},
		"gone before":                       {known: []news.Subscriber{person("a@x.example", unlisted)}},
		"back again":                        {known: []news.Subscriber{person("a@x.example", unlisted)}, wanted: []news.Subscriber{row("a@x.example")}, update: []string{"a@x.example"}},
		"of another list":                   {known: []news.Subscriber{person("a@x.example", origin(news.FromImport))}},
		"of no list":                        {known: []news.Subscriber{person("a@x.example", origin(news.FromSelf))}},
		"a choice is no difference":         {known: []news.Subscriber{person("a@x.example", chosen)}, wanted: []news.Subscriber{row("a@x.example")}, same: 1},
		"taken over from another list":      {known: []news.Subscriber{person("a@x.example", origin(news.FromImport))}, wanted: []news.Subscriber{row("a@x.example")}, update: []string{"a@x.example"}},
		"unsubscribed people are named":     {known: []news.Subscriber{person("a@x.example", state(news.Unsubscribed))}, wanted: []news.Subscriber{row("a@x.example")}, same: 1, closed: []string{"a@x.example"}},
		"bounced people are named":          {known: []news.Subscriber{person("a@x.example", state(news.Bounced))}, wanted: []news.Subscriber{row("a@x.example", name("甲"))}, update: []string{"a@x.example"}, closed: []string{"a@x.example"}},
		"unsubscribed and off the list":     {known: []news.Subscriber{person("a@x.example", state(news.Unsubscribed))}, remove: []string{"a@x.example"}},
		"digests in another order or twice": {known: []news.Subscriber{person("a@x.example", digests("weekly", "monthly"))}, wanted: []news.Subscriber{row("a@x.example", digests("monthly", "weekly", "weekly"))}, same: 1},
		"another end":                       {known: []news.Subscriber{person("a@x.example")}, wanted: []news.Subscriber{row("a@x.example", func(s *news.Subscriber) { s.Until = time.Unix(0, 0) })}, update: []string{"a@x.example"}},
	} {
		t.Run(what, func(t *testing.T) {
			c := Reconcile(tc.known, tc.wanted, news.FromFile, tc.keep)
			for part, lists := range map[string][2][]string{"add": {emails(c.Add), tc.add}, "update": {emails(c.Update), tc.update}, "remove": {emails(c.Remove), tc.remove}, "closed": {emails(c.Closed), tc.closed}} {
				if !slices.Equal(lists[0], lists[1]) {
					t.Errorf("%s: got %v, want %v", part, lists[0], lists[1])
				}
			}
			if c.Same != tc.same {
				t.Errorf("same: got %d, want %d", c.Same, tc.same)
			}
			for _, p := range c.Put() {
				if p.ID != news.SubscriberID(p.Email) || p.Origin != news.FromFile {
					t.Errorf("put %+v", p)
				}
			}
			if c.Empty() != (len(tc.add)+len(tc.update)+len(tc.remove) == 0) {
				t.Errorf("empty: %t", c.Empty())
			}
		})
	}
}

func digests(slugs ...string) func(*news.Subscriber) {
	return func(s *news.Subscriber) { s.Digests = slugs }
}

func emails(people []news.Subscriber) []string {
	var all []string
	for _, p := range people {
		all = append(all, p.Email)
	}
	return all
}
