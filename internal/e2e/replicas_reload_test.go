package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"jianxun/internal/pgtest"
)

// TestReplicaTakesAnEditMadeWhileTheDatabaseWasAway edits the configuration while
// the database cannot be reached. That is no fault of the file; the edit is taken
// when the database is back, without another.
func TestReplicaTakesAnEditMadeWhileTheDatabaseWasAway(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Own(t, pgtest.Options{})
	store, err := cluster.Database()
	if err != nil {
		t.Fatal(err)
	}
	p := newProxy(t, cluster.Port())
	store = strings.Replace(store, fmt.Sprintf("127.0.0.1:%d", cluster.Port()), p.addr, 1)
	replica := newReplica(t, store, "", 3)
	replica.page(1)
	d := replica.serve()
	good := replicaConfig(store, "")
	feed := func(slug string) int {
		resp, _ := get(t, replica.url("/feeds/"+slug+".rss"))
		return resp.StatusCode
	}

	p.refuse()
	replica.configure(strings.Replace(good, "slug: yaowen", "slug: first", 1))
	eventually(t, "it says that the edit waits for the store", func() bool { return replica.waitsForStore() != "" })
	if c := replica.configuration(); c["ok"] != false || c["faults"] != nil || c["refused_at"] != nil || !strings.Contains(replica.waitsForStore(), "does not answer") {
		t.Errorf("/readyz says of the configuration: %v", c)
	}

	replica.configure(strings.Replace(good, "slug: yaowen", "slug: A b", 1))
	eventually(t, "a fault is one, store or not", func() bool { return replica.configuration()["faults"] != nil })
	if said := replica.waitsForStore(); said != "" {
		t.Errorf("with a fault it still waits: %s", said)
	}

	replica.configure(strings.Replace(good, "slug: yaowen", "slug: second", 1))
	eventually(t, "the mended file waits for the store", func() bool { return replica.waitsForStore() != "" })
	if feed("yaowen") != http.StatusOK || feed("second") != http.StatusNotFound {
		t.Error("what was in force has not stayed")
	}
	if err := p.heal(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the edit is taken", func() bool { return feed("second") == http.StatusOK && feed("yaowen") == http.StatusNotFound })
	if c := replica.configuration(); c["ok"] != true || replica.waitsForStore() != "" {
		t.Errorf("/readyz says of the configuration: %v", c)
	}
	if n := strings.Count(d.output(), "the configuration is not taken yet"); n != 2 {
		t.Errorf("it was said %d times that the store is away, want once for each time that it began:\n%s", n, d.output())
	}
}

// configuration is what /readyz says of it.
func (s *site) configuration() map[string]any {
	s.t.Helper()
	c, _ := s.readyz()["config"].(map[string]any)
	return c
}

func (s *site) waitsForStore() string {
	s.t.Helper()
	said, _ := s.configuration()["waits_for_store"].(string)
	return said
}
