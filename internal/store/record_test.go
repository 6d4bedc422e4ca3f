package store

import (
	"testing"
	"time"

	"jianxun/internal/news"
)

func TestManyStepsAreOneRecord(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		id := s.sending(t, 6)
		list := s.claim(t, "a", 6)
		step := func(n int, state news.DeliveryState, tried int) news.Step {
			d := list[n]
			d.State = state
			return news.Step{Delivery: d, Tried: tried}
		}
		steps := []news.Step{step(0, news.Committing, 0), step(1, news.Committing, 0), step(2, news.Failed, 1), step(3, news.Deferred, 1), step(4, news.Queued, 0)}
		if said, err := s.Record(t.Context(), holder("a"), steps); err != nil || anyErr(said) != nil {
			t.Fatal(said, err)
		}
		s.wantTally(t, id, news.Tally{news.Committing: 2, news.Failed: 1, news.Deferred: 1, news.Queued: 1, news.Leased: 1})
		steps = []news.Step{step(0, news.Delivered, 1), step(5, news.Committing, 0), step(1, news.Uncertain, 1)}
		if said, err := s.Record(t.Context(), holder("a"), steps); err != nil || anyErr(said) != nil {
			t.Fatal(said, err)
		}
		s.wantTally(t, id, news.Tally{news.Committing: 1, news.Failed: 1, news.Deferred: 1, news.Queued: 1, news.Delivered: 1, news.Uncertain: 1})
		sent, err := s.Deliveries(t.Context(), id, news.Delivered, 10)
		if err != nil || len(sent) != 1 || sent[0].Attempts != 1 || sent[0].Subscriber.ID != list[0].Subscriber.ID {
			t.Errorf("sent: %+v", sent)
		}
	})
}

// One step that cannot be recorded keeps none of the others from it.
func TestEachStepHasItsOwnAnswer(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		id := s.sending(t, 4)
		list := s.claim(t, "a", 3)
		other := s.claim(t, "b", 1)[0]
		wantCode(t, s.SetSubscriberState(t.Context(), list[1].Subscriber.ID, news.Unsubscribed), "")
		steps := []news.Step{{Delivery: list[0]}, {Delivery: list[1]}, {Delivery: other}, {Delivery: list[2]}}
		for i := range steps {
			steps[i].State = news.Committing
		}
		said, err := s.Record(t.Context(), holder("a"), steps)
		if err != nil {
			t.Fatal(err)
		}
		wantCode(t, said[0], "")
		wantCode(t, said[1], news.Conflict) // who left while the mail was being written gets no dot
		wantCode(t, said[2], news.Conflict) // it is another's
		wantCode(t, said[3], "")
		s.wantTally(t, id, news.Tally{news.Committing: 2, news.Leased: 2})

		for i := range steps {
			steps[i].State, steps[i].Tried = news.Delivered, 1
		}
		if said, err = s.Record(t.Context(), holder("a"), steps); err != nil {
			t.Fatal(err)
		}
		wantCode(t, said[0], "")
		wantCode(t, said[2], news.Conflict)
	})
}

func TestAPauseStopsEveryDotAtOnce(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		id := s.sending(t, 4)
		list := s.claim(t, "a", 2)
		for _, what := range []int64{id, 0} {
			wantCode(t, s.Pause(t.Context(), what), "")
			wantCode(t, s.Pause(t.Context(), what), "") // twice is once
			wantCode(t, s.BeginCommit(t.Context(), list[0], "a"), news.Refused)
			if claimed := s.claim(t, "b", 4); len(claimed) != 0 {
				t.Errorf("%d claimed while sending is paused", len(claimed))
			}
			if since, err := s.Paused(t.Context(), id); err != nil || !since.Equal(s.clock.now()) {
				t.Errorf("paused since %v, %v", since, err)
			}
			wantCode(t, s.Unpause(t.Context(), what), "")
			wantCode(t, s.Unpause(t.Context(), what), news.Conflict)
		}
		wantCode(t, s.Pause(t.Context(), id+1), "") // another issue's
		wantCode(t, s.BeginCommit(t.Context(), list[0], "a"), "")
		if since, err := s.Paused(t.Context(), id); err != nil || !since.IsZero() {
			t.Errorf("paused since %v, %v", since, err)
		}
		// What is on its way already may tell how it ended.
		wantCode(t, s.Pause(t.Context(), 0), "")
		wantCode(t, s.SettleDelivery(t.Context(), list[0], "a", 1), "")
	})
}

func TestRequirement28QuotasHoldOverHoldersAndRestarts(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.sending(t, 40)
		quota := func(token, relay string) news.Holder {
			return news.Holder{Token: token, Lease: lease, Relay: relay, Quotas: []news.Quota{{Window: time.Minute, Mails: 10}, {Window: time.Hour, Mails: 15}}}
		}
		claim := func(h news.Holder, want int) []news.Delivery {
			t.Helper()
			list, err := s.ClaimDeliveries(t.Context(), h, 0, 100)
			if err != nil || len(list) != want {
				t.Fatalf("%s may lease %d, %v; want %d", h.Token, len(list), err, want)
			}
			return list
		}
		end := func(h news.Holder, list []news.Delivery) {
			t.Helper()
			var steps []news.Step
			for i, d := range list {
				d.State = news.Delivered
				if i == 0 {
					d.State = news.Failed // it was asked for all the same
				}
				steps = append(steps, news.Step{Delivery: d, Tried: 1})
			}
			if said, err := s.Record(t.Context(), h, steps); err != nil || anyErr(said) != nil {
				t.Fatal(said, err)
			}
		}
		a, b := quota("a", "relay"), quota("b", "relay")
		first := claim(a, 10)
		claim(b, 0) // what is in a's hands may be handed over any moment
		end(a, first[:4])
		wantCode(t, s.ReleaseLeases(t.Context(), a), "") // six were not tried after all
		end(b, claim(b, 6))
		claim(a, 0)
		s.clock.pass(time.Minute + 5*time.Second)
		end(b, claim(b, 5)) // of the hour
		s.clock.pass(2 * time.Minute)
		claim(a, 0)
		claim(quota("c", "another relay"), 10)
		s.clock.pass(time.Hour)
	})
}

func anyErr(list []error) error {
	for _, err := range list {
		if err != nil {
			return err
		}
	}
	return nil
}

// A clock that is set back makes leases seem to last for long, and what was queued
// seem to be due later. Who died meanwhile must not keep its rows for that long, and
// who lives sends nothing of what was taken from it.
func TestAClockThatIsSetBack(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		id := s.sending(t, 3)
		s.claim(t, "dead", 1)
		mine := s.claim(t, "alive", 1)
		s.clock.pass(-time.Hour)
		if list := s.claim(t, "heir", 3); len(list) != 3 {
			t.Errorf("%d claimed", len(list))
		}
		wantCode(t, s.BeginCommit(t.Context(), mine[0], "alive"), news.Conflict)
		s.wantTally(t, id, news.Tally{news.Leased: 3})
	})
}
