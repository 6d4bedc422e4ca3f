package store

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"jianxun/internal/news"
	"jianxun/internal/pgtest"
)

// tablesOfSQLite are the tables of a new store, but for those of the engine, of
// goose, of the search index, and for marks.
func tablesOfSQLite(t testing.TB) []string {
	t.Helper()
	s := open(t, engines[0])
	rows, err := s.read.QueryContext(t.Context(), `SELECT name FROM sqlite_schema WHERE type = 'table'
		AND name NOT LIKE 'sqlite_%' AND name <> 'search' AND name NOT LIKE 'search_%' AND name NOT IN ('goose_db_version', 'marks')`)
	names, err := collect(rows, err, func(row scanner) (name string, err error) {
		err = row.Scan(&name)
		return name, err
	})
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	return names
}

func TestACopyForgetsNoTable(t *testing.T) {
	s := open(t, engines[0])
	var want []table
	for _, name := range append(tablesOfSQLite(t), "marks") {
		rows, err := s.read.QueryContext(t.Context(), `SELECT name FROM pragma_table_info($1) WHERE pk > 0 ORDER BY pk`, name)
		key, err := collect(rows, err, func(row scanner) (column string, err error) {
			err = row.Scan(&column)
			return column, err
		})
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, table{name: name, key: key})
	}
	var got []table
	for _, tb := range copied() {
		rows, err := s.read.QueryContext(t.Context(), `SELECT "table" FROM pragma_foreign_key_list($1)`, tb.name)
		parents, err := collect(rows, err, func(row scanner) (parent string, err error) {
			err = row.Scan(&parent)
			return parent, err
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, parent := range parents {
			if !slices.ContainsFunc(got, func(tb table) bool { return tb.name == parent }) {
				t.Errorf("%s refers to %s, which is copied after it", tb.name, parent)
			}
		}
		got = append(got, table{name: tb.name, key: tb.key})
	}
	slices.SortFunc(got, byName)
	slices.SortFunc(want, byName)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("copied are\n%v; the store has\n%v", got, want)
	}
}

func TestACopyFromNothingMakesAndChangesNothing(t *testing.T) {
	conform(t, func(t *testing.T, target fixture) {
		target.saveAll(t, pages(2))
		before := target.dump(t)
		dir := t.TempDir()
		empty := filepath.Join(dir, "empty.db")
		if err := os.WriteFile(empty, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		postgres := emptyPostgres(t, pgtest.Shared(t), "")
		addresses := []string{"sqlite:" + filepath.Join(dir, "new", "nowhere.db"), "sqlite:" + empty, "sqlite:" + dir, postgres}
		for _, e := range engines {
			addresses = append(addresses, open(t, e).address) // which holds nothing yet
		}
		for _, from := range addresses {
			_, err := Copy(t.Context(), from, target.address, true, target.clock.now, unwatched)
			wantCode(t, err, news.NotFound)
		}
		wantFiles(t, dir, "empty.db")
		wantSame(t, handleOf(t, target).dump(t), before)
		p, err := connect(t.Context(), postgres, target.clock.now)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = p.Close() }()
		var tables int
		if err := p.read.QueryRowContext(t.Context(), `SELECT count(*) FROM pg_tables WHERE schemaname = 'public'`).Scan(&tables); err != nil || tables > 0 {
			t.Errorf("the empty database has %d tables, %v", tables, err)
		}
	})
}

func TestACopyIsNotMadeOntoItself(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.saveAll(t, pages(2))
		before := s.dump(t)
		other := strings.Replace(s.address, "127.0.0.1", "localhost", 1)
		if path, ok := strings.CutPrefix(s.address, "sqlite:"); ok {
			link := filepath.Join(t.TempDir(), "link.db")
			if err := os.Symlink(path, link); err != nil {
				t.Fatal(err)
			}
			other = "sqlite:" + link
		}
		for _, to := range []string{s.address, other} {
			_, err := Copy(t.Context(), s.address, to, true, s.clock.now, unwatched)
			if wantCode(t, err, news.Invalid); err != nil && !strings.Contains(err.Error(), "the same store") {
				t.Errorf("error %v", err)
			}
		}
		wantSame(t, handleOf(t, s).dump(t), before)
	})
}

func TestACopyToWhereNothingAnswersLeavesTheSourceAlone(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.saveAll(t, pages(2))
		before := s.dump(t)
		for _, to := range []string{"postgres://nobody@127.0.0.1:1/none?sslmode=disable", "sqlite:/dev/null/none.db"} {
			_, err := Copy(t.Context(), s.address, to, true, s.clock.now, unwatched)
			wantCode(t, err, news.Unavailable)
		}
		_, err := Copy(t.Context(), s.address, "mysql://x", true, s.clock.now, unwatched)
		wantCode(t, err, news.Invalid)
		wantSame(t, handleOf(t, s).dump(t), before)
		serving(t, handleOf(t, s))()
	})
}

// TestACopyCleansText is about files of older versions, which kept a relay's reply
// as it came: PostgreSQL takes neither what is not UTF-8 nor NUL.
func TestACopyCleansText(t *testing.T) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			from := open(t, engines[0])
			from.exec(t, `INSERT INTO fetches (url, etag, last_modified, fetched) VALUES ('u', CAST(x'61D6D062' AS TEXT), 'a' || char(0) || 'b', 0)`)
			address := e.fresh(t)
			from.copyTo(t, address, false)
			etag, modified, err := handle(t, address, from.clock).Validators(t.Context(), "u")
			if err != nil || etag != "a\ufffdb" || modified != "ab" {
				t.Errorf("the text is %q and %q, %v", etag, modified, err)
			}
		})
	}
}

func TestAChecksumTellsRowsApart(t *testing.T) {
	seen := map[string][]any{}
	for _, row := range [][]any{
		{}, {nil}, {nil, nil}, {""}, {"", ""}, {"a", "b"}, {"ab", ""}, {"", "ab"}, {int64(0)}, {0.0}, {"0"}, {int64(1)}, {int64(-1)}, {1.0}, {0.1}, {"a", nil}, {nil, "a"}, {"asb", ""}, {"a", "bs"},
	} {
		sum := newChecksum()
		if err := sum.add(table{name: "t"}, row); err != nil {
			t.Fatal(err)
		}
		if other, ok := seen[sum.String()]; ok {
			t.Errorf("%v and %v have the same checksum", row, other)
		}
		seen[sum.String()] = row
	}
	wantCode(t, newChecksum().add(table{name: "t"}, []any{[]byte("a")}), news.Internal)
}
