package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"jianxun/internal/news"
)

// Work that grows with what there is, and has its bounds.

// TestManyFeedsShareWhatOneCallCollects: who wants to withdraw an article waits
// for one call, not for all feeds.
func TestManyFeedsShareWhatOneCallCollects(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		const many, share = 70, 50
		s.saveAll(t, pages(many))
		feeds := make([]news.Feed, 20)
		for i := range feeds {
			feeds[i] = news.Feed{Slug: fmt.Sprint("feed", i), Items: 3}
		}
		list, err := s.Collect(t.Context(), feeds, s.clock.now())
		for i, c := range list {
			if come := asked[int](t, s.read.DB, fmt.Sprint(`SELECT seq FROM collections WHERE id = `, c.ID)); err != nil || come != share || !c.Behind {
				t.Errorf("feed %d has come to %d, behind %v, %v; want %d, behind", i, come, c.Behind, err, share)
			}
		}
		for range 2 { // to see the rest, and to archive the rest
			list, err = s.Collect(t.Context(), feeds, s.clock.now())
		}
		for i, c := range list {
			if err != nil || c.Behind || c.Archived != many-3 {
				t.Errorf("feed %d has %d archived, behind %v, %v", i, c.Archived, c.Behind, err)
			}
		}
		// One that is behind alone has the whole of it.
		if list, err := s.Collect(t.Context(), []news.Feed{everything()}, s.clock.now()); err != nil || list[0].Behind || list[0].Archived != many-3 {
			t.Errorf("%+v, %v", list, err)
		}
	})
}

// roster is n people, of whom a tenth comes again at the end, written differently
// and with other wishes.
func roster(n int) []news.Subscriber {
	list := people(n)
	for i := 0; i < n; i += 10 {
		list = append(list, otherwise(i))
	}
	return list
}

func otherwise(n int) news.Subscriber {
	p := person(n)
	p.Email, p.Name, p.Digests, p.Keywords = strings.ToUpper(p.Email), "王五", []string{"daily", "monthly"}, []string{"公益"}
	return p
}

// wantRoster expects the n people of a roster, as they came last.
func (s fixture) wantRoster(t testing.TB, n int) {
	t.Helper()
	all, err := s.Subscribers(t.Context())
	if err != nil || len(all) != n {
		t.Fatalf("%d people, %v; want %d", len(all), err, n)
	}
	for _, got := range all {
		var i int
		if _, err := fmt.Sscanf(strings.ToLower(got.Email), "p%d@", &i); err != nil {
			t.Fatal(err)
		}
		want := person(i)
		if i%10 == 0 {
			want = otherwise(i)
		}
		if got.Email != want.Email || got.Name != want.Name || !slices.Equal(got.Digests, want.Digests) || !slices.Equal(got.Keywords, want.Keywords) || !got.Listed {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	}
	if got := s.recipients(t, "weekly"); got != n-n/10 {
		t.Errorf("%d get the weekly, want %d", got, n-n/10)
	}
	if times := asked[int](t, s.read.DB, `SELECT count(DISTINCT changed) FROM subscribers`); times != 1 {
		t.Errorf("it was applied at %d times, want one transaction", times)
	}
}

// passing makes the clock go on with every look at it: no two transactions have
// the same time.
func (s fixture) passing() {
	s.now = func() time.Time {
		s.clock.pass(time.Second)
		return s.clock.now()
	}
}

func TestTheLastOfARosterWins(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.passing()
		s.put(t, person(7), person(10))
		s.put(t, roster(600)...)
		s.wantRoster(t, 600)
	})
}

// Where the database is elsewhere, every statement takes a journey.
func TestARosterTakesFewJourneys(t *testing.T) {
	s := onPostgres(t, "")
	for _, step := range []string{
		`CREATE SEQUENCE journeys`,
		`CREATE FUNCTION journey() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('journeys'); RETURN NULL; END $$`,
		`CREATE TRIGGER people AFTER INSERT ON subscribers FOR EACH STATEMENT EXECUTE FUNCTION journey()`,
		`CREATE TRIGGER wishes AFTER INSERT OR DELETE ON subscriptions FOR EACH STATEMENT EXECUTE FUNCTION journey()`,
	} {
		if _, err := s.write.ExecContext(t.Context(), step); err != nil {
			t.Fatal(err)
		}
	}
	s.passing()
	s.put(t, roster(1200)...)
	s.wantRoster(t, 1200)
	if n := asked[int](t, s.write, `SELECT last_value FROM journeys`); n > 50 {
		t.Errorf("%d statements for 1,200 people, want 50 at most", n)
	}
}

// A table of numbers or a list of addresses may be nothing but long words.
func TestALongTextOfLongWordsIsFound(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		word := func(n int) string { return fmt.Sprintf("%04d", n) + strings.Repeat("あ", 96) } // 292 octets, 100 characters
		var b strings.Builder
		for n := range 4000 {
			b.WriteString(word(n) + " ")
		}
		s.saveAll(t, []news.Article{told(1, b.String()), told(2, "检察机关提起公益诉讼。")})
		for query, want := range map[string][]string{
			word(0): named(1), word(1777): named(1), word(3999): named(1), word(4000): named(),
			title(1): named(1), "公益诉讼": named(2),
		} {
			if got := s.search(t, query); !slices.Equal(got, want) {
				t.Errorf("%q finds %q, want %q", query, got, want)
			}
		}
	})
}
