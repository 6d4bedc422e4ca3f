package store

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"jianxun/internal/news"
)

// both is a person whose list names both digests and one column.
func both(n int) news.Subscriber {
	p := person(n)
	p.Digests, p.Columns = []string{"daily", "weekly"}, []string{"检察要闻"}
	return p
}

func (s fixture) prefer(t testing.TB, email string, want []string, p news.Preferences) {
	t.Helper()
	if err := s.SetPreferences(t.Context(), news.SubscriberID(email), want, p); err != nil {
		t.Fatal(err)
	}
}

func weeklyAsText() news.Preferences {
	return news.Preferences{Declined: []string{"daily"}, Columns: []string{"公告公示"}, Format: news.FormatText}
}

func TestAChoiceStandsBesideTheList(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.put(t, both(1), both(2))
		s.prefer(t, both(1).Email, []string{"weekly"}, weeklyAsText())
		got := s.person(t, both(1).Email)
		want := weeklyAsText()
		want.Changed = monday.UTC()
		if !reflect.DeepEqual(got.Chosen, &want) {
			t.Errorf("chosen %+v, want %+v", got.Chosen, want)
		}
		if !slices.Equal(got.Digests, both(1).Digests) || !slices.Equal(got.Columns, both(1).Columns) || got.Format != news.FormatHTML {
			t.Errorf("the list says %+v", got)
		}
		all, err := s.Subscribers(t.Context())
		if err != nil || len(all) != 2 || !reflect.DeepEqual(all[0], got) || all[1].Chosen != nil {
			t.Errorf("the list is %+v, %v", all, err)
		}
		wantCode(t, s.SetPreferences(t.Context(), news.SubscriberID("nobody@example.org"), nil, weeklyAsText()), news.NotFound)
	})
}

// However often a list is read again, with whatever in it.
func TestAListNeverOverwritesAChoice(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.put(t, both(1))
		s.prefer(t, both(1).Email, []string{"weekly"}, weeklyAsText())
		for _, change := range []func(*news.Subscriber){
			func(*news.Subscriber) {},
			func(p *news.Subscriber) { p.Origin = news.FromImport },
			func(p *news.Subscriber) {
				p.Format, p.Columns, p.Name = news.FormatHTML, []string{"检务公开"}, "张三"
			},
			func(p *news.Subscriber) { p.Digests = []string{"weekly"} },
			func(p *news.Subscriber) { p.Digests = []string{"daily", "weekly"} },
		} {
			p := both(1)
			change(&p)
			if err := s.ApplyRoster(t.Context(), nil, []news.Subscriber{s.person(t, p.Email)}); err != nil {
				t.Fatal(err)
			}
			s.put(t, p)
			e := s.person(t, p.Email).Effective()
			if !slices.Equal(e.Digests, []string{"weekly"}) || !slices.Equal(e.Columns, weeklyAsText().Columns) || e.Format != news.FormatText || e.Name != p.Name {
				t.Errorf("after %+v it is %+v", p, e)
			}
			if s.recipients(t, "daily") != 0 || s.recipients(t, "weekly") != 1 {
				t.Errorf("after %+v: %d get the daily, %d the weekly", p, s.recipients(t, "daily"), s.recipients(t, "weekly"))
			}
		}
		s.prefer(t, both(1).Email, []string{"daily", "weekly"}, news.Preferences{Format: news.FormatHTML})
		if s.recipients(t, "daily") != 1 {
			t.Error("what was declined and is wanted again does not come")
		}
	})
}

func TestWhoIsOffTheListGetsNothingWhateverTheyChose(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.put(t, both(1))
		if err := s.ApplyRoster(t.Context(), nil, []news.Subscriber{s.person(t, both(1).Email)}); err != nil {
			t.Fatal(err)
		}
		s.prefer(t, both(1).Email, []string{"daily", "weekly"}, news.Preferences{Format: news.FormatText})
		if n := s.recipients(t, "weekly"); n != 0 {
			t.Errorf("%d recipients", n)
		}
	})
}

// approved is an issue of the weekly that nobody has a row of yet.
func (s fixture) approved(t testing.TB) int64 {
	t.Helper()
	is := s.draft(t, draft("weekly", 2026))
	s.move(t, is.ID, news.Approved)
	return is.ID
}

// What is sent goes by the choice, in SQL, as the page shows it, in Go.
func TestMailIsMadeForTheChoice(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.put(t, both(1), both(2), both(3))
		s.prefer(t, both(1).Email, []string{"weekly"}, weeklyAsText())
		s.prefer(t, both(2).Email, []string{"daily"}, news.Preferences{Declined: []string{"weekly"}, Format: news.FormatHTML})
		id := s.approved(t)
		if n, err := s.EnqueueIssue(t.Context(), id); err != nil || n != 2 {
			t.Fatalf("%d rows, %v; want 2", n, err)
		}
		for _, d := range s.claim(t, "holder", 10) {
			e := s.person(t, d.Subscriber.Email).Effective()
			if !slices.Equal(d.Subscriber.Columns, e.Columns) || d.Subscriber.Format != e.Format {
				t.Errorf("mail is made for %+v, shown is %+v", d.Subscriber, e)
			}
		}
		rows, err := s.Deliveries(t.Context(), id, news.Leased, 10)
		if err != nil || len(rows) != 2 || rows[0].Subscriber.Format != news.FormatText || !slices.Equal(rows[0].Subscriber.Columns, []string{"公告公示"}) {
			t.Errorf("deliveries %+v, %v", rows, err)
		}
	})
}

func TestADigestDeclinedWhileItIsSentStaysInTheQueue(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.put(t, both(1), both(2))
		id := s.approved(t)
		if _, err := s.EnqueueIssue(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		s.prefer(t, both(1).Email, []string{"daily"}, news.Preferences{Declined: []string{"weekly"}, Format: news.FormatHTML})
		s.prefer(t, both(2).Email, []string{"weekly"}, news.Preferences{Declined: []string{"daily"}, Format: news.FormatHTML})
		list := s.claim(t, "holder", 10)
		if len(list) != 1 || list[0].Subscriber.Email != both(2).Email {
			t.Fatalf("claimed %+v", list)
		}
		s.settle(t, list[0], "holder", news.Delivered)
		s.wantTally(t, id, news.Tally{news.Delivered: 1, news.Suppressed: 1})
		s.wantState(t, id, news.Sent)
	})
}

func TestTwoChoicesAtOnceAreNotMixed(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.put(t, both(1))
		id := news.SubscriberID(both(1).Email)
		done := make(chan error)
		for range 20 {
			go func() { done <- s.SetPreferences(t.Context(), id, []string{"weekly"}, weeklyAsText()) }()
			go func() {
				done <- s.SetPreferences(t.Context(), id, []string{"daily"}, news.Preferences{Declined: []string{"weekly"}, Format: news.FormatHTML})
			}()
		}
		for range 40 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		got := s.person(t, both(1).Email).Chosen
		if text := got.Format == news.FormatText; len(got.Declined) != 1 || (got.Declined[0] == "daily") != text {
			t.Errorf("chosen %+v", got)
		}
	})
}

func anybody() news.SignUp {
	return news.SignUp{Email: "Any.Body@example.org", Name: "某人", Digests: []string{"weekly"}}
}

func (s fixture) asked(t testing.TB, u news.SignUp, wantLetter bool) news.SignUp {
	t.Helper()
	noted, letter, err := s.AskSignUp(t.Context(), u, 20)
	if err != nil || letter != wantLetter {
		t.Fatalf("letter %t, %v; want %t", letter, err, wantLetter)
	}
	return noted
}

func (s fixture) joined(t testing.TB, u news.SignUp) {
	t.Helper()
	if err := s.ConfirmSignUp(t.Context(), news.SubscriberID(u.Email), u.Asked); err != nil {
		t.Fatal(err)
	}
}

func TestNothingCountsBeforeItIsConfirmed(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.put(t, person(1))
		u := s.asked(t, anybody(), true)
		if all, err := s.Subscribers(t.Context()); err != nil || len(all) != 1 || s.recipients(t, "weekly") != 1 {
			t.Errorf("subscribers %+v, %v", all, err)
		}
		if asked, err := s.SignUps(t.Context()); err != nil || !reflect.DeepEqual(asked, []news.SignUp{u}) {
			t.Errorf("asked %+v, %v; want %+v", asked, err, u)
		}
		s.clock.pass(time.Hour)
		for range 2 { // a letter may be opened twice
			s.joined(t, u)
			want := anybody().Subscriber()
			want.State, want.Listed, want.Columns, want.Keywords = news.Active, true, []string{}, []string{}
			if got := s.person(t, u.Email); !reflect.DeepEqual(got, want) || s.recipients(t, "weekly") != 2 {
				t.Errorf("subscriber %+v, want %+v", got, want)
			}
		}
		if asked, err := s.SignUps(t.Context()); err != nil || len(asked) != 0 {
			t.Errorf("still waiting: %+v, %v", asked, err)
		}
		s.decide(t, u.Email, news.Unsubscribed)
		s.joined(t, u)
		if got := s.person(t, u.Email); got.State != news.Unsubscribed {
			t.Error("an old letter subscribes again who has left")
		}
	})
}

func TestOneLetterADayToAnAddressAndSoManyAnHourToAll(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		first := s.asked(t, anybody(), true)
		again := anybody()
		again.Email, again.Digests = "any.body@EXAMPLE.org", []string{"daily"}
		s.clock.pass(24*time.Hour - time.Millisecond)
		s.asked(t, again, false)
		if _, err := s.SignUp(t.Context(), news.SubscriberID(first.Email), first.Asked); err != nil {
			t.Errorf("the letter that was sent is no longer good: %v", err)
		}
		s.clock.pass(time.Millisecond)
		second := s.asked(t, again, true)
		_, err := s.SignUp(t.Context(), news.SubscriberID(first.Email), first.Asked)
		wantCode(t, err, news.NotFound)
		if got, err := s.SignUp(t.Context(), news.SubscriberID(first.Email), second.Asked); err != nil || !reflect.DeepEqual(got, second) {
			t.Errorf("found %+v, %v", got, err)
		}
		for _, c := range []struct {
			email string
			code  news.ErrorCode
		}{{"b@example.org", ""}, {"c@example.org", news.Busy}, {"b@example.org", news.Busy}, {again.Email, news.Busy}} {
			_, _, err := s.AskSignUp(t.Context(), news.SignUp{Email: c.email, Digests: []string{"weekly"}}, 2)
			wantCode(t, err, c.code)
		}
		s.clock.pass(time.Hour)
		_, letter, err := s.AskSignUp(t.Context(), news.SignUp{Email: "c@example.org", Digests: []string{"weekly"}}, 2)
		if err != nil || !letter {
			t.Errorf("an hour later: %t, %v", letter, err)
		}
	})
}

func TestManyReplicasShareTheBoundOfLetters(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		const most = 5
		other := handle(t, s.address, s.clock)
		done := make(chan bool)
		for i := range 20 {
			on := []*Store{s.Store, other}[i%2]
			go func() {
				_, letter, err := on.AskSignUp(t.Context(), news.SignUp{Email: person(i).Email}, most)
				if err != nil && news.CodeOf(err) != news.Busy {
					t.Error(err)
				}
				done <- letter
			}()
		}
		letters := 0
		for range 20 {
			if <-done {
				letters++
			}
		}
		if letters != most {
			t.Errorf("%d letters, want %d", letters, most)
		}
	})
}

func TestWhatIsNotConfirmedIsForgotten(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		old := s.asked(t, anybody(), true)
		s.clock.pass(7 * 24 * time.Hour)
		fresh := s.asked(t, news.SignUp{Email: "b@example.org"}, true)
		if err := s.ForgetSignUps(t.Context(), s.clock.now()); err != nil {
			t.Fatal(err)
		}
		wantCode(t, s.ConfirmSignUp(t.Context(), news.SubscriberID(old.Email), old.Asked), news.NotFound)
		s.joined(t, fresh)
		last := s.asked(t, anybody(), true)
		if err := s.ForgetSignUp(t.Context(), last); err != nil {
			t.Fatal(err)
		}
		s.asked(t, anybody(), true)
	})
}

func TestConfirmingMeetsWhatIsKnownOfAPerson(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		for n, c := range []struct {
			what     string
			before   func(email string)
			state    news.SubscriberState
			listed   bool
			origin   news.ListOrigin
			receives bool
		}{
			{"left", func(e string) { s.decide(t, e, news.Unsubscribed) }, news.Active, true, news.FromFile, true},
			{"bounced", func(e string) { s.decide(t, e, news.Bounced) }, news.Bounced, true, news.FromFile, false},
			{"off the list", func(e string) { s.off(t, e) }, news.Active, true, news.FromSelf, true},
			{"declined", func(e string) {
				s.prefer(t, e, nil, news.Preferences{Declined: []string{"weekly"}, Format: news.FormatText})
			}, news.Active, true, news.FromFile, true},
		} {
			p := person(n)
			p.Name = "张三"
			s.put(t, p)
			c.before(p.Email)
			before := s.recipients(t, "weekly")
			s.joined(t, s.asked(t, news.SignUp{Email: p.Email, Digests: []string{"weekly"}}, true))
			got := s.person(t, p.Email)
			if got.State != c.state || got.Listed != c.listed || got.Origin != c.origin || got.Name != "张三" {
				t.Errorf("%s: %+v", c.what, got)
			}
			if more := s.recipients(t, "weekly") - before; (more == 1) != c.receives {
				t.Errorf("%s: %d more recipients", c.what, more)
			}
		}
	})
}

func (s fixture) off(t testing.TB, email string) {
	t.Helper()
	if err := s.ApplyRoster(t.Context(), nil, []news.Subscriber{s.person(t, email)}); err != nil {
		t.Fatal(err)
	}
}

func TestWhoSubscribedThemselvesMayChooseMore(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		u := s.asked(t, anybody(), true)
		s.joined(t, u)
		s.put(t, person(1))
		for _, email := range []string{u.Email, person(1).Email} {
			s.prefer(t, email, []string{"daily"}, news.Preferences{Declined: []string{"weekly"}, Format: news.FormatHTML})
		}
		if s.recipients(t, "daily") != 1 || s.recipients(t, "weekly") != 0 {
			t.Errorf("%d get the daily, %d the weekly", s.recipients(t, "daily"), s.recipients(t, "weekly"))
		}
	})
}

// Who declines a digest while a worker has their mail in hand gets no final dot.
func TestADeclineTakesTheMailOutOfTheHand(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.put(t, both(1))
		id := s.approved(t)
		if _, err := s.EnqueueIssue(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		d := s.claim(t, "a", 1)[0]
		s.prefer(t, both(1).Email, []string{"daily"}, news.Preferences{Declined: []string{"weekly"}, Format: news.FormatText})
		wantCode(t, s.BeginCommit(t.Context(), d, "a"), news.Conflict)
		d.State = news.Queued
		wantCode(t, s.SettleDelivery(t.Context(), d, "a", 0), news.Conflict)
		s.wantTally(t, id, news.Tally{news.Suppressed: 1})
		s.claim(t, "a", 1)
		s.wantState(t, id, news.Sent)
	})
}
