package store

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"jianxun/internal/news"
)

func TestASecretIsMadeOnceAndKept(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		first := secret(t, s.Store, "subscriber-token")
		if len(first) != 32 || bytes.Equal(first, make([]byte, 32)) {
			t.Errorf("the secret is %x", first)
		}
		if bytes.Equal(first, secret(t, s.Store, "another")) {
			t.Error("two secrets are the same")
		}
		again := handle(t, s.address, s.clock)
		if !bytes.Equal(first, secret(t, again, "subscriber-token")) {
			t.Error("the secret is another after opening again")
		}
	})
}

func secret(t *testing.T, s *Store, name string) []byte {
	t.Helper()
	b, err := s.Secret(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWhatIsSavedIsThereAfterOpeningAgain(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.saveAll(t, pages(3))
		id := s.sending(t, 2)
		again := fixture{handle(t, s.address, s.clock), s.clock, s.address}
		if got := again.newest(t, news.Filter{}, 10); len(got) != 3 {
			t.Errorf("%d articles, want 3", len(got))
		}
		again.wantTally(t, id, news.Tally{news.Queued: 2})
		wantCode(t, again.Ping(t.Context()), "")
	})
}

func TestFetchValidatorsAreKept(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		const url = "https://www.example.org/rss.xml"
		for _, want := range [][2]string{{"", ""}, {`"a"`, "Mon, 28 Sep 2026 01:00:00 GMT"}, {`W/"b"`, ""}} {
			if want[0] != "" {
				wantCode(t, s.KeepValidators(t.Context(), url, want[0], want[1]), "")
			}
			if etag, modified, err := s.Validators(t.Context(), url); err != nil || etag != want[0] || modified != want[1] {
				t.Errorf("validators %q, %q, %v; want %q", etag, modified, err, want)
			}
		}
	})
}

func TestAStoreOfANewerVersionIsRefused(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.saveAll(t, pages(1))
		if _, err := s.write.ExecContext(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, $1)`, true); err != nil {
			t.Fatal(err)
		}
		opened, err := Open(t.Context(), s.address, s.clock.now)
		if wantCode(t, err, news.Conflict); opened != nil {
			t.Error("it was opened all the same")
		}
		if n, err := s.CountArticles(t.Context()); err != nil || n != 1 {
			t.Errorf("the store holds %d articles, %v; want 1", n, err)
		}
	})
}

func TestABadAddressIsRefused(t *testing.T) {
	for _, address := range []string{"", "sqlite:", "sqlite", "var/jianxun.db", "mysql://localhost/x", "postgres://user@localhost:port/x"} {
		_, err := Open(t.Context(), address, (&clock{at: monday}).now)
		wantCode(t, err, news.Invalid)
	}
}

func TestSQLiteLeavesAFileThatIsNoDatabaseAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jianxun.db")
	content := []byte(strings.Repeat("site: {title: 检察要闻}\n", 100))
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), "sqlite:"+path, (&clock{at: monday}).now)
	if wantCode(t, err, news.Invalid); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("the error does not name the file: %v", err)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, content) {
		t.Errorf("the file has changed: %v", err)
	}
	wantFiles(t, filepath.Dir(path), "jianxun.db")
}

func TestSQLiteTakesAnyPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a new folder", "数据?x=1#y%41&")
	s, err := Open(t.Context(), "sqlite:"+filepath.Join(dir, "检讯 100%.db"), (&clock{at: monday}).now)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, dir, "检讯 100%.db")
}

// wantFiles expects the folder to hold these files only.
func wantFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("the folder holds %q, want %q", got, want)
	}
}

// Relays answer in GBK, servers send validators with NUL: what some engine does
// not take must not keep the rest from being recorded.
func TestTextThatIsNoTextIsKeptAsFarAsItIs(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		const url = "https://www.example.org/rss.xml"
		wantCode(t, s.KeepValidators(t.Context(), url, "\"a\x00b\"", "\xd3\xca\xcf\xe4"), "")
		if etag, modified, err := s.Validators(t.Context(), url); err != nil || etag != `"ab"` || modified != "\ufffd" {
			t.Errorf("validators %q, %q, %v", etag, modified, err)
		}
		id := s.sending(t, 1)
		d := s.claim(t, "a", 1)[0]
		d.Reply = "550 \xd3\xca\xcf\xe4\xb2\xbb\xb4\xe6\xd4\xda\x00"
		s.settle(t, d, "a", news.Failed)
		rows, err := s.Deliveries(t.Context(), id, news.Failed, 10)
		if err != nil || len(rows) != 1 || !strings.HasPrefix(rows[0].Reply, "550 ") {
			t.Errorf("%+v, %v", rows, err)
		}
	})
}
