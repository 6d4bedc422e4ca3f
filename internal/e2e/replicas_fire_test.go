//go:build soak

package e2e

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"jianxun/internal/pgtest"
)

// articleLock is what drafting waits for, see lock in internal/store.
const articleLock = 0x6a7801

// TestReplicaKilledInTheMiddleOfAFire keeps the replica that has claimed a due
// time from drafting the issue, kills it there, and has another one take over
// when the claim has run out. It waits for a full minute of the clock and then for
// a claim of one minute, and so is for make soak alone.
func TestReplicaKilledInTheMiddleOfAFire(t *testing.T) {
	store, err := pgtest.Shared(t).Database()
	if err != nil {
		t.Fatal(err)
	}
	relay := newSink(t, "")
	first, second := newReplica(t, store, relay.addr, 2), newReplica(t, store, relay.addr, 2)
	first.page(1)
	first.must("ingest", "pages")
	due := time.Now().Add(20 * time.Second).Truncate(time.Minute).Add(time.Minute)
	for _, s := range []*site{first, second} {
		schedule := due.In(eight.Location()).Format("4 15 2 1 *")
		s.configure(strings.Replace(replicaConfig(store, relay.addr), "0 8 1 1 *", schedule, 1))
	}
	d := first.serve()
	release := hold(t, store, articleLock) // to start takes the lock as well
	if now := time.Now(); !now.Before(due) {
		t.Fatalf("it is %v after the due time already", now.Sub(due))
	}
	eventually(t, "the due time has been claimed", func() bool {
		return len(ask(t, store, "SELECT token FROM fires WHERE done = 0 AND token <> ''")) == 1
	})
	if err := d.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	claimed := ask(t, store, "SELECT CAST(lease_until AS text) FROM fires WHERE done = 0")
	d.kill()
	killed := time.Now()
	if n := len(ask(t, store, "SELECT digest FROM issues")); n != 0 || len(claimed) != 1 {
		t.Fatalf("%d issues and %d claims when it was killed", n, len(claimed))
	}
	release()
	second.serve()
	relay.wait(t, 2)
	took := time.Since(killed)
	t.Logf("killed %v after the due time; the other sent the issue %v later", killed.Sub(due).Round(time.Millisecond), took.Round(time.Millisecond))
	eventually(t, "the issue is sent", func() bool { return second.issue().State == "sent" })
	if n := len(ask(t, store, "SELECT digest FROM issues")); n != 1 || len(relay.all()) != 2 || took > 80*time.Second {
		t.Errorf("%d issues, %d mails, after %v", n, len(relay.all()), took)
	}
}

// hold takes a lock of the store until it is released.
func hold(t *testing.T, store string, lock int64) (release func()) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), fmt.Sprintf("SELECT pg_advisory_lock(%d)", lock)); err != nil {
		t.Fatal(err)
	}
	return func() { _ = conn.Close(t.Context()) }
}
