package store

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"jianxun/internal/news"
)

// report is a report of a kind about the delivery of an issue to the n-th person.
func report(issue int64, n int, kind news.BounceKind) news.Bounce {
	return news.Bounce{Report: fmt.Sprintf("report %d %d %s", issue, n, kind), Kind: kind, IssueID: issue, Subscriber: news.SubscriberID(person(n).Email),
		Recipient: person(n).Email, MessageID: "a@b", Status: "5.1.1", Diagnostic: "no such user 查无此人"}
}

// softRun is after how many issues in a row the tests take an address for dead.
const softRun = 3

func (s fixture) bounce(t testing.TB, issue int64, n int, kind news.BounceKind) news.BounceEffect {
	t.Helper()
	effect, err := s.RecordBounce(t.Context(), report(issue, n, kind), softRun)
	if err != nil {
		t.Fatal(err)
	}
	return effect
}

func (s fixture) wantPerson(t testing.TB, n int, state news.SubscriberState, what news.SuppressionEvent, reason string) {
	t.Helper()
	if got := s.person(t, person(n).Email).State; got != state {
		t.Errorf("person %d is %s, want %s", n, got, state)
	}
	last, err := s.Suppressions(t.Context())
	if got := last[news.SubscriberID(person(n).Email)]; err != nil || got.What != what || got.Reason != reason {
		t.Errorf("what happened last to person %d is %+v, %v; want %s: %s", n, got, err, what, reason)
	}
}

func (s fixture) bounces(t testing.TB, unmatched bool) []news.Bounce {
	t.Helper()
	list, err := s.Bounces(t.Context(), unmatched, 100)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func (s fixture) keepBounces(t testing.TB, limit int, raws ...string) (dropped int) {
	t.Helper()
	for _, raw := range raws {
		n, err := s.KeepBounce(t.Context(), news.Bounce{Report: "hash of " + raw, Kind: news.NoBounce, IssueID: 7, Recipient: "x", Raw: []byte(raw)}, limit)
		if err != nil {
			t.Fatal(err)
		}
		dropped += n
	}
	return dropped
}

// issueTo sends the next issue to those who may get it, and gives their rows the
// state.
func (s fixture) issueTo(t testing.TB, state news.DeliveryState) int64 {
	t.Helper()
	s.clock.pass(7 * 24 * time.Hour)
	is := s.draft(t, draft("weekly", 2026))
	s.move(t, is.ID, news.Approved)
	if _, err := s.EnqueueIssue(t.Context(), is.ID); err != nil {
		t.Fatal(err)
	}
	for _, d := range s.claim(t, "holder", 100) {
		s.settle(t, d, "holder", state)
	}
	return is.ID
}

func TestAHardBounceOrAComplaintEndsThePersonsMailAtOnce(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.put(t, people(3)...)
		id := s.issueTo(t, news.Delivered)
		if got := s.bounce(t, id, 0, news.HardBounce); got != (news.BounceEffect{New: true, State: news.Bounced}) {
			t.Errorf("hard: %+v", got)
		}
		if got := s.bounce(t, id, 1, news.Complaint); got != (news.BounceEffect{New: true, State: news.Unsubscribed}) {
			t.Errorf("complaint: %+v", got)
		}
		if got := s.bounce(t, id, 2, news.SoftBounce); got != (news.BounceEffect{New: true}) {
			t.Errorf("soft: %+v", got)
		}
		s.wantPerson(t, 0, news.Bounced, news.WasBounced, "no such user 查无此人")
		s.wantPerson(t, 1, news.Unsubscribed, news.WasComplaint, "no such user 查无此人")
		s.wantPerson(t, 2, news.Active, "", "")
		s.wantTally(t, id, news.Tally{news.Delivered: 3}) // what was sent was sent
		if n := s.recipients(t, "weekly"); n != 1 {
			t.Errorf("%d recipients of the next issue, want 1", n)
		}
		b := s.bounces(t, false)[2]
		if b.Email != person(0).Email || b.Issue.Digest != "weekly" || b.Issue.Number != 1 || b.Status != "5.1.1" || !b.Received.Equal(s.clock.now()) || !b.Matched() {
			t.Errorf("the first report reads %+v", b)
		}
	})
}

func TestAReportReadTwiceIsOne(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.put(t, people(1)...)
		id := s.issueTo(t, news.Delivered)
		s.bounce(t, id, 0, news.HardBounce)
		again := report(id, 0, news.HardBounce)
		other := again
		other.Report, other.Diagnostic = "the same in other words", "mailbox disabled"
		for _, b := range []news.Bounce{again, other} {
			if effect, err := s.RecordBounce(t.Context(), b, softRun); err != nil || effect.New || effect.State != "" {
				t.Errorf("%s: %+v, %v", b.Report, effect, err)
			}
		}
		if n := s.keepBounces(t, 10, "x", "x"); n != 0 || len(s.bounces(t, true)) != 1 || len(s.bounces(t, false)) != 2 {
			t.Errorf("kept are %+v", s.bounces(t, false))
		}
	})
}

// TestReportsReadByTwoReplicasAtOnceCount: neither may miss the other's in the run.
func TestReportsReadByTwoReplicasAtOnceCount(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.put(t, people(1)...)
		var ids []int64
		for range softRun {
			ids = append(ids, s.issueTo(t, news.Delivered))
		}
		other := handle(t, s.address, s.clock)
		var wg sync.WaitGroup
		for _, id := range ids {
			for _, replica := range []*Store{s.Store, other} {
				wg.Go(func() {
					if _, err := replica.RecordBounce(t.Context(), report(id, 0, news.SoftBounce), softRun); err != nil {
						t.Error(err)
					}
				})
			}
		}
		wg.Wait()
		if n := len(s.bounces(t, false)); n != softRun {
			t.Errorf("%d reports, want %d", n, softRun)
		}
		s.wantPerson(t, 0, news.Bounced, news.WasBounced, "no such user 查无此人")
	})
}

// TestSoftBouncesOfARun: each letter is an issue in order. s came back softly, .
// came through, u is uncertain, f was refused by the relay and so never sent, and
// L lifts the person before the next. Reports come in the order given, or in that
// of the issues.
func TestSoftBouncesOfARun(t *testing.T) {
	for _, c := range []struct {
		issues string
		order  []int
		want   news.SubscriberState
	}{
		{issues: "ss", want: news.Active},
		{issues: "sss", want: news.Bounced},
		{issues: "ss.s", want: news.Active},
		{issues: "ss.ss", want: news.Active},
		{issues: "s.sss", want: news.Bounced},
		{issues: "ssfs", want: news.Bounced},
		{issues: "ssus", want: news.Bounced},
		{issues: "sss", order: []int{2, 0, 1}, want: news.Bounced},
		{issues: "sss..", order: []int{0, 1, 2}, want: news.Bounced},
		{issues: ".ss.", order: []int{2, 1}, want: news.Active},
		{issues: "ssLs", want: news.Active},
		{issues: "sssLss", want: news.Active},
		{issues: "sssLsss", want: news.Bounced},
	} {
		t.Run(fmt.Sprint(c.issues, c.order), func(t *testing.T) {
			conform(t, func(t *testing.T, s fixture) {
				s.put(t, people(1)...)
				var ids []int64
				for _, letter := range c.issues {
					switch letter {
					case 'L':
						s.decide(t, person(0).Email, news.Bounced) // also where the run was too short
						s.lift(t, 0, "the mailbox is there again")
						continue
					case 'f':
						s.issueTo(t, news.Failed)
						continue
					case 'u':
						s.issueTo(t, news.Uncertain)
						continue
					}
					id := s.issueTo(t, news.Delivered)
					if ids = append(ids, id); letter == 's' && c.order == nil {
						s.bounce(t, id, 0, news.SoftBounce)
					}
				}
				for _, i := range c.order {
					s.bounce(t, ids[i], 0, news.SoftBounce)
				}
				if got := s.person(t, person(0).Email).State; got != c.want {
					t.Errorf("%s, want %s", got, c.want)
				}
			})
		})
	}
}

func (s fixture) lift(t testing.TB, n int, reason string) {
	t.Helper()
	s.clock.pass(time.Minute)
	if err := s.Lift(t.Context(), news.SubscriberID(person(n).Email), reason); err != nil {
		t.Fatal(err)
	}
}

func TestWhoLeftStaysSoWhateverComesBack(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.put(t, people(1)...)
		id := s.issueTo(t, news.Delivered)
		s.decide(t, person(0).Email, news.Unsubscribed)
		for _, kind := range []news.BounceKind{news.HardBounce, news.SoftBounce, news.Complaint} {
			if got := s.bounce(t, id, 0, kind); !got.New || got.State != "" {
				t.Errorf("%s: %+v", kind, got)
			}
		}
		s.wantPerson(t, 0, news.Unsubscribed, news.WasUnsubscribed, "")
	})
}

func TestABouncedPersonWhoComplainsWantsNothing(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.put(t, people(1)...)
		id := s.issueTo(t, news.Delivered)
		s.bounce(t, id, 0, news.HardBounce)
		s.bounce(t, id, 0, news.Complaint)
		s.wantPerson(t, 0, news.Unsubscribed, news.WasComplaint, "no such user 查无此人")
		wantCode(t, s.Lift(t.Context(), news.SubscriberID(person(0).Email), "by mistake"), news.Refused)
		s.wantPerson(t, 0, news.Unsubscribed, news.WasComplaint, "no such user 查无此人")
	})
}

func TestAComplaintReadAgainDoesNotUndoWhatThePersonDecidedSince(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.put(t, people(1)...)
		id := s.issueTo(t, news.Delivered)
		s.bounce(t, id, 0, news.Complaint)
		s.decide(t, person(0).Email, news.Active)
		if got := s.bounce(t, id, 0, news.Complaint); got != (news.BounceEffect{}) {
			t.Errorf("%+v", got)
		}
		s.wantPerson(t, 0, news.Active, news.WasLifted, "")
	})
}

func TestLiftingBringsABouncedPersonBack(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.put(t, people(2)...)
		first, second := s.issueTo(t, news.Delivered), s.issueTo(t, news.Delivered)
		s.bounce(t, second, 0, news.HardBounce)
		s.lift(t, 0, "the mailbox has been made again")
		s.wantPerson(t, 0, news.Active, news.WasLifted, "the mailbox has been made again")
		if n := s.recipients(t, "weekly"); n != 2 {
			t.Errorf("%d recipients, want 2", n)
		}
		// What comes late about mails of before says nothing about now; a complaint does.
		if got := s.bounce(t, first, 0, news.HardBounce); !got.New || got.State != "" {
			t.Errorf("a late report: %+v", got)
		}
		third := s.issueTo(t, news.Delivered)
		if got := s.bounce(t, third, 0, news.HardBounce); got.State != news.Bounced {
			t.Errorf("it bounces again: %+v", got)
		}
		s.lift(t, 0, "once more")
		if got := s.bounce(t, third, 0, news.Complaint); got.State != news.Unsubscribed {
			t.Errorf("a complaint: %+v", got)
		}
		wantCode(t, s.Lift(t.Context(), news.SubscriberID(person(1).Email), "why"), news.Conflict)
		wantCode(t, s.Lift(t.Context(), news.SubscriberID("nobody@example.org"), "why"), news.NotFound)
	})
}

func TestAReportAboutNoDeliveryRecordsNothing(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.put(t, people(2)...)
		id := s.issueTo(t, news.Delivered)
		s.put(t, person(5)) // after the issue
		for _, b := range []news.Bounce{report(id+1, 0, news.HardBounce), report(id, 5, news.HardBounce), report(id, 6, news.Complaint)} {
			_, err := s.RecordBounce(t.Context(), b, softRun)
			wantCode(t, err, news.NotFound)
		}
		if list := s.bounces(t, false); len(list) != 0 || s.recipients(t, "weekly") != 3 {
			t.Errorf("recorded are %+v", list)
		}
	})
}

func TestARefusalByTheRelayIsAHardBounce(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.put(t, people(1)...)
		id := s.issueTo(t, news.Failed)
		d := news.Delivery{IssueID: id, Subscriber: s.person(t, person(0).Email), Reply: "550 5.1.1 no such user here"}
		for _, want := range []news.BounceEffect{{New: true, State: news.Bounced}, {}} {
			if got, err := s.RecordRefusal(t.Context(), d); err != nil || got != want {
				t.Errorf("%+v, %v; want %+v", got, err, want)
			}
		}
		s.wantPerson(t, 0, news.Bounced, news.WasBounced, "550 5.1.1 no such user here")
		if list := s.bounces(t, false); len(list) != 1 || list[0].Status != "5.1.1" {
			t.Errorf("recorded are %+v", list)
		}
	})
}

func TestOnlyTheNewestUnmatchedAreKept(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.put(t, people(1)...)
		s.bounce(t, s.issueTo(t, news.Delivered), 0, news.SoftBounce)
		odd := "Subject: \xb2\xe2\xca\xd4\r\n\r\n\x00\xff"
		if n := s.keepBounces(t, 3, "a", "b", "c", "d", odd); n != 2 {
			t.Errorf("%d dropped, want 2", n)
		}
		var got []string
		for _, b := range s.bounces(t, true) {
			whole, err := s.Bounce(t.Context(), b.ID)
			if err != nil || len(b.Raw) > 0 || whole.Matched() {
				t.Errorf("%+v, %v", whole, err)
			}
			got = append(got, string(whole.Raw))
		}
		if strings.Join(got, "|") != odd+"|d|c" {
			t.Errorf("kept are %q", got)
		}
		if n := len(s.bounces(t, false)); n != 4 {
			t.Errorf("%d reports, want the matched one too", n)
		}
		_, err := s.Bounce(t.Context(), 1000)
		wantCode(t, err, news.NotFound)
	})
}

func TestHowFarAMailboxWasReadIsRemembered(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		for _, c := range [][2]uint32{{0, 0}, {1<<32 - 1, 1}, {1<<32 - 1, 1<<32 - 1}, {7, 0}} {
			if c[0] > 0 {
				wantCode(t, s.KeepMailboxRead(t.Context(), "a", c[0], c[1]), "")
			}
			if validity, uid, err := s.MailboxRead(t.Context(), "a"); err != nil || [2]uint32{validity, uid} != c {
				t.Errorf("read as far as %d, %d, %v; want %v", validity, uid, err, c)
			}
		}
		if validity, uid, err := s.MailboxRead(t.Context(), "b"); err != nil || validity != 0 || uid != 0 {
			t.Errorf("another: %d, %d, %v", validity, uid, err)
		}
	})
}

func TestALargeMailIsKeptAsItIs(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		raw := bytes.Repeat([]byte{0, 0xff, '\r', '\n'}, 16<<10)
		s.keepBounces(t, 10, string(raw))
		if b, err := s.Bounce(t.Context(), s.bounces(t, true)[0].ID); err != nil || !bytes.Equal(b.Raw, raw) {
			t.Errorf("%d octets are read of %d, %v", len(b.Raw), len(raw), err)
		}
	})
}
