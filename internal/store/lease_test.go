package store

import (
	"context"
	"sync"
	"testing"
	"time"

	"jianxun/internal/news"
)

// Who declines a digest while their mail waits for its answer gets no second attempt.
func TestADeclineWhileCommittingIsNotForgotten(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.put(t, both(1))
		id := s.approved(t)
		if _, err := s.EnqueueIssue(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		d := s.claim(t, "a", 1)[0]
		if err := s.BeginCommit(t.Context(), d, "a"); err != nil {
			t.Fatal(err)
		}
		s.prefer(t, both(1).Email, []string{"daily"}, news.Preferences{Declined: []string{"weekly"}, Format: news.FormatText})
		d.State, d.Next = news.Deferred, s.now().Add(-time.Second) // 451 after the dot
		if err := s.SettleDelivery(t.Context(), d, "a", 1); err != nil {
			t.Fatal(err)
		}
		list := s.claim(t, "a", 1)
		if len(list) != 0 && s.BeginCommit(t.Context(), list[0], "a") == nil {
			t.Error("the mail of a declined digest may be sent")
		}
	})
}

// Mails that were counted while the clock was ahead count no more once it is right.
func TestAQuotaForgetsTheFuture(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.sending(t, 20)
		h := news.Holder{Token: "a", Lease: lease, Relay: "r", Quotas: []news.Quota{{Mails: 5, Window: time.Minute}}}
		right := s.Store.now
		s.Store.now = func() time.Time { return right().Add(365 * 24 * time.Hour) }
		list, err := s.ClaimDeliveries(t.Context(), h, 0, 10)
		if err != nil || len(list) != 5 {
			t.Fatal(len(list), err)
		}
		for _, d := range list {
			d.State = news.Delivered
			if said, err := s.Record(t.Context(), h, []news.Step{{Delivery: d, Tried: 1}}); err != nil || said[0] != nil {
				t.Fatal(said, err)
			}
		}
		for _, later := range []time.Duration{0, time.Hour, 30 * 24 * time.Hour} {
			s.Store.now = func() time.Time { return right().Add(later) }
			list, err := s.ClaimDeliveries(t.Context(), h, 0, 10)
			if err != nil || later > 0 && len(list) == 0 {
				t.Errorf("%d may be sent %v later, %v", len(list), later, err)
			}
		}
	})
}

// What was deferred while the clock was ahead does not wait until then.
func TestADeferralOfTheFutureIsDue(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.sending(t, 1)
		right := s.Store.now
		s.Store.now = func() time.Time { return right().Add(365 * 24 * time.Hour) }
		d := s.claim(t, "a", 1)[0]
		d.State, d.Next = news.Deferred, s.Store.now().Add(time.Minute)
		if err := s.SettleDelivery(t.Context(), d, "a", 1); err != nil {
			t.Fatal(err)
		}
		s.Store.now = func() time.Time { return right().Add(30 * 24 * time.Hour) }
		if len(s.claim(t, "a", 1)) == 0 {
			t.Error("a mail deferred for a minute waits for a month and more")
		}
	})
}

// The renewal of leases and a record meet the same rows in different order.
func TestRenewalsAndRecordsDoNotLockEachOther(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.sending(t, 400)
		h := holder("a")
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			for ctx.Err() == nil {
				if err := s.ExtendLeases(ctx, h); err != nil && ctx.Err() == nil {
					t.Errorf("extend: %v", err)
				}
			}
		})
		for range 8 {
			list := s.claim(t, "a", 400)
			for n := 0; n < len(list); n += 100 {
				var steps []news.Step
				for _, d := range list[n:min(n+100, len(list))] {
					d.State, d.Next = news.Deferred, s.now().Add(-time.Second)
					steps = append([]news.Step{{Delivery: d, Tried: 1}}, steps...)
				}
				if _, err := s.Record(t.Context(), h, steps); err != nil {
					t.Errorf("record: %v", err)
				}
			}
		}
		cancel()
		wg.Wait()
	})
}
