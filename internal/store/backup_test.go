package store

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"jianxun/internal/news"
	"jianxun/internal/pgtest"
)

func onSQLite(t *testing.T) fixture { return open(t, engines[0]) }

func quiet(int, int) {}

// backup backs the store up and opens the copy as if it had been put in place.
func (s fixture) backup(t *testing.T) fixture {
	t.Helper()
	file := filepath.Join(t.TempDir(), "backup.db")
	if err := s.Backup(t.Context(), file, quiet); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, filepath.Dir(file), "backup.db")
	return fixture{handle(t, "sqlite:"+file, s.clock), s.clock, "sqlite:" + file}
}

func TestABackupHoldsWhatTheStoreHolds(t *testing.T) {
	s := onSQLite(t)
	s.saveAll(t, pages(30))
	s.withdraw(t, s.newest(t, news.Filter{}, 1)[0].ID)
	id := s.sending(t, 20)
	secret(t, s.Store, "subscriber-token")
	copied := s.backup(t)
	for _, table := range []string{"articles", "article_revisions", "issues", "deliveries", "subscribers", "subscriptions", "secrets", "counters"} {
		if got, want := rowsOf(t, copied.Store, table), rowsOf(t, s.Store, table); got != want {
			t.Errorf("%s in the copy:\n%s\nin the store:\n%s", table, got, want)
		}
	}
	copied.wantTally(t, id, news.Tally{news.Queued: 20})
	if found, err := copied.Search(t.Context(), "履职", s.clock.now(), 1000); err != nil || len(found) != 29 {
		t.Errorf("the copy finds %d articles, %v; want 29", len(found), err)
	}
}

// rowsOf is all that a table holds, in a stable order.
func rowsOf(t testing.TB, s *Store, table string) string {
	t.Helper()
	rows, err := s.read.DB.QueryContext(t.Context(), `SELECT * FROM `+table)
	if err != nil {
		t.Fatal(err)
	}
	return dump(t, rows)
}

// TestABackupIsOfOneMoment: others save while the copy is made. It holds what was
// there at one moment, and neither waits for the other.
func TestABackupIsOfOneMoment(t *testing.T) {
	s := onSQLite(t)
	s.saveAll(t, bulky(120))
	other := handle(t, s.address, s.clock)
	file := filepath.Join(t.TempDir(), "backup.db")
	copying, saved := make(chan struct{}), make(chan error, 1)
	var once sync.Once
	go func() {
		<-copying
		for n := range 20 {
			if _, err := other.SaveArticles(t.Context(), []news.Article{page(10_000 + n)}); err != nil {
				saved <- err
				return
			}
		}
		saved <- nil
	}()
	last, steps, restarts := 0, 0, 0
	err := s.Backup(t.Context(), file, func(done, all int) {
		once.Do(func() {
			close(copying)
			if err := <-saved; err != nil { // they are saved in the middle of the copy
				t.Error(err)
			}
		})
		if done <= last {
			restarts++
		}
		last, steps = done, steps+1
	})
	if err != nil {
		t.Fatal(err)
	}
	if restarts > 0 || steps < 3 {
		t.Errorf("the copy was made in %d steps and begun anew %d times", steps, restarts)
	}
	copied := handle(t, "sqlite:"+file, s.clock)
	if n, err := copied.CountArticles(t.Context()); err != nil || n != 120 {
		t.Errorf("the copy holds %d articles, %v; want the 120 of its beginning", n, err)
	}
	if n, err := s.CountArticles(t.Context()); err != nil || n != 140 {
		t.Errorf("the store holds %d articles, %v; want 140", n, err)
	}
}

func TestABackupOverwritesNothing(t *testing.T) {
	s := onSQLite(t)
	file := filepath.Join(t.TempDir(), "backup.db")
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantCode(t, s.Backup(t.Context(), file, quiet), news.Conflict)
	if b, err := os.ReadFile(file); err != nil || string(b) != "mine" {
		t.Errorf("the file holds %q, %v", b, err)
	}
	wantFiles(t, filepath.Dir(file), "backup.db")
	wantCode(t, s.Backup(t.Context(), filepath.Join(file, "no", "folder.db"), quiet), news.Unavailable)
}

func TestWhatADeadBackupLeftIsReplaced(t *testing.T) {
	s := onSQLite(t)
	s.saveAll(t, pages(3))
	file := filepath.Join(t.TempDir(), "backup.db")
	for _, left := range []string{"", "-journal", "-wal", "-shm"} {
		if err := os.WriteFile(file+".partial"+left, bytes.Repeat([]byte("garbage "), 5000), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	wantCode(t, s.Backup(t.Context(), file, quiet), "")
	wantFiles(t, filepath.Dir(file), "backup.db")
	if n, err := handle(t, "sqlite:"+file, s.clock).CountArticles(t.Context()); err != nil || n != 3 {
		t.Errorf("%d articles, %v; want 3", n, err)
	}
}

func TestTwoBackupsToOneFile(t *testing.T) {
	s := onSQLite(t)
	s.saveAll(t, pages(3))
	file := filepath.Join(t.TempDir(), "backup.db")
	second := errors.New("not tried")
	first := s.Backup(t.Context(), file, func(int, int) { second = s.Backup(t.Context(), file, quiet) })
	wantCode(t, first, "")
	wantCode(t, second, news.Conflict)
	wantFiles(t, filepath.Dir(file), "backup.db")
}

func TestABackupThatIsBrokenOffLeavesNothing(t *testing.T) {
	s := onSQLite(t)
	s.saveAll(t, bulky(120))
	for _, when := range []string{"copying", "checking"} {
		file := filepath.Join(t.TempDir(), "backup.db")
		ctx, cancel := context.WithCancel(t.Context())
		err := s.Backup(ctx, file, func(done, all int) {
			if when == "copying" || done == all {
				cancel()
			}
		})
		cancel()
		wantWords(t, err, news.Unavailable, "broken off")
		wantFiles(t, filepath.Dir(file))
	}
	wantCode(t, s.Ping(t.Context()), "")
}

func TestADamagedStoreIsNotBackedUp(t *testing.T) {
	s := onSQLite(t)
	s.saveAll(t, bulky(120))
	path := strings.TrimPrefix(s.address, "sqlite:")
	if _, err := s.write.ExecContext(t.Context(), `PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
		t.Fatal(err)
	}
	damage(t, path, middle(t, path), 4096)
	file := filepath.Join(t.TempDir(), "backup.db")
	err := s.Backup(t.Context(), file, quiet)
	wantWords(t, err, news.Unavailable, path+" is damaged")
	wantFiles(t, filepath.Dir(file))
}

// TestPostgresSaysHowItIsBackedUp does what it says, with the programs themselves.
func TestPostgresSaysHowItIsBackedUp(t *testing.T) {
	s := open(t, engines[1])
	s.saveAll(t, pages(3))
	file := filepath.Join(t.TempDir(), "it's a dump")
	err := s.Backup(t.Context(), file, quiet)
	if wantCode(t, err, news.Refused); err == nil {
		t.Fatal("it was backed up")
	}
	var commands []string
	for line := range strings.Lines(err.Error()) {
		if command, ok := strings.CutPrefix(line, "  pg_"); ok {
			commands = append(commands, "pg_"+strings.TrimSpace(command))
		}
	}
	if len(commands) != 2 {
		t.Fatalf("it names the commands %q", commands)
	}
	empty := emptyPostgres(t, pgtest.Shared(t), "")
	commands[1] = strings.Replace(commands[1], quoted(s.Name()), quoted(empty), 1)
	for _, command := range commands {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", command)
		dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // of the server, whose version they must not be older than
		cmd.Env = append(os.Environ(), "PATH="+strings.Join(append(dirs, os.Getenv("PATH")), ":"))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", command, err, out)
		}
	}
	restored := fixture{handle(t, empty, s.clock), s.clock, empty}
	if n := len(restored.newest(t, news.Filter{}, 10)); n != 3 {
		t.Errorf("%d articles are back, want 3", n)
	}
}
