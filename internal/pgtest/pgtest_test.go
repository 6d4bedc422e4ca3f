//go:build unix && !aix && !solaris

package pgtest

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) { os.Exit(Run(m)) }

// ask runs a statement that is to succeed.
func ask(t *testing.T, c *Cluster, db, statement string) string {
	t.Helper()
	out, err := c.psql(db, statement, patience)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// database makes one and gives its name.
func database(t *testing.T, make func() (string, error)) string {
	t.Helper()
	address, err := make()
	if err != nil {
		t.Fatal(err)
	}
	return address[strings.LastIndexByte(address, '/')+1 : strings.IndexByte(address, '?')]
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestDatabasesAreDistinctAndEmpty(t *testing.T) {
	c := Shared(t)
	one, two := database(t, c.Database), database(t, c.Database)
	ask(t, c, one, "CREATE TABLE news (id int)")
	const tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
	if a, b := ask(t, c, one, tables), ask(t, c, two, tables); one == two || a != "1" || b != "0" {
		t.Errorf("%s has %s tables, want 1; %s has %s, want none", one, a, two, b)
	}
	if got := ask(t, c, two, "SELECT current_user || getdatabaseencoding() || current_setting('max_connections')"); got != "jianxunUTF8400" {
		t.Errorf("user, encoding, connections %s", got)
	}
}

func TestDroppedDatabaseIsGone(t *testing.T) {
	c := Shared(t)
	db := database(t, c.Database)
	must(t, c.Drop(c.URL(db)))
	if _, err := c.psql(db, "SELECT 1", patience); err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("%v, want that it does not exist", err)
	}
}

func TestDatabaseWithAnotherLocale(t *testing.T) {
	c := Shared(t)
	db := database(t, func() (string, error) {
		return c.DatabaseWith("TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'zh-CN' LOCALE 'C.UTF-8'")
	})
	provider := fmt.Sprintf("SELECT datlocprovider FROM pg_database WHERE datname = '%s'", db)
	if got := ask(t, c, db, provider); got != "i" {
		t.Errorf("locale provider %q, want i", got)
	}
}

func TestSharedClusterIsNotHalted(t *testing.T) {
	c := Shared(t)
	for what, err := range map[string]error{"Halt": c.Halt("fast"), "Freeze": c.Freeze(), "Stop": c.Stop()} {
		if err != errShared {
			t.Errorf("%s: %v, want that it is refused", what, err)
		}
	}
	ask(t, c, "postgres", "SELECT 1")
}

func TestAttachedClusterIsTheSame(t *testing.T) {
	c := Shared(t)
	other, err := attach(c.URL("postgres"))
	must(t, err)
	db := database(t, other.Database)
	if other.URL(db) != c.URL(db) || other.Port() != c.Port() {
		t.Errorf("%s at %d, want %s at %d", other.URL(db), other.Port(), c.URL(db), c.Port())
	}
	ask(t, c, db, "SELECT 1")
	if _, err := attach("127.0.0.1:5432"); err == nil {
		t.Error("an address that is no URL was taken")
	}
}

func TestRestartKeepsDataAndPort(t *testing.T) {
	c := Own(t, Options{Durable: true})
	port, db := c.Port(), database(t, c.Database)
	ask(t, c, db, "CREATE TABLE news (id int)")
	for n, mode := range []string{"fast", "immediate"} {
		ask(t, c, db, "INSERT INTO news VALUES (1)")
		must(t, c.Restart(mode))
		if got := ask(t, c, db, "SELECT count(*) FROM news"); got != fmt.Sprint(n+1) || c.Port() != port {
			t.Errorf("after %s: %s rows at port %d, want %d at %d", mode, got, c.Port(), n+1, port)
		}
	}
	must(t, c.Halt("fast"))
	if _, err := c.psql(db, "SELECT 1", patience); err == nil {
		t.Error("a halted server answers")
	}
	must(t, c.Resume())
	if got := ask(t, c, db, "SHOW fsync"); got != "on" {
		t.Errorf("fsync %s, want on", got)
	}
}

func TestFreezeAndThaw(t *testing.T) {
	c := Own(t, Options{})
	must(t, c.Freeze())
	if out, err := c.psql("postgres", "SELECT 1", time.Second); err == nil || !strings.Contains(err.Error(), "no answer") {
		t.Errorf("a frozen server has answered %q, %v", out, err)
	}
	must(t, c.Thaw())
	ask(t, c, "postgres", "SELECT 1")
	must(t, c.Freeze())
	must(t, c.Restart("immediate"))
	ask(t, c, "postgres", "SELECT 1")
}

func TestStopLeavesNothing(t *testing.T) {
	c := Own(t, Options{})
	s := c.server
	must(t, c.Freeze())
	for range 2 {
		must(t, c.Stop())
	}
	if _, err := os.Stat(s.dir); !os.IsNotExist(err) {
		t.Errorf("%s: %v, want that it is gone", s.dir, err)
	}
	if s.runs() || c.Resume() != errStopped {
		t.Error("the server runs")
	}
}

func TestServerIsNotRoot(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is no /proc here")
	}
	c := Own(t, Options{})
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.server.process.cmd.Process.Pid))
	must(t, err)
	_, uids, _ := bytes.Cut(status, []byte("\nUid:"))
	if fields := bytes.Fields(uids); string(fields[0]) == "0" || string(fields[1]) == "0" {
		t.Errorf("uids %s, want none of root", fields[:4])
	}
}

func TestSweepTakesOnlyWhatIsLeft(t *testing.T) {
	dir, hold, err := directory(place(false), nil)
	must(t, err)
	sweep()
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("the directory of a process that lives: %v", err)
	}
	must(t, hold.Close())
	sweep()
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the directory of one that has ended: %v", err)
	}
}
