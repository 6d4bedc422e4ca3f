package app

import (
	"testing"
	"time"

	"jianxun/internal/news"
)

// A list that was applied is compared again only when it, or what it made, has
// changed.
func TestTheListIsAppliedAgainWhenSomethingChanged(t *testing.T) {
	now := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	a := office(t, &now)
	ctx, wanted := t.Context(), a.Config().Subscribers
	listed := func(want int) {
		t.Helper()
		if n, err := a.store.Recipients(ctx, "weekly"); err != nil || n != want {
			t.Errorf("%d recipients, %v; want %d", n, err, want)
		}
	}
	apply := func(list []news.Subscriber) {
		t.Helper()
		if err := a.applyRoster(ctx, list); err != nil {
			t.Fatal(err)
		}
	}
	listed(1)
	more := append(append([]news.Subscriber{}, wanted...), wanted[0])
	more[1].Email = "b@example.org"
	apply(more)
	listed(2)
	apply(wanted)
	listed(1)

	// Somebody took a person of the file off the list by another way.
	person, err := a.store.Subscriber(ctx, news.SubscriberID(wanted[0].Email))
	if err == nil {
		err = a.store.ApplyRoster(ctx, nil, []news.Subscriber{person})
	}
	if err != nil {
		t.Fatal(err)
	}
	listed(0)
	apply(wanted)
	listed(1)
	apply(nil)
	listed(0)
	apply(nil)
	apply(wanted)
	listed(1)
}
