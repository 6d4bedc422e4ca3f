// Package roster reads lists of subscribers and tells the change between the
// list that is wanted and the people who are known.
//
// It promises that no row is taken halfway: a list with a fault is refused
// whole, with every fault named by row. It never decides who may be written to:
// people who unsubscribed stay so, whatever a list says.
package roster

import (
	"slices"

	"jianxun/internal/news"
)

// Changes turn the people known into the people wanted.
type Changes struct {
	Add    []news.Subscriber
	Update []news.Subscriber
	Remove []news.Subscriber // off the list; their rows stay
	Same   int
	// Closed are on the list but will get nothing: they unsubscribed or bounced.
	Closed []news.Subscriber
}

// Put is everybody to be written.
func (c Changes) Put() []news.Subscriber { return slices.Concat(c.Add, c.Update) }

// Empty tells whether nothing changes.
func (c Changes) Empty() bool { return len(c.Add)+len(c.Update)+len(c.Remove) == 0 }

// Reconcile compares. Wanted is the whole list of the origin given: people of
// that origin who are not on it are removed, unless keep is set.
func Reconcile(known, wanted []news.Subscriber, origin news.ListOrigin, keep bool) Changes {
	var c Changes
	byID := make(map[string]news.Subscriber, len(known))
	for _, k := range known {
		byID[k.ID] = k
	}
	on := make(map[string]bool, len(wanted))
	for _, w := range wanted {
		w.ID, w.Origin = news.SubscriberID(w.Email), origin
		on[w.ID] = true
		k, ok := byID[w.ID]
		switch {
		case !ok:
			c.Add = append(c.Add, w)
		case k.Listed && k.Origin == origin && same(k, w):
			c.Same++
		default:
			c.Update = append(c.Update, w)
		}
		if ok && (k.State == news.Unsubscribed || k.State == news.Bounced) {
			c.Closed = append(c.Closed, k)
		}
	}
	for _, k := range known {
		if !keep && k.Listed && k.Origin == origin && !on[k.ID] {
			c.Remove = append(c.Remove, k)
		}
	}
	return c
}

// same tells whether a list has nothing new to say about a person.
func same(a, b news.Subscriber) bool {
	set := func(s []string) []string {
		s = slices.Clone(s)
		slices.Sort(s)
		return slices.Compact(s)
	}
	return a.Email == b.Email && a.Name == b.Name && a.Unit == b.Unit && a.Format == b.Format && a.Until.Equal(b.Until) &&
		slices.Equal(set(a.Digests), set(b.Digests)) && slices.Equal(a.Columns, b.Columns) && slices.Equal(a.Keywords, b.Keywords)
}
