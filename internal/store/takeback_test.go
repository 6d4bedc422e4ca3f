package store

import (
	"testing"

	"jianxun/internal/news"
)

// A sender that was cut off from the store before the dot, and for longer than its
// lease, knows what others cannot: that nothing was sent.
func TestAMailThatWasNotSentAfterAllKeepsItsIssueOpen(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		id := s.sending(t, 2)
		list := s.claim(t, "a", 2)
		s.settle(t, list[0], "a", news.Delivered)
		wantCode(t, s.BeginCommit(t.Context(), list[1], "a"), "") // its answer is lost on the way
		s.clock.pass(lease)
		s.claim(t, "b", 2)
		s.wantTally(t, id, news.Tally{news.Delivered: 1, news.Uncertain: 1})
		s.wantState(t, id, news.Sent)

		back := list[1]
		back.State = news.Queued
		wantCode(t, s.SettleDelivery(t.Context(), back, "b", 0), news.Conflict)
		s.wantState(t, id, news.Sent)
		wantCode(t, s.SettleDelivery(t.Context(), back, "a", 0), "")
		s.wantTally(t, id, news.Tally{news.Delivered: 1, news.Queued: 1})
		s.wantState(t, id, news.Sending)
		again := s.claim(t, "b", 2)
		if len(again) != 1 || again[0].Subscriber.ID != back.Subscriber.ID || again[0].Attempts != 0 {
			t.Fatalf("claimed %+v", again)
		}
		s.settle(t, again[0], "b", news.Delivered)
		s.wantTally(t, id, news.Tally{news.Delivered: 2})
		s.wantState(t, id, news.Sent)
	})
}
