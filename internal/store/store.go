// Package store keeps everything that must outlive the process: articles with
// their revisions, issues, subscribers, the delivery ledger and the due times
// that have fired: in a file of SQLite, or in a PostgreSQL database. It is the only
// package that knows SQL.
//
// It promises that what a method reported as done survives a kill and a power
// cut, that a method either does all it says or nothing, and that ids and
// published times never change once given. Every failure is returned; nothing
// is half written. Methods may be called from many goroutines and, over the
// same file or database, from several processes.
package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"sync/atomic"
	"time"

	"jianxun/internal/news"
)

// Store is an open store. Close it when done.
type Store struct {
	write   *sql.DB
	read    reader
	dialect dialect
	now     func() time.Time
	broken  atomic.Pointer[news.Error] // why nothing more is written, once damage was seen

	suspended atomic.Bool // nothing is written for now: the store is being copied
}

// Open opens the store at address ("sqlite:FILE", "postgres://USER@HOST/DATABASE"),
// makes its tables when there are none, and brings them up to date.
func Open(ctx context.Context, address string, now func() time.Time) (*Store, error) {
	s, err := connect(ctx, address, now)
	if err != nil {
		return nil, err
	}
	if err := s.ready(ctx, address); err != nil {
		_ = s.Close() // what went wrong first is what matters
		return nil, err
	}
	return s, nil
}

// connect gives the store as it is.
func connect(ctx context.Context, address string, now func() time.Time) (*Store, error) {
	d, err := dialectOf(address)
	if err != nil {
		return nil, err
	}
	s := &Store{dialect: d, now: now}
	var read *sql.DB
	if s.write, read, err = d.open(ctx); err != nil {
		return nil, err
	}
	s.read = reader{DB: read, store: s}
	return s, nil
}

// ready brings the tables up to date, and refuses a store that a copy has not
// filled yet.
func (s *Store) ready(ctx context.Context, address string) error {
	if err := s.migrate(ctx); err != nil {
		return err
	}
	return s.complete(ctx, address)
}

// Name is the store's address for people, without a password.
func (s *Store) Name() string { return s.dialect.name }

// Serve takes the store for a daemon until the function that it gives is called.
// It fails with Conflict while another daemon has the file, naming that one's
// process id, or while the store is being copied.
func (s *Store) Serve(ctx context.Context) (release func() error, err error) {
	return s.dialect.serve(ctx, s)
}

// Close closes the store. A damaged file stays open until the process ends: with
// the last connection SQLite would write its log into it.
func (s *Store) Close() error {
	if s.damaged() != nil && s.read.DB != s.write {
		return nil
	}
	return errors.Join(s.read.Close(), s.write.Close())
}

// Ping tells whether the store answers and takes changes.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.damaged(); err != nil {
		return err
	}
	var refuses bool
	err := s.read.QueryRowContext(ctx, s.dialect.ping).Scan(&refuses)
	if err == nil && refuses {
		err = news.Errorf(news.Unavailable, "the store %s takes no changes", s.dialect.name)
	}
	return err
}

// Skew is how far our clock is ahead of the one where the store is. Leases and due
// times go by the clocks of those who share the store; when they differ a mail is
// not sent twice, but replicas take each other for dead.
func (s *Store) Skew(ctx context.Context) (time.Duration, error) {
	if s.dialect.clock == "" {
		return 0, nil
	}
	var there int64
	before := s.now()
	err := s.read.QueryRowContext(ctx, s.dialect.clock).Scan(&there)
	here := before.Add(s.now().Sub(before) / 2)
	return here.Sub(at(there)), err
}

// fault says what went wrong in words, where the driver's error means something
// for whoever runs the store. Damage is remembered: nothing is written after it.
func (s *Store) fault(err error) error {
	if err == nil || errors.Is(err, sql.ErrNoRows) || errors.Is(err, context.Canceled) {
		return err
	}
	if _, ok := errors.AsType[*news.Error](err); ok {
		return err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return news.Errorf(news.Unavailable, "the store %s does not answer: %w", s.dialect.name, err)
	}
	said, damaged := s.dialect.fault(err)
	if e, ok := errors.AsType[*news.Error](said); ok && damaged {
		s.broken.CompareAndSwap(nil, e)
	}
	return said
}

// damaged is why nothing may be written any more, nil while all is well.
func (s *Store) damaged() error {
	if e := s.broken.Load(); e != nil {
		return e
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
	err := s.inTx(ctx, noLock, func(ctx context.Context, t tx) error {
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

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
