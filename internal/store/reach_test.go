package store

import (
	"strings"
	"testing"

	"jianxun/internal/news"
)

// A server elsewhere is spoken to in the clear only if the address says so,
// whatever the environment has for other programs.
func TestOnlyEncryptedWaysLeadElsewhere(t *testing.T) {
	for _, mode := range []string{"", "prefer", "allow", "require"} {
		t.Setenv("PGSSLMODE", mode)
		for address, ways := range map[string]string{
			"postgres://u@db.example.org/x":                              "tls db.example.org",
			"postgres://u@db.example.org,other.example.org/x":            "tls db.example.org, tls other.example.org",
			"postgres://u:sslmode=disable@db.example.org/x":              "tls db.example.org",
			"postgres://u@db.example.org/x?sslmode=":                     "tls db.example.org",
			"postgres://u@db.example.org/x?sslmode=disable&sslmode=":     "tls db.example.org",
			"postgres://u@db.example.org/x?application_name=sslmode%3D1": "tls db.example.org",
			"postgres://u@db.example.org/x?ssl=true":                     "tls db.example.org",
			"postgres://u@db.example.org/x?sslmode=verify-full":          "tls db.example.org",
			"postgres://u@db.example.org/x?sslmode=prefer":               "tls db.example.org, open db.example.org",
			"postgres://u@db.example.org/x?sslmode=allow":                "open db.example.org, tls db.example.org",
			"postgres://u@db.example.org/x?sslmode=disable":              "open db.example.org",
			"postgres:///x?host=/run/postgresql":                         "open /run/postgresql",
		} {
			if got := waysOf(t, address); got != ways {
				t.Errorf("with PGSSLMODE=%s %s leads by %s, want %s", mode, address, got, ways)
			}
		}
	}
}

// On this machine it is as the environment says.
func TestOpenWaysLeadToThisMachine(t *testing.T) {
	for mode, ways := range map[string]string{"": "tls, open", "prefer": "tls, open", "allow": "open, tls", "disable": "open", "require": "tls"} {
		t.Setenv("PGSSLMODE", mode)
		for _, host := range []string{"localhost", "127.0.0.1:5433", "[::1]"} {
			got := waysOf(t, "postgres://u@"+host+"/x")
			if name := strings.Trim(strings.TrimSuffix(host, ":5433"), "[]"); strings.ReplaceAll(got, " "+name, "") != ways {
				t.Errorf("with PGSSLMODE=%s %s is reached by %s, want %s", mode, host, got, ways)
			}
		}
	}
}

func TestAnEnvironmentWithoutTLSLeadsNowhereElse(t *testing.T) {
	t.Setenv("PGSSLMODE", "disable")
	_, err := dialectOf("postgres://u:hidden@db.example.org/x")
	wantSaid(t, err, news.Invalid, "postgres://u@db.example.org/x", "PGSSLMODE", "sslmode=disable")
	if got := waysOf(t, "postgres://u@db.example.org,localhost/x"); got != "open localhost" {
		t.Errorf("the ways are %s", got)
	}
}

// waysOf are the ways that are tried to the server of an address, in order.
func waysOf(t *testing.T, address string) string {
	t.Helper()
	c := understood(t, address).config
	way := func(host string, encrypted bool) string {
		if encrypted {
			return "tls " + host
		}
		return "open " + host
	}
	ways := []string{way(c.Host, c.TLSConfig != nil)}
	for _, f := range c.Fallbacks {
		ways = append(ways, way(f.Host, f.TLSConfig != nil))
	}
	return strings.Join(ways, ", ")
}
