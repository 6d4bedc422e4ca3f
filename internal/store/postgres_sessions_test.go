package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"jianxun/internal/news"
)

// until asks again and again until it is so; every question takes its time.
func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); {
		if time.Now().After(end) {
			t.Fatalf("it never came that %s", what)
		}
	}
}

// asked gives what the database answers in one word.
func asked[T any](t testing.TB, db *sql.DB, question string) (answer T) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), question).Scan(&answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

// wantWaiting waits until somebody waits for what another session has.
func (s fixture) wantWaiting(t testing.TB) {
	t.Helper()
	until(t, "a session waits for another", func() bool {
		return asked[bool](t, s.write, `SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')`)
	})
}

// begins settles what new sessions of the database begin with.
func (s fixture) begins(t testing.TB, setting, value string) {
	t.Helper()
	_, err := s.write.ExecContext(t.Context(), fmt.Sprintf(`DO $$ BEGIN EXECUTE format('ALTER DATABASE %%I SET %s = %s', current_database()); END $$`, setting, value))
	if err != nil {
		t.Fatal(err)
	}
}

// What a crash of the server takes back was recorded by nobody: the mail would be
// sent again. Who asks for other guarantees than none gets those.
func TestCommitsAreKeptWhateverTheDatabaseSays(t *testing.T) {
	s := onPostgres(t, "")
	for says, want := range map[string]string{"off": "on", "on": "on", "local": "local", "remote_write": "remote_write", "remote_apply": "remote_apply"} {
		s.begins(t, "synchronous_commit", says)
		other := handle(t, s.address, s.clock)
		for name, db := range map[string]*sql.DB{"write": other.write, "read": other.read.DB} {
			if got := asked[string](t, db, `SHOW synchronous_commit`); got != want {
				t.Errorf("where the database says %s, sessions that %s have %s; want %s", says, name, got, want)
			}
		}
	}
}

func TestADatabaseThatTakesNoChangesIsNotReady(t *testing.T) {
	s := onPostgres(t, "")
	for _, c := range []struct {
		value string
		want  news.ErrorCode
	}{{"on", news.Unavailable}, {"off", ""}} {
		s.begins(t, "default_transaction_read_only", c.value)
		other, err := connect(t.Context(), s.address, s.clock.now) // as the sessions of a pool are made anew
		if err != nil {
			t.Fatal(err)
		}
		wantCode(t, other.Ping(t.Context()), c.want)
		_, err = other.SaveArticles(t.Context(), pages(1))
		wantCode(t, err, c.want)
		_, err = other.Newest(t.Context(), news.Filter{}, monday, 10)
		wantCode(t, err, "")
		wantCode(t, other.Close(), "")
	}
}

// Only what is on the way to the store passes by itself.
func TestABrokenRowIsNoStoreThatIsAway(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		a := s.save(t, page(1))
		if _, err := s.write.ExecContext(t.Context(), `UPDATE articles SET content = '{' WHERE id = $1`, a.ID); err != nil {
			t.Fatal(err)
		}
		_, list := s.Newest(t.Context(), news.Filter{}, s.clock.now(), 10)
		_, one := s.Article(t.Context(), a.ID)
		_, found := s.Search(t.Context(), "检察", s.clock.now(), 10)
		for name, err := range map[string]error{"Newest": list, "Article": one, "Search": found} {
			if err == nil || news.CodeOf(err) == news.Unavailable {
				t.Errorf("%s: error %v of code %s; want one that no waiting mends", name, err, news.CodeOf(err))
			}
		}
		wantCode(t, s.Ping(t.Context()), "")
		s.save(t, page(2))
	})
}

// Who leaves must not have to wait for a roster of a million to be applied.
func TestWhoLeavesDoesNotWaitForTheRoster(t *testing.T) {
	s := onPostgres(t, "")
	s.put(t, person(1))
	err := s.inTxWithin(t.Context(), s.dialect.patience*long, rosterLock, func(context.Context, tx) error {
		s.decide(t, person(1).Email, news.Unsubscribed)
		return nil
	})
	wantCode(t, err, "")
	if got := s.person(t, person(1).Email).State; got != news.Unsubscribed {
		t.Errorf("the person is %s", got)
	}
}

// Of those that start at once one brings the tables up to date. The others wait
// without keeping it from anything: a statement that waited in the server would
// keep its snapshot, and with it every index that is made while others go on.
func TestAStarterWaitsForTheOther(t *testing.T) {
	s := onPostgres(t, "")
	first, err := s.write.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = first.Close() }()
	steps := func(statement string) {
		t.Helper()
		if _, err := first.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	steps(fmt.Sprintf(`SELECT pg_advisory_lock(%d)`, schemaLock))
	// start opens the store, and comes back while that waits.
	start := func(ctx context.Context) <-chan error {
		opened := make(chan error, 1)
		go func() {
			other, err := Open(ctx, s.address, s.clock.now)
			if err == nil {
				err = other.Close()
			}
			opened <- err
		}()
		until(t, "a starter waits", func() bool {
			return asked[bool](t, s.write, `SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'SELECT pg%advisory_lock($1)')`)
		})
		return opened
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	opened := start(ctx)
	steps(`CREATE INDEX CONCURRENTLY made_meanwhile ON subscribers (email)`)
	steps(`DROP INDEX made_meanwhile`)
	cancel()
	if err := within(t, opened, "the end of a start that was broken off"); !errors.Is(err, context.Canceled) {
		t.Errorf("it waited until %v, want until it was broken off", err)
	}
	until(t, "the session of the one that gave up has ended", func() bool {
		return !asked[bool](t, s.write, `SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'SELECT pg%advisory_lock($1)')`)
	})
	opened = start(t.Context())
	steps(fmt.Sprintf(`SELECT pg_advisory_unlock(%d)`, schemaLock))
	wantCode(t, within(t, opened, "the start"), "")
}

// within waits for what is to come, for long but not for ever.
func within[T any](t testing.TB, c <-chan T, what string) (came T) {
	t.Helper()
	select {
	case came = <-c:
	case <-time.After(20 * time.Second):
		t.Fatalf("%s never came", what)
	}
	return came
}

// A daemon shows by its listening connection that it serves. One that lost it may
// find the store taken: what it wrote then would be missing in the copy.
func TestADaemonWritesNothingWhileTheStoreIsCopied(t *testing.T) {
	s := onPostgres(t, "")
	s.save(t, page(1))
	_, err := s.Serve(t.Context())
	wantCode(t, err, "")
	ctx, cancel := context.WithCancel(t.Context())
	changes, ended := make(chan struct{}, 1000), make(chan struct{})
	go func() {
		s.Watch(ctx, func() { changes <- struct{}{} }, func() {})
		close(ended)
	}()
	t.Cleanup(func() { cancel(); <-ended })
	heard(t, changes, "that it listens")

	copier := handle(t, s.address, s.clock)
	_, err = copier.dialect.own(t.Context(), copier)
	wantCode(t, err, news.Conflict)
	var release func() error
	until(t, "the copier has the store alone", func() bool {
		if _, err := copier.write.ExecContext(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock'
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`); err != nil {
			t.Fatal(err)
		}
		release, err = copier.dialect.own(t.Context(), copier)
		return err == nil
	})
	until(t, "it writes nothing", func() bool {
		_, err = s.SaveArticles(t.Context(), pages(2))
		return err != nil
	})
	wantSaid(t, err, news.Unavailable, "is being copied")
	_, err = s.ClaimDeliveries(t.Context(), holder("a"), 0, 1)
	wantSaid(t, err, news.Unavailable, "is being copied")
	if got := s.newest(t, news.Filter{}, 10); len(got) == 0 {
		t.Error("nothing can be read meanwhile")
	}
	wantCode(t, release(), "")
	until(t, "it writes again", func() bool {
		_, err = s.SaveArticles(t.Context(), pages(3))
		if err != nil && !strings.Contains(err.Error(), "is being copied") {
			t.Fatal(err)
		}
		return err == nil
	})
}
