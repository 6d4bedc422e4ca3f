package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"jianxun/internal/news"
)

// doubtful is an issue to n people whose mails are all uncertain: their sender
// died after the final dot.
func (s fixture) doubtful(t testing.TB, n int) (int64, []news.Delivery) {
	t.Helper()
	id := s.sending(t, n)
	rows := s.claim(t, "dead", n)
	for _, d := range rows {
		wantCode(t, s.BeginCommit(t.Context(), d, "dead"), "")
	}
	s.clock.pass(lease)
	if got := s.claim(t, "heir", n); len(got) != 0 {
		t.Fatalf("claimed %+v", got)
	}
	s.wantTally(t, id, news.Tally{news.Uncertain: n})
	s.wantState(t, id, news.Sent)
	return id, rows
}

func TestUncertainMailsAreSettledByWhoKnows(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		id, _ := s.doubtful(t, 4)
		v := Settling{Sent: []string{person(0).Email, strings.ToUpper(person(1).Email)}, Resend: []string{person(2).Email, person(2).Email}}
		wantCode(t, s.SettleUncertain(t.Context(), id, v), "")
		s.wantTally(t, id, news.Tally{news.Delivered: 2, news.Queued: 1, news.Uncertain: 1})
		s.wantState(t, id, news.Sending)
		list := s.claim(t, "b", 10)
		if len(list) != 1 || list[0].Subscriber.Email != person(2).Email || list[0].Attempts != 0 || !list[0].FirstTried.IsZero() {
			t.Fatalf("claimed %+v", list)
		}
		s.settle(t, list[0], "b", news.Delivered)
		s.wantState(t, id, news.Sent)
		s.wantTally(t, id, news.Tally{news.Delivered: 3, news.Uncertain: 1})
	})
}

func TestSettlingIsAllOrNothing(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		id, _ := s.doubtful(t, 3)
		other := s.sending(t, 3) // whose rows are queued
		for name, v := range map[string]Settling{
			"unknown":      {Sent: []string{person(0).Email, "nobody@example.org"}},
			"to be resent": {Sent: []string{person(0).Email}, Resend: []string{person(1).Email, "nobody@example.org"}},
		} {
			err := s.SettleUncertain(t.Context(), id, v)
			if wantCode(t, err, news.Conflict); err == nil || !strings.Contains(err.Error(), "nobody@example.org") || strings.Contains(err.Error(), person(0).Email) {
				t.Errorf("%s: %v", name, err)
			}
			s.wantTally(t, id, news.Tally{news.Uncertain: 3})
			s.wantState(t, id, news.Sent)
		}
		err := s.SettleUncertain(t.Context(), other, Settling{Resend: []string{person(1).Email}})
		if wantCode(t, err, news.Conflict); err == nil || !strings.Contains(err.Error(), person(1).Email) {
			t.Errorf("of another issue: %v", err)
		}
		wantCode(t, s.SettleUncertain(t.Context(), id, Settling{Sent: []string{person(0).Email}}), "")
		wantCode(t, s.SettleUncertain(t.Context(), id, Settling{Resend: []string{person(0).Email}}), news.Conflict) // it is sent
	})
}

// What a relay refused for good is sent again when somebody says so, and is never
// said to have been delivered.
func TestWhatFailedIsSentAgain(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		id := s.sending(t, 2)
		for _, d := range s.claim(t, "a", 2) {
			s.settle(t, d, "a", news.Failed)
		}
		s.wantState(t, id, news.Sent)
		wantCode(t, s.SettleUncertain(t.Context(), id, Settling{Sent: []string{person(0).Email}}), news.Conflict)
		wantCode(t, s.SettleUncertain(t.Context(), id, Settling{Resend: []string{person(0).Email}}), "")
		s.wantState(t, id, news.Sending)
		s.wantTally(t, id, news.Tally{news.Failed: 1, news.Queued: 1})
		again := s.claim(t, "a", 2)
		if len(again) != 1 || again[0].Attempts != 0 || !again[0].FirstTried.IsZero() {
			t.Fatalf("%+v", again)
		}
		s.settle(t, again[0], "a", news.Delivered)
		s.wantState(t, id, news.Sent)
	})
}

func TestManyStrangersAreCounted(t *testing.T) {
	s := onSQLite(t)
	id, _ := s.doubtful(t, 1)
	var strangers []string
	for i := range 250 {
		strangers = append(strangers, fmt.Sprintf("nobody%d@example.org", i))
	}
	err := s.SettleUncertain(t.Context(), id, Settling{Sent: strangers})
	if wantCode(t, err, news.Conflict); err == nil || !strings.Contains(err.Error(), "nobody19@example.org (+230)") {
		t.Errorf("%v", err)
	}
}

// The sender was thought dead and is not: what it says after somebody settled
// the mail must change nothing.
func TestWhoSentHasNoSayAfterSettling(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		id, rows := s.doubtful(t, 3)
		rows[0].State, rows[1].State, rows[2].State = news.Failed, news.Delivered, news.Delivered
		wantCode(t, s.SettleUncertain(t.Context(), id, Settling{Sent: []string{rows[0].Subscriber.Email}, Resend: []string{rows[1].Subscriber.Email}}), "")
		wantCode(t, s.SettleDelivery(t.Context(), rows[0], "dead", 1), news.Conflict)
		wantCode(t, s.SettleDelivery(t.Context(), rows[1], "dead", 1), news.Conflict)
		wantCode(t, s.BeginCommit(t.Context(), rows[1], "dead"), news.Conflict)
		for _, d := range rows[:2] {
			wantCode(t, s.SettleDelivery(t.Context(), d, "", 1), news.Conflict)
		}
		s.wantTally(t, id, news.Tally{news.Delivered: 1, news.Queued: 1, news.Uncertain: 1})
		// Of the one that nobody settled it may still tell.
		wantCode(t, s.SettleDelivery(t.Context(), rows[2], "dead", 1), "")
		wantCode(t, s.SettleUncertain(t.Context(), id, Settling{Resend: []string{rows[2].Subscriber.Email}}), news.Conflict)
		s.wantTally(t, id, news.Tally{news.Delivered: 2, news.Queued: 1})
	})
}

func TestWhoLeftGetsNothingBySettling(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		id, _ := s.doubtful(t, 2)
		s.decide(t, person(0).Email, news.Unsubscribed)
		wantCode(t, s.SettleUncertain(t.Context(), id, Settling{Resend: []string{person(0).Email, person(1).Email}}), "")
		if list := s.claim(t, "b", 10); len(list) != 1 || list[0].Subscriber.Email != person(1).Email {
			t.Errorf("claimed %+v", list)
		}
		s.wantTally(t, id, news.Tally{news.Suppressed: 1, news.Leased: 1})
	})
}

// Since bounds the time of the attempt from below, however the mail came to be
// uncertain: what a log must cover to prove that it was not taken.
func TestUncertainMailsTellWhenTheyMayHaveBeenSent(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		id := s.sending(t, 3)
		enqueued := s.clock.now()
		s.clock.pass(time.Minute)
		list := s.claim(t, "a", 3)
		lost, dead, later := list[0], list[1], list[2]
		s.settle(t, lost, "a", news.Uncertain) // the relay hung up
		wantCode(t, s.BeginCommit(t.Context(), dead, "a"), "")
		later.State, later.Next = news.Deferred, s.clock.now().Add(time.Hour)
		wantCode(t, s.SettleDelivery(t.Context(), later, "a", 1), "")
		again := later.Next
		s.clock.pass(2 * time.Hour) // dead's process died, later's is about to
		wantCode(t, s.BeginCommit(t.Context(), s.claim(t, "a", 3)[0], "a"), "")
		s.clock.pass(24 * time.Hour)
		s.claim(t, "b", 1)
		want := map[string]time.Time{lost.Subscriber.Email: s.issue(t, id).WindowTo, dead.Subscriber.Email: enqueued, later.Subscriber.Email: again}
		rows, err := s.Uncertain(t.Context(), id)
		if err != nil || len(rows) != 3 {
			t.Fatalf("%+v, %v", rows, err)
		}
		for i, m := range rows {
			if !m.Since.Equal(want[m.Email]) || m.Changed.Before(m.Since) || i > 0 && rows[i-1].Email >= m.Email {
				t.Errorf("%s may have been sent since %v, want %v", m.Email, m.Since, want[m.Email])
			}
		}
	})
}

func TestIssuesThatCameToTheirEnd(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		before := s.clock.now()
		s.clock.pass(time.Minute)
		first := s.sending(t, 2)
		list := s.claim(t, "a", 2)
		s.settle(t, list[0], "a", news.Failed)
		s.settle(t, list[1], "a", news.Delivered)
		ended := s.clock.now()
		s.clock.pass(time.Minute)
		s.sending(t, 2) // goes on
		got, err := s.EndedIssues(t.Context(), before, s.clock.now())
		if err != nil || len(got) != 1 || got[0].ID != first || !got[0].At.Equal(ended) || got[0].Tally[news.Failed] != 1 || got[0].Digest != "weekly" {
			t.Errorf("%+v, %v", got, err)
		}
		for _, window := range [][2]time.Time{{ended, s.clock.now()}, {before, ended.Add(-time.Millisecond)}} {
			if got, err := s.EndedIssues(t.Context(), window[0], window[1]); err != nil || len(got) != 0 {
				t.Errorf("in (%v, %v]: %+v, %v", window[0], window[1], got, err)
			}
		}
	})
}
