package store

import (
	"context"
	"database/sql"
	"os"
	"strings"
	"time"

	"github.com/pressly/goose/v3"

	"jianxun/internal/han"
	"jianxun/internal/news"
)

// dialect is everything in which the engines differ. The SQL text is one.
type dialect struct {
	name  string // of the store, for people; without a password
	goose goose.Dialect
	// open gives a handle for writing and one for reading, which may be the same.
	open func(ctx context.Context) (write, read *sql.DB, err error)
	// fault says in words what an error of the driver means for the store, and
	// whether the store is damaged; unknown errors come back as they are.
	fault func(err error) (said error, damaged bool)
	// alone waits until nobody else brings the tables up to date, and keeps others
	// waiting until the function it gives is called.
	alone func(ctx context.Context, write *sql.DB) (func(), error)
	// serve takes the store for a daemon, see Store.Serve.
	serve func(ctx context.Context, s *Store) (func() error, error)
	// backup copies the store to a file, see Store.Backup.
	backup func(ctx context.Context, s *Store, file string, progress func(done, all int)) error
	// own keeps everybody from serving the store until the function it gives is
	// called; identity is what tells it from other stores, see sameIdentity; exists
	// fails when there is nothing to read from, which open might make.
	own      func(ctx context.Context, s *Store) (func() error, error)
	identity func(ctx context.Context, s *Store) (any, error)
	exists   func() error
	// watch calls changed when another process told of a change, until ctx ends.
	watch func(ctx context.Context, s *Store, changed func(topic))

	poll     time.Duration // how often changes of others must be looked for
	patience time.Duration // how long an answer may take, 0 for as long as it takes
	// change and look are what a transaction begins with that writes, or that
	// reads everything as it is at one time.
	change, look *sql.TxOptions
	prepares     bool   // whether to prepare statements in a transaction; else the driver does
	text         string // type of a column of text
	lock         string // takes a lock ($1) until the end of the transaction
	notify       string // tells other processes of a topic ($1) at the end of the transaction
	unhurried    string // lets a transaction that reads take its time, and read in the order of keys without sorting
	ping         string // asks whether no changes are taken
	clock        string // asks what time it is there, empty when there is here
	forUpdate    string // ends a SELECT whose rows are to be kept from others until then

	empty      func(tables []string) []string // statements that empty tables, which refer to each other only
	makeSearch string                         // makes the search index
	// index makes an article at a place found by its words, unindex no longer.
	index   func(placed int64, words []string) []statement
	unindex string
	// search gives the articles up to a place that hold all phrases, newest first,
	// at most so many.
	search func(ctx context.Context, s *Store, phrases []han.Phrase, now int64, limit int) ([]news.Article, error)
}

// statement is SQL with its arguments.
type statement struct {
	text string
	args []any
}

// claim ends a SELECT over the table of the alias, whose rows are then the
// transaction's own: those that others have in hand are left out.
func (d *dialect) claim(alias string) string {
	if d.forUpdate == "" {
		return ""
	}
	return d.forUpdate + " OF " + alias + " SKIP LOCKED"
}

func sqliteDialect(path string) dialect {
	return dialect{
		name:     path,
		goose:    goose.DialectSQLite3,
		open:     func(ctx context.Context) (*sql.DB, *sql.DB, error) { return openSQLite(ctx, path) },
		fault:    func(err error) (error, bool) { return sqliteFault(path, err) },
		alone:    func(ctx context.Context, _ *sql.DB) (func(), error) { return lockFolder(ctx, path) },
		serve:    func(context.Context, *Store) (func() error, error) { return claimFile(path) },
		backup:   backupFile,
		own:      func(context.Context, *Store) (func() error, error) { return claimFile(path) },
		identity: func(context.Context, *Store) (any, error) { return os.Stat(path) },
		exists:   func() error { return fileExists(path) },
		watch:    func(ctx context.Context, _ *Store, _ func(topic)) { <-ctx.Done() },
		poll:     200 * time.Millisecond,
		look:     &sql.TxOptions{ReadOnly: true},
		prepares: true,
		text:     "TEXT",
		ping:     `SELECT 0`,
		empty:    deletions,
		// The words are made by han, without regard to any alphabet: the ascii
		// tokenizer takes every other character for a letter. The index of prefixes
		// is for single characters.
		makeSearch: `CREATE VIRTUAL TABLE search USING fts5(words, content='', contentless_delete=1, tokenize='ascii', prefix='1');
			INSERT INTO search (search, rank) VALUES ('automerge', 16)`, // merged less often, as it is written more than read
		index: func(placed int64, words []string) []statement {
			return []statement{{`INSERT INTO search (rowid, words) VALUES ($1, $2)`, []any{placed, strings.Join(words, " ")}}}
		},
		unindex: `DELETE FROM search WHERE rowid = $1`,
		search:  searchWords,
	}
}

func postgresDialect(p *postgres) dialect {
	return dialect{
		name:     p.name,
		goose:    goose.DialectPostgres,
		open:     p.open,
		fault:    p.fault,
		alone:    p.alone,
		serve:    p.serve,
		own:      p.own,
		identity: p.identity,
		exists:   func() error { return nil }, // the server says it
		backup:   func(_ context.Context, _ *Store, file string, _ func(done, all int)) error { return p.advise(file) },
		watch:    p.watch,
		poll:     time.Second, // beneath the notices
		patience: 10 * time.Second,
		change:   &sql.TxOptions{Isolation: sql.LevelReadCommitted}, // whatever the server's default is
		look:     &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true},
		text:     `TEXT COLLATE "C"`, // in the order of SQLite, whatever the database's language is
		lock:     `SELECT pg_advisory_xact_lock($1)`,
		notify:   `SELECT pg_notify('` + channel + `', $1)`,

		unhurried: `SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL statement_timeout = 0;
			SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off`,
		ping:      `SELECT pg_is_in_recovery() OR CAST(current_setting('transaction_read_only') AS boolean)`,
		clock:     `SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)`,
		forUpdate: ` FOR UPDATE`,
		// To delete from a table looks through those that refer to it for each row.
		empty: func(tables []string) []string { return []string{`TRUNCATE ` + strings.Join(tables, ", ")} },
		makeSearch: `CREATE TABLE search (placed BIGINT NOT NULL, part INTEGER NOT NULL, words TSVECTOR NOT NULL, PRIMARY KEY (placed, part));
			CREATE INDEX search_words ON search USING gin (words)`,
		index: func(placed int64, words []string) []statement {
			var all []statement
			for part, vector := range vectors(words) {
				all = append(all, statement{`INSERT INTO search (placed, part, words) VALUES ($1, $2, CAST($3 AS tsvector))`, []any{placed, part, vector}})
			}
			return all
		},
		unindex: `DELETE FROM search WHERE placed = $1`,
		search:  searchVectors,
	}
}

func dialectOf(address string) (dialect, error) {
	if path, ok := fileOf(address); ok {
		return sqliteDialect(path), nil
	}
	at, ok := locate(address)
	if !ok {
		return dialect{}, news.Errorf(news.Invalid, "store %q is not of the form sqlite:FILE or postgres://USER@HOST/DATABASE", shown(address))
	}
	p, err := postgresAt(at)
	if err != nil {
		return dialect{}, err
	}
	return postgresDialect(p), nil
}
