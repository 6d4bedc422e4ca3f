package store

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"jianxun/internal/news"
)

// Every password below holds the word hid, which may be shown nowhere.

// understood is the database of an address.
func understood(t *testing.T, address string) *postgres {
	t.Helper()
	at, ok := locate(address)
	if !ok {
		t.Fatalf("%s is not taken for the address of a database", address)
	}
	p, err := postgresAt(at)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAnAddressIsReadAsItIsMeant(t *testing.T) {
	for _, v := range []string{"PGPASSWORD", "PGSERVICE", "PGHOST", "PGPORT"} {
		t.Setenv(v, "")
	}
	for address, want := range map[string]struct{ name, user, password, host, database string }{
		"postgres://u@127.0.0.1:1/db":                             {"postgres://u@127.0.0.1:1/db", "u", "", "127.0.0.1", "db"},
		"postgresql://u:hidden@127.0.0.1:1/db?sslmode=disable":    {"postgresql://u@127.0.0.1:1/db?sslmode=disable", "u", "hidden", "127.0.0.1", "db"},
		"postgres://u:hi@hidden@127.0.0.1:1/db":                   {"postgres://u@127.0.0.1:1/db", "u", "hi@hidden", "127.0.0.1", "db"},
		"postgres://u:hid:d@en@127.0.0.1:1/db":                    {"postgres://u@127.0.0.1:1/db", "u", "hid:d@en", "127.0.0.1", "db"},
		"postgres://u%40v:hid%2Fden@127.0.0.1:1/db":               {"postgres://u%40v@127.0.0.1:1/db", "u@v", "hid/den", "127.0.0.1", "db"},
		"postgres://u@127.0.0.1:1/db?password=hid%40den":          {"postgres://u@127.0.0.1:1/db", "u", "hid@den", "127.0.0.1", "db"},
		"postgres://u:hid@127.0.0.1:1/db?pass%77ord=hidden":       {"postgres://u@127.0.0.1:1/db", "u", "hidden", "127.0.0.1", "db"},
		"postgres://u@127.0.0.1:1/db?sslpassword=hid&passfile=/p": {"postgres://u@127.0.0.1:1/db?passfile=/p", "u", "", "127.0.0.1", "db"},
		"postgres://u@127.0.0.1:1/db?options=-c%20a%3D1&sslsni=0": {"postgres://u@127.0.0.1:1/db?options=-c%20a%3D1&sslsni=0", "u", "", "127.0.0.1", "db"},
		"postgres://u:hid@127.0.0.1:1,[::1]:2/%E6%A3%80?":         {},
		"postgres://u:hid@127.0.0.1:1,localhost:2/%E6%A3%80?":     {"postgres://u@127.0.0.1:1,localhost:2/%E6%A3%80", "u", "hid", "127.0.0.1", "检"},
		"postgres:///db?host=/run/nowhere&user=u":                 {"postgres:///db?host=/run/nowhere&user=u", "u", "", "/run/nowhere", "db"},
	} {
		if want.name == "" {
			if at, ok := locate(address); ok {
				t.Errorf("%s is taken: %+v", address, at)
			}
			continue
		}
		p := understood(t, address)
		if c := p.config; p.name != want.name || c.User != want.user || c.Password != want.password || c.Host != want.host || c.Database != want.database {
			t.Errorf("%s is %q of %q with %q at %q, named %s", address, c.Database, c.User, c.Password, c.Host, p.name)
		}
		if got := understood(t, p.name).name; got != p.name {
			t.Errorf("%s becomes %s when it is read again", p.name, got)
		}
		_, err := Open(t.Context(), address, time.Now)
		wantHidden(t, address, err, news.Unavailable)
	}
}

func TestAnAddressThatIsNoStoreDoesNotShowItsPassword(t *testing.T) {
	for _, address := range []string{
		"postgres:host=x password=hidden dbname=y", "postgres:u:hidden@host/db", "postgres:/u:hidden@host/db", "postgres:hidden", "postgresql:u:hidden",
		"postgres//u:hidden@host/db", "POSTGRES://u:hidden@host/db", "posgres://u:hidden@host/db", "posgres://u:hidden", "mysql://u:hidden@host/db",
		"sqlite://u:hidden@host/db", "u:hidden@host/db", "u:hid hidden@host/db", "host=x password=hidden", "password=hidden host=x", " password=hidden",
		"postgres://u:hidden@host", "postgres://u:hidden", "postgres://u:hidden/db", "postgres://u:hidden:x@host:x/db", "postgres://u:hidden@host:x/db",
		"postgres://u:hid/hidden@host/db", "postgres://u:hid#hidden@host/db", "postgres://u:hid?hidden@host/db", "postgres://u:hid%hidden@host/db",
		"postgres://u:[hidden@host/db", "postgres://u:hid hidden@host/db", "postgres://u:1/hidden@host/db", "postgres://u:1/x#hidden", "postgres://u:1/x?hidden@host/db",
		"postgres://u:1/x?a=hidden@host/db", "postgres://u:hid,h:5/db", "postgres://h/db?hidden", "postgres://h/db?PASSWORD=hidden", "postgres://h/db?pwd=hidden",
		"postgres://h/db?pass%zzword=hidden", "postgres://h/db?password=hid%zz", "postgres://u@h?password=hidden", "postgres://u:hid\nhidden@h/db", "postgres://u:hidden@/",
	} {
		_, err := Open(t.Context(), address, time.Now)
		wantHidden(t, address, err, news.Invalid)
		for _, other := range []string{address, "sqlite:" + filepath.Join(t.TempDir(), "a.db")} {
			_, err := Copy(t.Context(), other, address, true, time.Now, unwatched)
			wantHidden(t, address, err, news.Invalid)
		}
	}
	if _, err := Open(t.Context(), "postgres://u:7654321/db", time.Now); err == nil || strings.Contains(err.Error(), "7654321") {
		t.Errorf("a port that may be a password: %v", err)
	}
}

func wantHidden(t *testing.T, address string, err error, code news.ErrorCode) {
	t.Helper()
	wantCode(t, err, code)
	if err != nil && strings.Contains(err.Error(), "hid") {
		t.Errorf("the error shows the password of %s: %v", address, err)
	}
	if got := lasting(address); strings.Contains(got, "hid") {
		t.Errorf("%s is written down as %s", address, got)
	}
}

func TestWhatIsNoStoreIsNamed(t *testing.T) {
	for address, want := range map[string]string{
		"var/jianxun.db": "var/jianxun.db", "mysql://x": "mysql://x", "postgres://h": "postgres://h", "postgres:u@h/db": "postgres…", "mysql://u@h/db": "mysql://u…", "": "",
	} {
		_, err := dialectOf(address)
		wantSaid(t, err, news.Invalid, `store "`+want+`" is not of the form`)
	}
}
