package store

import (
	"database/sql"
	"os"
	"strings"
	"testing"
	"time"

	"jianxun/internal/pgtest"
)

// old is a store as the first jianxun left it, see testdata/first.sql, with the
// columns that it had.
type old struct {
	engine  string
	address string
	clock   *clock
	tables  map[string]string // the names of its columns
}

// onOld runs the test over every engine.
func onOld(t *testing.T, test func(t *testing.T, o old)) {
	t.Helper()
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			address := "sqlite:" + t.TempDir() + "/jianxun.db"
			if e.name == "postgres" {
				address = emptyPostgres(t, pgtest.Shared(t), "")
			}
			o := old{e.name, address, &clock{at: monday.Add(time.Hour)}, map[string]string{}}
			o.raw(t, func(s *Store) { o.fill(t, s) })
			test(t, o)
		})
	}
}

// raw works on the database without bringing its tables up to date.
func (o old) raw(t *testing.T, work func(s *Store)) {
	t.Helper()
	d, err := dialectOf(o.address)
	if err != nil {
		t.Fatal(err)
	}
	s := &Store{dialect: d, now: o.clock.now}
	var read *sql.DB
	if s.write, read, err = d.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.read = reader{DB: read, store: s}
	work(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// fill runs the frozen file.
func (o old) fill(t *testing.T, s *Store) {
	t.Helper()
	b, err := os.ReadFile("testdata/first.sql")
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for line := range strings.Lines(string(b)) {
		text.WriteString(strings.TrimPrefix(line, "--"+o.engine+" "))
	}
	if _, err := s.write.ExecContext(t.Context(), strings.ReplaceAll(text.String(), " TEXT", " "+s.dialect.text)); err != nil {
		t.Fatal(err)
	}
	for part := range strings.SplitSeq(string(b), "\nINSERT INTO ") {
		name, rest, _ := strings.Cut(part, " (")
		columns, _, ok := strings.Cut(rest, ") VALUES\n")
		if ok && !strings.Contains(name, "\n") {
			o.tables[name] = columns
		}
	}
	if len(o.tables) != 11 {
		t.Fatalf("the file holds rows for %d tables, want all 11", len(o.tables))
	}
}

// rows are all rows of the first tables, in the columns that they had then.
func (o old) rows(t *testing.T, s *Store) map[string]string {
	t.Helper()
	all := map[string]string{}
	for table, columns := range o.tables {
		where := ""
		if table == "counters" { // a later one has been added
			where = ` WHERE name = 'article_seq'`
		}
		rows, err := s.read.DB.QueryContext(t.Context(), `SELECT `+columns+` FROM `+table+where)
		if err != nil {
			t.Fatal(err)
		}
		if all[table] = dump(t, rows); all[table] == "" {
			t.Fatalf("nothing is in %s", table)
		}
	}
	return all
}

func (o old) open(t *testing.T) fixture {
	t.Helper()
	return fixture{handle(t, o.address, o.clock), o.clock, o.address}
}

// shape is every table and index with its columns, and what the migrations count.
func (o old) shape(t *testing.T, s *Store) string {
	t.Helper()
	ask := []string{`SELECT type, name, sql FROM sqlite_schema`}
	if o.engine == "postgres" {
		ask = []string{`SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public'`,
			`SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'`}
	}
	all := ""
	for _, q := range append(ask, `SELECT * FROM counters`, `SELECT version_id, is_applied FROM goose_db_version`) {
		rows, err := s.read.DB.QueryContext(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		all += dump(t, rows) + "\n"
	}
	return all
}
