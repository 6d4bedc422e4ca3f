package store

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"jianxun/internal/news"
)

// person is the n-th of many, who gets the weekly.
func person(n int) news.Subscriber {
	return news.Subscriber{Email: fmt.Sprintf("p%04d@example.org", n), Digests: []string{"weekly"}, Format: news.FormatHTML, Origin: news.FromFile}
}

func people(n int) []news.Subscriber {
	list := make([]news.Subscriber, n)
	for i := range list {
		list[i] = person(i)
	}
	return list
}

func (s fixture) put(t testing.TB, list ...news.Subscriber) {
	t.Helper()
	if err := s.ApplyRoster(t.Context(), list, nil); err != nil {
		t.Fatal(err)
	}
}

func (s fixture) decide(t testing.TB, email string, state news.SubscriberState) {
	t.Helper()
	if err := s.SetSubscriberState(t.Context(), news.SubscriberID(email), state); err != nil {
		t.Fatal(err)
	}
}

func (s fixture) person(t testing.TB, email string) news.Subscriber {
	t.Helper()
	sub, err := s.Subscriber(t.Context(), news.SubscriberID(email))
	if err != nil {
		t.Fatal(err)
	}
	return sub
}

func (s fixture) recipients(t testing.TB, digest string) int {
	t.Helper()
	n, err := s.Recipients(t.Context(), digest)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestASubscriberReadsAsPut(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		want := news.Subscriber{Email: "Ban.Gongshi@Example.org", Name: "办公室", Unit: "省院", Digests: []string{"daily", "weekly"}, Columns: []string{"要闻"},
			Keywords: []string{"公益", "未成年人"}, Format: news.FormatText, Until: today.AddDate(1, 0, 0).UTC(), Origin: news.FromImport}
		s.put(t, want)
		want.ID, want.State, want.Listed = news.SubscriberID("ban.gongshi@example.org"), news.Active, true
		if got := s.person(t, "ban.gongshi@example.org"); !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
		if all, err := s.Subscribers(t.Context()); err != nil || len(all) != 1 || !reflect.DeepEqual(all[0], want) {
			t.Errorf("the list is %+v, %v", all, err)
		}
		_, err := s.Subscriber(t.Context(), news.SubscriberID("nobody@example.org"))
		wantCode(t, err, news.NotFound)
		wantCode(t, s.SetSubscriberState(t.Context(), news.SubscriberID("nobody@example.org"), news.Bounced), news.NotFound)
	})
}

func TestPuttingAgainReplacesWhatTheListSays(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.put(t, person(1))
		again := person(1)
		again.Email, again.Name, again.Digests, again.Format = "P0001@EXAMPLE.ORG", "王五", []string{"daily"}, news.FormatText
		s.put(t, again)
		got := s.person(t, person(1).Email)
		if got.Email != again.Email || got.Name != "王五" || got.Format != news.FormatText || !slices.Equal(got.Digests, again.Digests) {
			t.Errorf("subscriber %+v", got)
		}
		if s.recipients(t, "weekly") != 0 || s.recipients(t, "daily") != 1 {
			t.Error("the old subscription is still there")
		}
	})
}

func TestWhoUnsubscribedStaysSo(t *testing.T) {
	for _, state := range []news.SubscriberState{news.Unsubscribed, news.Bounced, news.Pending} {
		t.Run(string(state), func(t *testing.T) {
			conform(t, func(t *testing.T, s fixture) {
				s.put(t, person(1), person(2))
				s.decide(t, person(1).Email, state)
				if err := s.ApplyRoster(t.Context(), nil, []news.Subscriber{s.person(t, person(1).Email)}); err != nil {
					t.Fatal(err)
				}
				s.put(t, person(1), person(2))
				if got := s.person(t, person(1).Email); got.State != state || !got.Listed {
					t.Errorf("subscriber %+v", got)
				}
				if n := s.recipients(t, "weekly"); n != 1 {
					t.Errorf("%d recipients, want 1", n)
				}
			})
		})
	}
}

func TestWhoIsTakenOffTheListGetsNothingAndIsRemembered(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.put(t, people(3)...)
		if err := s.ApplyRoster(t.Context(), []news.Subscriber{person(3)}, []news.Subscriber{s.person(t, person(1).Email)}); err != nil {
			t.Fatal(err)
		}
		if got := s.person(t, person(1).Email); got.Listed || got.State != news.Active {
			t.Errorf("subscriber %+v", got)
		}
		if all, err := s.Subscribers(t.Context()); err != nil || len(all) != 4 {
			t.Errorf("%d known, %v; want 4", len(all), err)
		}
		if n := s.recipients(t, "weekly"); n != 3 {
			t.Errorf("%d recipients, want 3", n)
		}
	})
}

func TestASubscriptionEndsWithItsLastDay(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		p := person(1)
		p.Until = today.AddDate(0, 0, 1)
		s.put(t, p)
		s.clock.set(p.Until.Add(-time.Millisecond))
		if n := s.recipients(t, "weekly"); n != 1 {
			t.Errorf("%d recipients on the last day, want 1", n)
		}
		s.clock.set(p.Until)
		if n := s.recipients(t, "weekly"); n != 0 {
			t.Errorf("%d recipients after it, want 0", n)
		}
	})
}

func TestARosterIsAppliedWholeOrNotAtAll(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.put(t, person(1))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.ApplyRoster(ctx, people(10), []news.Subscriber{s.person(t, person(1).Email)}); err == nil {
			t.Error("a cancelled roster was applied")
		}
		if all, err := s.Subscribers(t.Context()); err != nil || len(all) != 1 || !all[0].Listed {
			t.Errorf("the list is %+v, %v", all, err)
		}
	})
}
