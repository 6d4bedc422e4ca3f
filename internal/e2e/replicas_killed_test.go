package e2e

import (
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"jianxun/internal/pgtest"
)

// sender is a replica with a relay of its own, so that its connections can be
// counted apart from the other's.
type sender struct {
	site  *site
	relay *sink
	d     *daemon
}

// TestReplicasKilledWhileSending kills replicas as power cuts would, at random
// moments of an issue, and the database once. Nobody gets two copies, nobody is
// lost, and for whom nobody can know is listed.
func TestReplicasKilledWhileSending(t *testing.T) {
	t.Parallel()
	people, kills := times(200, 2000), times(3, 24)
	random := chance(t)
	cluster := pgtest.Own(t, pgtest.Options{Durable: true})
	store, err := cluster.Database()
	if err != nil {
		t.Fatal(err)
	}
	desk := queued(t, store, people)
	taken := make(chan int, people)
	senders := make([]*sender, 2)
	for i := range senders {
		relay := newSink(t, "")
		relay.got = make(chan struct{})
		relay.slow(40 * time.Millisecond) // most of the time a connection waits for this answer
		go tell(t, relay.got, taken, i)
		senders[i] = &sender{site: newReplica(t, store, relay.addr, people), relay: relay}
	}
	for _, s := range senders {
		s.d = s.site.serve()
	}
	began, open := time.Now(), 0
	for n := range kills {
		if n == kills/2 {
			if err := cluster.Restart("immediate"); err != nil {
				t.Fatal(err)
			}
			forget(taken)
		}
		open += senders[next(t, random, taken)].kill(t, random)
	}
	t.Logf("%d kills in %v", kills, time.Since(began).Round(time.Millisecond))
	var is issue
	eventually(t, "the issue is sent", func() bool {
		is = desk.issue()
		return is.State == "sent"
	})
	t.Logf("sent after %v", time.Since(began).Round(time.Millisecond))
	judge(t, is, senders, people, open)
}

// tell passes on who has taken a mail.
func tell(t *testing.T, got <-chan struct{}, taken chan<- int, who int) {
	for {
		select {
		case <-got:
			taken <- who
		case <-t.Context().Done():
			return
		}
	}
}

// forget drops what was taken before now.
func forget(taken <-chan int) {
	for {
		select {
		case <-taken:
		default:
			return
		}
	}
}

// next waits for some mails and says whose the last of them was. That one has
// sent more than was in hand on all its connections: should the database have
// been away before, it has dealt with what that had interrupted.
func next(t *testing.T, random *rand.Rand, taken <-chan int) int {
	t.Helper()
	sent := [2]int{}
	for wanted := 1 + random.IntN(times(12, 50)); ; wanted-- {
		select {
		case who := <-taken:
			if sent[who]++; wanted <= 1 && sent[who] > connections {
				return who
			}
		case <-time.After(patience):
			t.Fatal("nobody sends")
		}
	}
}

// kill kills the replica within the next moments, starts it again, and says how
// many connections it had. It stands still while they are counted.
func (s *sender) kill(t *testing.T, random *rand.Rand) int {
	t.Helper()
	<-time.After(time.Duration(random.IntN(40_000)) * time.Microsecond) // nothing is waited for: any moment will do
	if err := s.d.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	open := s.relay.connections()
	s.d.kill()
	s.d = s.site.serve()
	return open
}

// judge compares what the ledger says with what the relays have taken.
func judge(t *testing.T, is issue, senders []*sender, people, open int) {
	t.Helper()
	copies := map[string]int{}
	for _, s := range senders {
		for who, n := range s.relay.copies() {
			copies[who] += n
		}
	}
	uncertain := map[string]bool{}
	for _, trouble := range is.Trouble {
		if trouble.State == "uncertain" {
			uncertain[trouble.Email] = true
		}
	}
	without := 0
	for i := range people {
		switch n := copies[person(i)]; {
		case n > 1:
			t.Errorf("%s got %d copies", person(i), n)
		case n == 0 && !uncertain[person(i)]:
			t.Errorf("%s is lost", person(i))
		case n == 0:
			without++
		}
	}
	t.Logf("%d people: %d sent, %d uncertain, of whom %d without a copy; %d connections were open at the kills",
		people, is.Deliveries.Sent, is.Deliveries.Uncertain, without, open)
	if is.Deliveries.Sent+is.Deliveries.Uncertain != people || len(uncertain) != is.Deliveries.Uncertain {
		t.Errorf("%+v, and %d are listed as uncertain", is.Deliveries, len(uncertain))
	}
	if is.Deliveries.Uncertain > open {
		t.Errorf("%d are uncertain, and %d connections were open", is.Deliveries.Uncertain, open)
	}
}
