package e2e

import (
	"net/http"
	"strings"
	"testing"

	"jianxun/internal/pgtest"
)

// TestIssueNumbersBeyondAnySense asks for issues whose numbers no store can hold.
func TestIssueNumbersBeyondAnySense(t *testing.T) {
	t.Parallel()
	for engine, store := range map[string]func(*testing.T) string{
		"SQLite": func(*testing.T) string { return "sqlite:var/jianxun.db" },
		"PostgreSQL": func(t *testing.T) string {
			store, err := pgtest.Shared(t).Database()
			if err != nil {
				t.Fatal(err)
			}
			return store
		},
	} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			s := newReplica(t, store(t), "", 1)
			s.serve()
			for _, number := range []string{"9999999999", "2026-9999999999", "3000000000-1", "77"} {
				if resp, _ := get(t, s.url("/issues/weekly/"+number)); resp.StatusCode != http.StatusNotFound {
					t.Errorf("%s: %s", number, resp.Status)
				}
			}
			if out, errs, code := s.run("issue", "show", "weekly/9999999999"); code != 1 || !strings.Contains(errs, `"9999999999" 不是期号`) {
				t.Errorf("exit %d: %s%s", code, out, errs)
			}
		})
	}
}
