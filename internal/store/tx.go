package store

import (
	"context"
	"database/sql"
	"hash/fnv"
	"time"

	"jianxun/internal/news"
)

// lock names what one transaction at a time may change, over all processes.
// SQLite has one writer and needs none; PostgreSQL is asked for it by number.
type lock int64

// The numbers are part of what replicas of different versions agree upon.
const (
	noLock      lock = 0
	articleLock lock = 0x6a7801 // articles, collections, the search index, and what drafts choose of them
	rosterLock  lock = 0x6a7803 // the list of subscribers
	hubLock     lock = 0x6a7804 // requests and subscriptions of the hub
	fireLock    lock = 0x6a7805 // due times
	schemaLock  lock = 0x6a7806 // migrations
	serveLock   lock = 0x6a7807 // shared by those who serve, see Serve
	quotaLock   lock = 0x6a7808 // who leases within the limits of a relay
)

// of is the lock of one thing of a kind: a job, say. It keeps nobody waiting who
// works on another, but for one in four milliards by chance.
func (l lock) of(name string) lock {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // it never fails
	return l<<32 | lock(h.Sum32())
}

// tx is a transaction with the one time that everything in it happens at.
type tx struct {
	*sql.Tx
	*dialect
	now      int64
	words    *indexing
	told     map[topic]bool       // what others are to be told of once it is committed
	prepared map[string]*sql.Stmt // by text: a batch runs the same few again and again
	free     map[string]int64     // see freeTime
}

func newTx(t *sql.Tx, d *dialect, now int64) tx {
	return tx{t, d, now, &indexing{}, map[topic]bool{}, map[string]*sql.Stmt{}, map[string]int64{}}
}

// inTx runs f in a transaction, which is committed when f succeeds. What f reads
// is what was committed by all who held the lock before. f uses the context that
// it is given: it ends when the store has kept it waiting too long.
func (s *Store) inTx(ctx context.Context, l lock, f func(context.Context, tx) error) error {
	return s.inTxWithin(ctx, s.dialect.patience, l, f)
}

// How many times the usual patience is had with a batch, and with work that grows
// with the number of subscribers.
const (
	long    = 6
	longest = 60
)

// inTxWithin is inTx for work that may take longer or not as long.
func (s *Store) inTxWithin(ctx context.Context, patience time.Duration, l lock, f func(context.Context, tx) error) error {
	ctx, cancel := bound(ctx, patience)
	defer cancel()
	if err := s.damaged(); err != nil {
		return err
	}
	if s.suspended.Load() {
		return beingCopied(news.Unavailable, s.dialect.name)
	}
	t, err := s.write.BeginTx(ctx, s.dialect.change)
	if err != nil {
		return s.fault(err)
	}
	defer func() { _ = t.Rollback() }() // after Commit it does nothing
	work := newTx(t, &s.dialect, 0)
	for _, step := range []func() error{
		func() error { return work.take(ctx, l) },
		func() error { work.now = ms(s.now()); return f(ctx, work) }, // of those who wait for a lock, the time is when they have it
		func() error { return work.reindex(ctx) },
		func() error { return work.tell(ctx) },
		t.Commit,
	} {
		if err := step(); err != nil {
			return s.fault(err)
		}
	}
	return nil
}

// bound bounds ctx, unless patience is 0.
func bound(ctx context.Context, patience time.Duration) (context.Context, context.CancelFunc) {
	if patience == 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, patience)
}

// take waits for the lock, which is given back when the transaction ends.
func (t tx) take(ctx context.Context, l lock) error {
	if l == noLock || t.lock == "" {
		return nil
	}
	_, err := t.ExecContext(ctx, t.lock, int64(l))
	return err
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

// ExecContext is that of sql.Tx, prepared where that helps.
func (t tx) ExecContext(ctx context.Context, statement string, args ...any) (sql.Result, error) {
	if !t.prepares {
		return t.Tx.ExecContext(ctx, statement, clean(args)...)
	}
	s, err := t.prepare(ctx, statement)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, clean(args)...)
}

// QueryContext is that of sql.Tx, prepared where that helps.
func (t tx) QueryContext(ctx context.Context, statement string, args ...any) (*rows, error) {
	if !t.prepares {
		return answer(t.Tx.QueryContext(ctx, statement, clean(args)...))
	}
	s, err := t.prepare(ctx, statement)
	if err != nil {
		return nil, err
	}
	return answer(s.QueryContext(ctx, clean(args)...))
}

// QueryRowContext is that of sql.Tx, prepared where that helps.
func (t tx) QueryRowContext(ctx context.Context, statement string, args ...any) scanner {
	if t.prepares {
		if s, err := t.prepare(ctx, statement); err == nil {
			return s.QueryRowContext(ctx, clean(args)...)
		} // else it fails in the same way below, and says so
	}
	return t.Tx.QueryRowContext(ctx, statement, clean(args)...)
}
