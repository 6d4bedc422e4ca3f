// Package store keeps everything that must outlive the process: articles with
// their revisions, issues, subscribers, the delivery ledger and the due times
// that have fired. It is the only package that knows SQL.
//
// It promises that what a method reported as done survives a kill and a power
// cut, that a method either does all it says or nothing, and that ids and
// published times never change once given. Every failure is returned; nothing
// is half written. Methods may be called from many goroutines and, over the
// same file, from several processes.
package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"

	"jianxun/internal/news"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is an open store. Close it when done.
type Store struct {
	write, read *sql.DB
	dialect     dialect
	now         func() time.Time
}

// openTries is how often opening is tried before it is given up: of programs
// that begin on a new store at once only one can set it up, and the others find
// it ready at a later try.
const openTries = 10

// Open opens the store at address ("sqlite:FILE"), makes it when absent, and
// brings its tables up to date.
func Open(ctx context.Context, address string, now func() time.Time) (*Store, error) {
	d, rest, err := dialectOf(address)
	if err != nil {
		return nil, err
	}
	for try := range openTries {
		var s *Store
		if s, err = openOnce(ctx, d, rest, now); err == nil || news.CodeOf(err) != news.Unavailable {
			return s, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(time.Duration(try) * 50 * time.Millisecond):
		}
	}
	return nil, err
}

func openOnce(ctx context.Context, d dialect, rest string, now func() time.Time) (*Store, error) {
	s := &Store{dialect: d, now: now}
	var err error
	if s.write, s.read, err = d.open(ctx, rest); err != nil {
		return nil, err
	}
	if err := s.migrate(ctx); err != nil {
		_ = s.Close() // what went wrong first is what matters
		return nil, err
	}
	return s, nil
}

func (s *Store) migrate(ctx context.Context) error {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(s.dialect.goose, s.write, sub, goose.WithDisableGlobalRegistry(true), goose.WithGoMigrations(
		goose.NewGoMigration(searchVersion, &goose.GoFunc{RunTx: s.dialect.buildSearch}, nil)))
	if err != nil {
		return news.Errorf(news.Internal, "cannot read the store's version: %w", err)
	}
	have, err := p.GetDBVersion(ctx)
	if err != nil {
		return news.Errorf(news.Unavailable, "cannot read the store's version: %w", err)
	}
	all := p.ListSources()
	if newest := all[len(all)-1].Version; have > newest {
		return news.Errorf(news.Conflict, "the store was written by a newer jianxun (its version is %d, this program knows %d); start that newer program", have, newest)
	}
	if _, err := p.Up(ctx); err != nil {
		return news.Errorf(news.Unavailable, "cannot bring the store up to date: %w", err)
	}
	return nil
}

// Close closes the store.
func (s *Store) Close() error { return errors.Join(s.read.Close(), s.write.Close()) }

// Ping tells whether the store answers.
func (s *Store) Ping(ctx context.Context) error { return s.read.PingContext(ctx) }

// tx is a transaction with the one time that everything in it happens at.
type tx struct {
	*sql.Tx
	now      int64
	words    *indexing
	prepared map[string]*sql.Stmt // by text: a batch runs the same few again and again
	free     map[string]int64     // see freeTime
}

func newTx(t *sql.Tx, now int64) tx {
	return tx{t, now, &indexing{}, map[string]*sql.Stmt{}, map[string]int64{}}
}

// prepare prepares a statement once in a transaction, which closes it at its end.
func (t tx) prepare(ctx context.Context, statement string) (*sql.Stmt, error) {
	if s, ok := t.prepared[statement]; ok {
		return s, nil
	}
	s, err := t.PrepareContext(ctx, statement)
	if err == nil {
		t.prepared[statement] = s
	}
	return s, err
}

// ExecContext is that of sql.Tx, prepared.
func (t tx) ExecContext(ctx context.Context, statement string, args ...any) (sql.Result, error) {
	s, err := t.prepare(ctx, statement)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args...)
}

// QueryContext is that of sql.Tx, prepared.
func (t tx) QueryContext(ctx context.Context, statement string, args ...any) (*sql.Rows, error) {
	s, err := t.prepare(ctx, statement)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

// QueryRowContext is that of sql.Tx, prepared.
func (t tx) QueryRowContext(ctx context.Context, statement string, args ...any) *sql.Row {
	s, err := t.prepare(ctx, statement)
	if err != nil {
		return t.Tx.QueryRowContext(ctx, statement, args...) // it fails in the same way, and says so
	}
	return s.QueryRowContext(ctx, args...)
}

func (s *Store) inTx(ctx context.Context, f func(tx) error) error {
	t, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return news.Errorf(news.Unavailable, "the store does not take a change: %w", err)
	}
	defer func() { _ = t.Rollback() }() // after Commit it does nothing
	work := newTx(t, ms(s.now()))
	if err := errors.Join(f(work), work.reindex(ctx)); err != nil {
		return err
	}
	if err := t.Commit(); err != nil {
		return news.Errorf(news.Unavailable, "the store does not take a change: %w", err)
	}
	return nil
}

// Secret gives the named secret of 32 random octets, making it when first asked.
func (s *Store) Secret(ctx context.Context, name string) ([]byte, error) {
	fresh := make([]byte, 32)
	if _, err := rand.Read(fresh); err != nil {
		return nil, err
	}
	var text string
	err := s.inTx(ctx, func(t tx) error {
		if _, err := t.ExecContext(ctx, `INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`,
			name, base64.StdEncoding.EncodeToString(fresh)); err != nil {
			return err
		}
		return t.QueryRowContext(ctx, `SELECT value FROM secrets WHERE name = $1`, name).Scan(&text)
	})
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(text)
}

// ms is t as the store writes it.
func ms(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// at is the inverse of ms, in UTC.
func at(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func toJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil { // only slices of strings and news.Content come here
		panic(err)
	}
	return string(b)
}

type scanner interface{ Scan(...any) error }

// collect reads all rows with scan.
func collect[T any](rows *sql.Rows, err error, scan func(scanner) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
