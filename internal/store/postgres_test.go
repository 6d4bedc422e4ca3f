package store

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"jianxun/internal/news"
	"jianxun/internal/pgtest"
)

// onPostgres opens an empty store in a database made with the clauses.
func onPostgres(t *testing.T, clauses string) fixture {
	t.Helper()
	c := &clock{at: monday}
	address := emptyPostgres(t, pgtest.Shared(t), clauses)
	return fixture{handle(t, address, c), c, address}
}

// A database in the language of its users sorts by their alphabet; ids and
// columns must not.
func TestTextHasOneOrderInADatabaseOfAnyLanguage(t *testing.T) {
	s := onPostgres(t, `TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'zh-CN' LOCALE 'C.UTF-8'`)
	emails := []string{"Z@example.org", "_@example.org", "a@example.org", "b-a@example.org", "ba@example.org", "zhang@example.org", "乙@example.org", "甲@example.org"}
	for _, e := range slices.Backward(emails) {
		s.put(t, news.Subscriber{Email: e, Format: "html"})
	}
	list, err := s.Subscribers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range list {
		got = append(got, p.Email)
	}
	if want := slices.Sorted(slices.Values(emails)); !slices.Equal(got, want) {
		t.Errorf("people come as %q, want %q", got, want)
	}
	a := s.save(t, page(1))
	for _, n := range []int{8, 13, 14, 20, 35, 36} { // also where the next character is a hyphen
		if got := s.get(t, a.ID[:n]); got.ID != a.ID {
			t.Errorf("%s finds %s", a.ID[:n], got.ID)
		}
	}
}

func TestADatabaseThatCannotHoldAStoreIsRefused(t *testing.T) {
	c := pgtest.Shared(t)
	latin := emptyPostgres(t, c, `TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'`)
	_, err := Open(t.Context(), latin, time.Now)
	wantSaid(t, err, news.Invalid, "LATIN1")
	_, err = Open(t.Context(), c.URL("nowhere"), time.Now)
	wantSaid(t, err, news.Unavailable, "there is no database", "createdb")
	_, err = Open(t.Context(), "postgres://u:hidden@127.0.0.1:1/x?password=hidden", time.Now)
	wantSaid(t, err, news.Unavailable, "does not answer")
	_, err = Open(t.Context(), "postgres://u:hidden@127.0.0.1/x?sslmode=none&password=hidden", time.Now)
	wantSaid(t, err, news.Invalid, "cannot be understood", "sslmode")
}

// wantSaid expects an error of the code that says all of it, and no password.
func wantSaid(t *testing.T, err error, code news.ErrorCode, words ...string) {
	t.Helper()
	wantCode(t, err, code)
	if err == nil {
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q does not say %q", err, w)
		}
	}
	if strings.Contains(err.Error(), "hidden") {
		t.Errorf("the password is shown: %v", err)
	}
}

// watched is a second process that hears of changes, and of nothing by looking.
func watched(t *testing.T, s fixture) (articles, deliveries chan struct{}) {
	t.Helper()
	other := handle(t, s.address, s.clock)
	other.dialect.poll = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	articles, deliveries = make(chan struct{}, 100), make(chan struct{}, 100)
	ended := make(chan struct{})
	go func() {
		other.Watch(ctx, func() { articles <- struct{}{} }, func() { deliveries <- struct{}{} })
		close(ended)
	}()
	t.Cleanup(func() { cancel(); <-ended })
	heard(t, articles, "that it listens")
	heard(t, deliveries, "that it listens")
	return articles, deliveries
}

func heard(t *testing.T, c <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(20 * time.Second):
		t.Fatalf("it never heard %s", what)
	}
}

func TestAChangeIsHeardOfByOtherProcesses(t *testing.T) {
	s := onPostgres(t, "")
	articles, deliveries := watched(t, s)
	a := s.save(t, page(1))
	heard(t, articles, "of a new article")
	s.withdraw(t, a.ID)
	heard(t, articles, "of a withdrawal")
	s.restore(t, a.ID)
	heard(t, articles, "of a return")
	s.sending(t, 3)
	heard(t, deliveries, "of mails to send")
	// What is rolled back is not told.
	err := s.inTx(t.Context(), noLock, func(ctx context.Context, t tx) error {
		_, err := t.nextSeq(ctx)
		return errors.Join(err, errors.New("and no further"))
	})
	if err == nil {
		t.Fatal("it was committed")
	}
	s.save(t, page(2))
	heard(t, articles, "of another article")
	if n := len(articles); n > 0 {
		t.Errorf("%d changes were told that were none", n)
	}
}

// A connection that was lost costs time and nothing else.
func TestWhatWasToldWhileNobodyListenedIsMadeUpFor(t *testing.T) {
	s := onPostgres(t, "")
	articles, _ := watched(t, s)
	if _, err := s.write.ExecContext(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`); err != nil {
		t.Fatal(err)
	}
	heard(t, articles, "anything after its connection was ended")
	s.save(t, page(1))
	heard(t, articles, "of an article")
}

// What the driver says is put in words once, and told apart by what to do.
func TestAStoreThatIsGoneIsUnavailable(t *testing.T) {
	c := pgtest.Own(t, pgtest.Options{})
	address, err := c.Database()
	if err != nil {
		t.Fatal(err)
	}
	s := fixture{handle(t, address, &clock{at: monday}), nil, address}
	s.saveAll(t, pages(1))
	if err := c.Halt("immediate"); err != nil {
		t.Fatal(err)
	}
	_, err = s.SaveArticles(t.Context(), pages(2))
	wantCode(t, err, news.Unavailable)
	_, err = s.Newest(t.Context(), news.Filter{}, monday, 10)
	wantCode(t, err, news.Unavailable)
	_, err = s.ClaimDeliveries(t.Context(), holder("a"), 0, 10)
	wantCode(t, err, news.Unavailable)
	wantCode(t, s.Ping(t.Context()), news.Unavailable)
	if err := c.Resume(); err != nil {
		t.Fatal(err)
	}
	s.saveAll(t, pages(2))
	wantCode(t, s.Ping(t.Context()), "")
}

// A server that takes a question and does not answer keeps nobody for long.
func TestAStoreThatHangsIsUnavailable(t *testing.T) {
	c := pgtest.Own(t, pgtest.Options{})
	address, err := c.Database()
	if err != nil {
		t.Fatal(err)
	}
	s := handle(t, address, &clock{at: monday})
	s.dialect.patience = 100 * time.Millisecond
	if err := c.Freeze(); err != nil {
		t.Fatal(err)
	}
	_, err = s.ClaimDeliveries(t.Context(), holder("a"), 0, 10)
	wantCode(t, err, news.Unavailable)
	_, err = s.Subscribers(t.Context())
	wantCode(t, err, news.Unavailable)
	wantCode(t, s.Ping(t.Context()), news.Unavailable)
	if err := c.Thaw(); err != nil {
		t.Fatal(err)
	}
	for err = s.Ping(t.Context()); err != nil && t.Context().Err() == nil; err = s.Ping(t.Context()) {
		wantCode(t, err, news.Unavailable)
	}
}

func TestAClockThatDiffersIsNoticed(t *testing.T) {
	s := onPostgres(t, "")
	s.clock.set(time.Now().Add(-time.Hour))
	if ahead, err := s.Skew(t.Context()); err != nil || (ahead+time.Hour).Abs() > time.Minute {
		t.Errorf("ahead by %v, %v", ahead, err)
	}
}
