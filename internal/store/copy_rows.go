package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"
)

// Bounds of what is written in one transaction, and about how many values go into
// one statement: SQLite's driver looks at all of them for each.
const (
	unitRows        = 5000
	unitBytes       = 4 << 20
	statementValues = 600
)

// batch are rows on their way into a table.
type batch struct {
	table   string
	columns []string
	rows    [][]any
	bytes   int
}

func (b *batch) add(row []any) {
	b.rows = append(b.rows, row)
	for _, v := range row {
		b.bytes += 8
		if s, ok := v.(string); ok {
			b.bytes += len(s)
		}
	}
}

func (b *batch) full() bool { return len(b.rows) >= unitRows || b.bytes >= unitBytes }

func (b *batch) clear() { b.rows, b.bytes = b.rows[:0], 0 }

// insert writes the rows in one transaction.
func (s *Store) insert(ctx context.Context, b *batch) error {
	return s.inTxWithin(ctx, s.dialect.patience*long, noLock, func(ctx context.Context, t tx) error {
		for rows := range slices.Chunk(b.rows, max(1, statementValues/len(b.columns))) {
			values, args := tuples(rows)
			if _, err := t.ExecContext(ctx, `INSERT INTO `+b.table+` (`+columnList(b.columns)+`) VALUES `+values, args...); err != nil {
				return err
			}
		}
		return nil
	})
}

// view is a store as it is at one moment.
type view struct {
	tx
	store *Store
}

// still reads everything as it is at one time, however long it takes. The error
// of f is given as it is: it may be another store's.
func (s *Store) still(ctx context.Context, f func(view) error) error {
	t, err := s.read.BeginTx(ctx, s.dialect.look)
	if err != nil {
		return s.fault(err)
	}
	defer func() { _ = t.Rollback() }() // it has only read
	if s.dialect.unhurried != "" {
		if _, err := t.ExecContext(ctx, s.dialect.unhurried); err != nil {
			return s.fault(err)
		}
	}
	return f(view{newTx(t, &s.dialect, 0), s})
}

// columns are those of the table, sorted.
func (v view) columns(ctx context.Context, tb table) ([]string, error) {
	rows, err := v.QueryContext(ctx, `SELECT * FROM `+tb.name+` WHERE 1 = 0`)
	if err != nil {
		return nil, v.store.fault(err)
	}
	defer func() { _ = rows.Close() }() // there are none
	names, err := rows.Columns()
	slices.Sort(names)
	return names, v.store.fault(err)
}

func (v view) count(ctx context.Context, tb table) (n int64, err error) {
	err = v.QueryRowContext(ctx, `SELECT count(*)`+tb.from()).Scan(&n)
	return n, v.store.fault(err)
}

// lastKey is the greatest key in the table, nil when there is no row.
func (v view) lastKey(ctx context.Context, tb table) (key []any, err error) {
	key, dest := row(len(tb.key))
	err = v.QueryRowContext(ctx, `SELECT `+columnList(tb.key)+tb.from()+` ORDER BY "`+strings.Join(tb.key, `" DESC, "`)+`" DESC LIMIT 1`).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return key, v.store.fault(err)
}

// row is room for n values, and where to scan them to.
func row(n int) (values, dest []any) {
	values, dest = make([]any, n), make([]any, n)
	for i := range values {
		dest[i] = &values[i]
	}
	return values, dest
}

// each gives the rows of the table after a key, which is nil for the beginning,
// to f in the order of keys. The store is waited for no longer than for other
// answers before each row, but all rows may take as long as they take.
func (v view) each(ctx context.Context, tb table, columns []string, after []any, f func([]any) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	within := v.store.patiently(func() { stop(context.DeadlineExceeded) })
	fault := func(err error) error {
		if err != nil && errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
			err = context.DeadlineExceeded
		}
		return v.store.fault(err)
	}
	var rows *rows
	var err error
	if within(func() { rows, err = v.QueryContext(ctx, selection(tb, columns, after), after...) }); err != nil {
		return fault(err)
	}
	defer func() { _ = rows.Close() }() // what it would say, Err has said
	for {
		var more bool
		if within(func() { more = rows.Next() }); !more {
			return fault(rows.Err())
		}
		values, dest := row(len(columns))
		if err := rows.Scan(dest...); err != nil {
			return fault(err)
		}
		if err := f(clean(values)); err != nil {
			return err
		}
	}
}

// selection asks for the rows after a key.
func selection(tb table, columns []string, after []any) string {
	var conditions []string
	if after != nil {
		key, _ := tuples([][]any{after})
		conditions = []string{`(` + columnList(tb.key) + `) > ` + key}
	}
	return `SELECT ` + columnList(columns) + tb.from(conditions...) + ` ORDER BY ` + columnList(tb.key)
}

// patiently gives a function that calls late when what it runs takes longer than
// an answer may take.
func (s *Store) patiently(late func()) func(func()) {
	patience := s.dialect.patience * long
	if patience == 0 {
		return func(f func()) { f() }
	}
	timer := time.AfterFunc(patience, late)
	timer.Stop()
	return func(f func()) {
		timer.Reset(patience)
		f()
		timer.Stop()
	}
}
