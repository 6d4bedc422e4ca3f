package store

import (
	"strings"
	"testing"
	"time"

	"jianxun/internal/news"
)

// hold marks the store as the copy of a store is marked by a backup.
func (s fixture) hold(t *testing.T) {
	t.Helper()
	if since, err := s.Hold(t.Context()); err != nil || !since.Equal(s.clock.now()) {
		t.Fatalf("held since %v, %v; want %v", since, err, s.clock.now())
	}
}

func (s fixture) wantHeld(t *testing.T, want time.Time) {
	t.Helper()
	if since, err := s.Held(t.Context()); err != nil || !since.Equal(want) {
		t.Errorf("held since %v, %v; want %v", since, err, want)
	}
}

func (s fixture) resume(t *testing.T, send bool) Resumed {
	t.Helper()
	r, err := s.Resume(t.Context(), send)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestARestoredStoreSendsNothing: the backup was made in the middle of a sending.
func TestARestoredStoreSendsNothing(t *testing.T) {
	s := onSQLite(t)
	id := s.sending(t, 5)
	list := s.claim(t, "a", 3)
	s.settle(t, list[0], "a", news.Delivered)
	wantCode(t, s.BeginCommit(t.Context(), list[1], "a"), "")
	made := s.clock.now()
	copied := s.backup(t)
	s.wantHeld(t, time.Time{})
	copied.wantHeld(t, made)
	tally := news.Tally{news.Delivered: 1, news.Committing: 1, news.Leased: 1, news.Queued: 2}
	for range 3 {
		if got := copied.claim(t, "b", 10); len(got) != 0 {
			t.Errorf("%d mails were claimed from a restored store", len(got))
		}
		copied.wantTally(t, id, tally)
		s.clock.pass(time.Hour)
	}
	if r := copied.resume(t, false); r.Uncertain != 4 || r.Issues != 1 || !r.Since.Equal(made) {
		t.Errorf("resumed %+v", r)
	}
	if got := copied.claim(t, "b", 10); len(got) != 0 {
		t.Errorf("%d mails were claimed that may have been sent", len(got))
	}
	copied.wantTally(t, id, news.Tally{news.Delivered: 1, news.Uncertain: 4})
	copied.wantState(t, id, news.Sent)
}

func TestABackupOfARestoredStoreKeepsTheOlderMark(t *testing.T) {
	s := onSQLite(t)
	first := s.clock.now()
	copied := s.backup(t)
	s.clock.pass(time.Hour)
	copied.backup(t).wantHeld(t, first)
}

func TestWhileHeldAllButSendingGoesOn(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.hold(t)
		s.saveAll(t, pages(3))
		s.withdraw(t, s.newest(t, news.Filter{}, 1)[0].ID)
		id := s.sending(t, 2)
		if got := s.claim(t, "a", 10); len(got) != 0 {
			t.Errorf("%d mails were claimed", len(got))
		}
		s.wantTally(t, id, news.Tally{news.Queued: 2})
		for job, want := range map[string]bool{"digest:weekly@1": false, "source:pages@1": true} {
			if got, err := s.ClaimFire(t.Context(), job, s.clock.now(), "a", lease); err != nil || got != want {
				t.Errorf("%s is claimed: %v, %v; want %v", job, got, err, want)
			}
		}
		since := s.clock.now()
		s.clock.pass(time.Hour)
		if again, err := s.Hold(t.Context()); err != nil || !again.Equal(since) {
			t.Errorf("held again since %v, %v; want %v", again, err, since)
		}
	})
}

func TestResumedStoreLeavesWhatMayHaveBeenSent(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		id := s.sending(t, 5)
		list := s.claim(t, "a", 4)
		list[0].State = news.Delivered
		s.settle(t, list[0], "a", news.Delivered)
		wantCode(t, s.BeginCommit(t.Context(), list[1], "a"), "")
		list[2].State, list[2].Next, list[2].Reply = news.Deferred, s.clock.now().Add(time.Hour), "451 later"
		wantCode(t, s.SettleDelivery(t.Context(), list[2], "a", 1), "")
		draft := s.draft(t, draft("daily", 2026))
		s.hold(t)
		if r := s.resume(t, false); r.Uncertain != 4 || r.Issues != 1 {
			t.Errorf("resumed %+v", r)
		}
		s.wantTally(t, id, news.Tally{news.Delivered: 1, news.Uncertain: 4})
		s.wantState(t, id, news.Sent)
		s.wantState(t, draft.ID, news.Draft)
		rows, err := s.Deliveries(t.Context(), id, news.Uncertain, 10)
		if err != nil || len(rows) != 4 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		for _, d := range rows {
			if !strings.Contains(d.Reply, "restored from a backup of 2026-09-28T01:00:00Z") {
				t.Errorf("the reply is %q", d.Reply)
			}
		}
		// Should the holder be alive after all, it may tell how what it sent ended,
		// and send nothing more.
		list[1].State = news.Delivered
		wantCode(t, s.SettleDelivery(t.Context(), list[1], "a", 1), "")
		wantCode(t, s.BeginCommit(t.Context(), list[3], "a"), news.Conflict)
		s.wantHeld(t, time.Time{})
		_, err = s.Resume(t.Context(), false)
		wantCode(t, err, news.Conflict)
	})
}

func TestResumedStoreMaySendAll(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		id := s.sending(t, 3)
		if _, err := s.Anchor(t.Context(), "digest:weekly@1", monday); err != nil {
			t.Fatal(err)
		}
		s.hold(t)
		s.clock.pass(time.Hour)
		if r := s.resume(t, true); r.Uncertain+r.Digests+r.Issues != 0 {
			t.Errorf("resumed %+v", r)
		}
		if got := s.claim(t, "a", 10); len(got) != 3 {
			t.Errorf("%d mails were claimed, want 3", len(got))
		}
		s.wantTally(t, id, news.Tally{news.Leased: 3})
		if got, err := s.ClaimFire(t.Context(), "digest:weekly@1", monday.Add(time.Minute), "a", lease); err != nil || !got {
			t.Errorf("the due time of while it was held is claimed: %v, %v", got, err)
		}
	})
}

func TestResumedStoreCountsDueTimesAsDone(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		const weekly, daily, source = "digest:weekly@1", "digest:daily@1", "source:pages@1"
		for _, job := range []string{weekly, daily, source} {
			if _, err := s.Anchor(t.Context(), job, monday.AddDate(0, 0, -7)); err != nil {
				t.Fatal(err)
			}
		}
		// The backup was made while an issue was being made.
		if got, err := s.ClaimFire(t.Context(), weekly, monday, "dead", lease); err != nil || !got {
			t.Fatalf("claimed %v, %v", got, err)
		}
		s.hold(t)
		s.clock.pass(10 * 24 * time.Hour)
		now := s.clock.now()
		if r := s.resume(t, false); r.Digests != 2 {
			t.Errorf("resumed %+v", r)
		}
		for job, want := range map[string]time.Time{weekly: now, daily: now, source: monday.AddDate(0, 0, -7)} {
			if last, err := s.Anchor(t.Context(), job, now.AddDate(1, 0, 0)); err != nil || !last.Equal(want) {
				t.Errorf("the last due time of %s is %v, %v; want %v", job, last, err, want)
			}
		}
		for _, due := range []time.Time{monday, monday.AddDate(0, 0, 7), now} {
			if got, err := s.ClaimFire(t.Context(), weekly, due, "a", lease); err != nil || got {
				t.Errorf("the due time %v is claimed: %v, %v", due, got, err)
			}
		}
		if got, err := s.ClaimFire(t.Context(), weekly, now.Add(time.Hour), "a", lease); err != nil || !got {
			t.Errorf("the next due time is not claimed: %v", err)
		}
	})
}
