package store

import (
	"context"
	"fmt"
	"reflect"
	"testing"
	"time"

	"jianxun/internal/news"
)

const lease = 30 * time.Second

// sending drafts an issue of the weekly and begins to send it to n people.
func (s fixture) sending(t testing.TB, n int) int64 {
	t.Helper()
	s.put(t, people(n)...)
	is := s.draft(t, draft("weekly", 2026))
	s.move(t, is.ID, news.Approved)
	if got, err := s.EnqueueIssue(t.Context(), is.ID); err != nil || got != n {
		t.Fatalf("enqueued %d, %v; want %d", got, err, n)
	}
	return is.ID
}

func (s fixture) claim(t testing.TB, token string, n int) []news.Delivery {
	t.Helper()
	list, err := s.ClaimDeliveries(t.Context(), holder(token), 0, n)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func holder(token string) news.Holder { return news.Holder{Token: token, Lease: lease} }

// BeginCommit records that the final dot of a mail is about to be sent.
func (s fixture) BeginCommit(ctx context.Context, d news.Delivery, token string) error {
	d.State = news.Committing
	return s.record(ctx, news.Step{Delivery: d}, token)
}

// SettleDelivery records how an attempt ended.
func (s fixture) SettleDelivery(ctx context.Context, d news.Delivery, token string, tried int) error {
	return s.record(ctx, news.Step{Delivery: d, Tried: tried}, token)
}

func (s fixture) record(ctx context.Context, step news.Step, token string) error {
	said, err := s.Record(ctx, holder(token), []news.Step{step})
	if err != nil {
		return err
	}
	return said[0]
}

// settle brings a delivery from leased to rest, or to being deferred.
func (s fixture) settle(t testing.TB, d news.Delivery, token string, state news.DeliveryState) {
	t.Helper()
	if err := s.BeginCommit(t.Context(), d, token); err != nil {
		t.Fatal(err)
	}
	d.State = state
	if err := s.SettleDelivery(t.Context(), d, token, 1); err != nil {
		t.Fatal(err)
	}
}

func (s fixture) wantTally(t testing.TB, id int64, want news.Tally) {
	t.Helper()
	if got, err := s.Tally(t.Context(), id); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("the ledger holds %v, %v; want %v", got, err, want)
	}
}

func (s fixture) wantState(t testing.TB, id int64, want news.IssueState) {
	t.Helper()
	if got := s.issue(t, id).State; got != want {
		t.Errorf("the issue is %s, want %s", got, want)
	}
}

func TestAnIssueIsEnqueuedOnceToThoseWhoMayGetIt(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		other, past, removed := person(2), person(3), person(4)
		other.Digests, past.Until = []string{"daily"}, monday
		s.put(t, person(0), person(1), other, past, removed, person(5), person(6), person(7))
		s.decide(t, person(5).Email, news.Unsubscribed)
		s.decide(t, person(6).Email, news.Bounced)
		s.decide(t, person(7).Email, news.Pending)
		if err := s.ApplyRoster(t.Context(), nil, []news.Subscriber{s.person(t, removed.Email)}); err != nil {
			t.Fatal(err)
		}
		is := s.draft(t, draft("weekly", 2026))
		_, err := s.EnqueueIssue(t.Context(), is.ID)
		wantCode(t, err, news.Conflict) // not approved
		s.wantTally(t, is.ID, news.Tally{})

		s.move(t, is.ID, news.Approved)
		if n, err := s.EnqueueIssue(t.Context(), is.ID); err != nil || n != 2 {
			t.Errorf("enqueued %d, %v; want 2", n, err)
		}
		s.wantState(t, is.ID, news.Sending)
		_, err = s.EnqueueIssue(t.Context(), is.ID)
		wantCode(t, err, news.Conflict)
		s.wantTally(t, is.ID, news.Tally{news.Queued: 2})
	})
}

func TestAnIssueForNobodyIsSentAtOnce(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		id := s.sending(t, 0)
		s.wantState(t, id, news.Sent)
		s.wantTally(t, id, news.Tally{})
	})
}

func TestADeliveryIsClaimedByOne(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		id := s.sending(t, 5)
		first, second := s.claim(t, "a", 3), s.claim(t, "b", 3)
		if len(first) != 3 || len(second) != 2 {
			t.Errorf("claimed %d and %d, want 3 and 2", len(first), len(second))
		}
		seen := map[string]bool{}
		for _, d := range append(first, second...) {
			if seen[d.Subscriber.Email] {
				t.Errorf("%s was claimed twice", d.Subscriber.Email)
			}
			seen[d.Subscriber.Email] = true
			if d.IssueID != id || d.Attempts != 0 || !d.FirstTried.IsZero() {
				t.Errorf("delivery %+v", d)
			}
		}
		if got := s.claim(t, "c", 10); len(got) != 0 {
			t.Errorf("%d were claimed although all are held", len(got))
		}
		s.wantTally(t, id, news.Tally{news.Leased: 5})
	})
}

func TestAClaimMayBeForOneIssue(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		first := s.sending(t, 2)
		second := s.sending(t, 2)
		list, err := s.ClaimDeliveries(t.Context(), holder("a"), second, 10)
		if err != nil || len(list) != 2 {
			t.Fatalf("claimed %d, %v; want 2", len(list), err)
		}
		s.wantTally(t, first, news.Tally{news.Queued: 2})
		s.wantTally(t, second, news.Tally{news.Leased: 2})
	})
}

func TestALeaseThatRanOutIsFreeAgain(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		id := s.sending(t, 1)
		d := s.claim(t, "dead", 1)[0]
		s.clock.pass(lease - time.Millisecond)
		if got := s.claim(t, "heir", 1); len(got) != 0 {
			t.Error("a lease was taken over before its end")
		}
		s.clock.pass(time.Millisecond)
		if got := s.claim(t, "heir", 1); len(got) != 1 || got[0].Subscriber.ID != d.Subscriber.ID {
			t.Fatalf("the heir claimed %+v", got)
		}
		// The first holder was only slow. It must not send now.
		wantCode(t, s.BeginCommit(t.Context(), d, "dead"), news.Conflict)
		d.State = news.Delivered
		wantCode(t, s.SettleDelivery(t.Context(), d, "dead", 1), news.Conflict)
		wantCode(t, s.BeginCommit(t.Context(), d, "heir"), "")
		s.wantTally(t, id, news.Tally{news.Committing: 1})
	})
}

// The record of committing is the last moment to find out that it is too late.
func TestNobodyCommitsAfterTheLease(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		id := s.sending(t, 1)
		d := s.claim(t, "slow", 1)[0]
		s.clock.pass(lease)
		wantCode(t, s.BeginCommit(t.Context(), d, "slow"), news.Conflict)
		s.wantTally(t, id, news.Tally{news.Leased: 1})
	})
}

func TestWhatDiedWhileCommittingIsUncertain(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		id := s.sending(t, 2)
		list := s.claim(t, "dead", 2)
		s.settle(t, list[0], "dead", news.Delivered)
		wantCode(t, s.BeginCommit(t.Context(), list[1], "dead"), "")
		s.clock.pass(lease)
		if got := s.claim(t, "heir", 10); len(got) != 0 {
			t.Errorf("what may have been sent was claimed again: %+v", got)
		}
		s.wantTally(t, id, news.Tally{news.Delivered: 1, news.Uncertain: 1})
		s.wantState(t, id, news.Sent)
		if rows, err := s.Deliveries(t.Context(), id, news.Uncertain, 10); err != nil || len(rows) != 1 || rows[0].Reply == "" {
			t.Errorf("uncertain rows %+v, %v", rows, err)
		}
		// Should the holder be alive after all, it alone may tell how it ended.
		list[1].State = news.Delivered
		wantCode(t, s.SettleDelivery(t.Context(), list[1], "heir", 1), news.Conflict)
		wantCode(t, s.SettleDelivery(t.Context(), list[1], "dead", 1), "")
		s.wantTally(t, id, news.Tally{news.Delivered: 2})
	})
}

func TestOnlyTheHolderOfTheLeaseMaySettle(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		id := s.sending(t, 1)
		d := s.claim(t, "holder", 1)[0]
		for _, token := range []string{"other", ""} {
			wantCode(t, s.BeginCommit(t.Context(), d, token), news.Conflict)
			d.State = news.Failed
			wantCode(t, s.SettleDelivery(t.Context(), d, token, 1), news.Conflict)
		}
		s.settle(t, d, "holder", news.Delivered)
		d.State = news.Failed
		wantCode(t, s.SettleDelivery(t.Context(), d, "holder", 1), news.Conflict) // it is settled
		wantCode(t, s.BeginCommit(t.Context(), d, "holder"), news.Conflict)
		s.wantTally(t, id, news.Tally{news.Delivered: 1})
	})
}

func TestLeasesAreExtendedWhileTheirHolderLives(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.sending(t, 3)
		list := s.claim(t, "alive", 3)
		wantCode(t, s.BeginCommit(t.Context(), list[0], "alive"), "")
		for range 5 {
			s.clock.pass(lease / 2)
			wantCode(t, s.ExtendLeases(t.Context(), holder("alive")), "")
			if got := s.claim(t, "heir", 10); len(got) != 0 {
				t.Fatalf("%d were taken from a living holder", len(got))
			}
		}
		s.settle(t, list[1], "alive", news.Delivered)
		s.clock.pass(lease)
		wantCode(t, s.ExtendLeases(t.Context(), holder("alive")), "") // too late
		wantCode(t, s.BeginCommit(t.Context(), list[2], "alive"), news.Conflict)
		if got := s.claim(t, "heir", 10); len(got) != 1 {
			t.Errorf("the heir claimed %d, want 1", len(got))
		}
	})
}

func TestReleasedLeasesAreClaimedAtOnce(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		id := s.sending(t, 3)
		list := s.claim(t, "a", 2)
		s.claim(t, "b", 1)
		wantCode(t, s.BeginCommit(t.Context(), list[0], "a"), "")
		wantCode(t, s.ReleaseLeases(t.Context(), holder("a")), "")
		s.wantTally(t, id, news.Tally{news.Committing: 1, news.Queued: 1, news.Leased: 1})
		if got := s.claim(t, "c", 10); len(got) != 1 || got[0].Subscriber.ID != list[1].Subscriber.ID {
			t.Errorf("claimed %+v", got)
		}
		wantCode(t, s.BeginCommit(t.Context(), list[1], "a"), news.Conflict)
	})
}

func TestADeferredDeliveryWaitsAndKeepsCount(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		id := s.sending(t, 1)
		first := s.clock.now()
		for attempt := range 3 {
			list := s.claim(t, "a", 1)
			if len(list) != 1 || list[0].Attempts != attempt {
				t.Fatalf("attempt %d claims %+v", attempt, list)
			}
			d := list[0]
			if attempt > 0 && !d.FirstTried.Equal(first) {
				t.Errorf("first tried %v, want %v", d.FirstTried, first)
			}
			d.State, d.Next, d.Reply = news.Deferred, s.clock.now().Add(time.Minute), "451 请稍后再试"
			wantCode(t, s.SettleDelivery(t.Context(), d, "a", 1), "")
			s.clock.pass(time.Minute - time.Millisecond)
			if got := s.claim(t, "a", 1); len(got) != 0 {
				t.Error("it was claimed before its time")
			}
			s.clock.pass(time.Millisecond)
		}
		rows, err := s.Deliveries(t.Context(), id, news.Deferred, 10)
		if err != nil || len(rows) != 1 || rows[0].Attempts != 3 || rows[0].Reply != "451 请稍后再试" || !rows[0].Next.Equal(s.clock.now()) {
			t.Errorf("deferred rows %+v, %v", rows, err)
		}
		s.wantState(t, id, news.Sending)
	})
}

func TestWhoLeftMeanwhileIsSuppressedAtTheClaim(t *testing.T) {
	leave := map[string]func(t *testing.T, s fixture){
		"unsubscribed": func(t *testing.T, s fixture) { s.decide(t, person(0).Email, news.Unsubscribed) },
		"bounced":      func(t *testing.T, s fixture) { s.decide(t, person(0).Email, news.Bounced) },
		"off the list": func(t *testing.T, s fixture) {
			wantCode(t, s.ApplyRoster(t.Context(), nil, []news.Subscriber{s.person(t, person(0).Email)}), "")
		},
		"expired": func(t *testing.T, s fixture) {
			p := person(0)
			p.Until = monday
			s.put(t, p)
		},
	}
	for name, leaves := range leave {
		t.Run(name, func(t *testing.T) {
			conform(t, func(t *testing.T, s fixture) {
				id := s.sending(t, 2)
				leaves(t, s)
				list := s.claim(t, "a", 10)
				if len(list) != 1 || list[0].Subscriber.Email != person(1).Email {
					t.Fatalf("claimed %+v", list)
				}
				s.wantTally(t, id, news.Tally{news.Suppressed: 1, news.Leased: 1})
			})
		})
	}
}

// A claim of nothing says that nothing is due: a whole batch of people who left
// must not look like that.
func TestAClaimLooksPastThoseWhoLeft(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		id := s.sending(t, 10)
		for n := range 8 {
			s.decide(t, person(n).Email, news.Unsubscribed)
		}
		left := 0
		for list := s.claim(t, "a", 3); len(list) > 0; list = s.claim(t, "a", 3) {
			left += len(list)
			for _, d := range list {
				s.settle(t, d, "a", news.Delivered)
			}
		}
		if left != 2 {
			t.Errorf("%d were claimed before a claim of nothing, want 2", left)
		}
		s.wantTally(t, id, news.Tally{news.Suppressed: 8, news.Delivered: 2})
		s.wantState(t, id, news.Sent)
	})
}

func TestAnIssueIsSentWhenItsLastRowRests(t *testing.T) {
	rests := []news.DeliveryState{news.Delivered, news.Failed, news.Uncertain, news.Suppressed}
	for _, last := range rests {
		t.Run(string(last), func(t *testing.T) {
			conform(t, func(t *testing.T, s fixture) {
				id := s.sending(t, len(rests))
				list := s.claim(t, "a", 10)
				for i, state := range rests[1:] {
					s.settle(t, list[i+1], "a", state)
				}
				d := list[0]
				d.State, d.Next = news.Deferred, s.clock.now()
				wantCode(t, s.SettleDelivery(t.Context(), d, "a", 1), "")
				s.wantState(t, id, news.Sending)
				s.settle(t, s.claim(t, "a", 10)[0], "a", last)
				s.wantState(t, id, news.Sent)
			})
		})
	}
}

func TestAnIssueOfPeopleWhoAllLeftIsSent(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		id := s.sending(t, 3)
		for n := range 3 {
			s.decide(t, person(n).Email, news.Unsubscribed)
		}
		if got := s.claim(t, "a", 10); len(got) != 0 {
			t.Errorf("claimed %+v", got)
		}
		s.wantState(t, id, news.Sent)
	})
}

func TestDeliveriesAreListedByAddress(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		id := s.sending(t, 4)
		for _, d := range s.claim(t, "a", 3) {
			d.Reply = "550 " + d.Subscriber.Email
			d.State = news.Failed
			wantCode(t, s.SettleDelivery(t.Context(), d, "a", 1), "")
		}
		rows, err := s.Deliveries(t.Context(), id, news.Failed, 2)
		if err != nil || len(rows) != 2 {
			t.Fatalf("%d rows, %v; want 2", len(rows), err)
		}
		for i, r := range rows {
			if want := fmt.Sprintf("550 %s", r.Subscriber.Email); r.Reply != want || r.State != news.Failed || r.IssueID != id || i > 0 && r.Subscriber.Email <= rows[i-1].Subscriber.Email {
				t.Errorf("row %d is %+v", i, r)
			}
		}
	})
}
