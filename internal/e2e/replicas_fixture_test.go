package e2e

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Replicas are several `jianxun serve` over one PostgreSQL, each with a folder
// and ports of its own.

// soaking tells whether to do everything at length, as `make soak` does.
func soaking() bool { return os.Getenv("JIANXUN_SOAK") != "" }

// times is how often, in a test and in a soak.
func times(test, soak int) int {
	if soaking() {
		return soak
	}
	return test
}

// replicaConfig is what replicas have in common: what readers are told does not
// depend on who tells it. The digest is due on New Year's Day, so that nothing
// is sent by itself.
func replicaConfig(store, relay string) string {
	config := fmt.Sprintf(`
site: {url: "http://news.example.org"}
store: %q
feeds: [{slug: yaowen, title: 检察要闻, columns: [检察要闻], items: 5}]
digests: [{slug: weekly, title: 检察要闻周报, schedule: "0 8 1 1 *"}]
limits: {feeds: 0, searches: 0}
subscribers: subscribers.yaml
`, store)
	if relay == "" {
		return config + "mail: {from: 检察要闻周报 <digest@example.org>}\n"
	}
	return config + fmt.Sprintf("mail: {from: 检察要闻周报 <digest@example.org>, relay: \"smtp://%s\", connections: %d, retry: {first: 1s, max: 2s}}\n", relay, connections)
}

// connections is how many each replica has to its relay at the same time.
const connections = 4

// newReplica is a folder to serve from, with so many people on the list.
func newReplica(t testing.TB, store, relay string, people int) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir(), port: lowPort(t), ops: lowPort(t)}
	s.configure(replicaConfig(store, relay))
	var list strings.Builder
	list.WriteString("subscribers:\n")
	for i := range people {
		fmt.Fprintf(&list, "  - {email: %s}\n", person(i))
	}
	s.write("subscribers.yaml", list.String())
	return s
}

func person(i int) string { return fmt.Sprintf("person%d@example.org", i) }

// queued is a folder for commands, whose relay is down: it has left an issue in
// the store for so many people to have, and for replicas to send.
func queued(t testing.TB, store string, people int) *site {
	t.Helper()
	s := newReplica(t, store, fmt.Sprintf("127.0.0.1:%d", lowPort(t)), people)
	for i := range 8 {
		s.page(i)
	}
	s.must("ingest", "pages")
	s.must("issue", "draft", "weekly")
	if out, errs, code := s.run("issue", "send", "weekly"); code != 1 || s.issue().Deliveries.Queued != people {
		t.Fatalf("exit %d, %+v: %s%s", code, s.issue().Deliveries, out, errs)
	}
	return s
}

// ask gives the first column of what the database answers.
func ask(t testing.TB, store, query string, args ...any) []string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	rows, err := conn.Query(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// lowPort is a free one below those that kernels give away: nobody is given it
// while nobody listens there.
func lowPort(t testing.TB) int {
	t.Helper()
	for range 100 {
		port := 10_000 + rand.IntN(20_000)
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			_ = l.Close()
			return port
		}
	}
	t.Fatal("there is no free port")
	return 0
}

// chance is the randomness of a test, told so that a run can be repeated.
func chance(t testing.TB) *rand.Rand {
	t.Helper()
	seed, err := strconv.ParseUint(os.Getenv("JIANXUN_SEED"), 10, 64)
	if err != nil {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("JIANXUN_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}
