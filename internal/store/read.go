package store

import (
	"context"
	"database/sql"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// reader is what reads outside of a transaction that changes something. No
// question keeps its asker waiting longer than the dialect's patience, or so many
// times that.
type reader struct {
	*sql.DB
	store *Store
	times time.Duration
}

func (r reader) patience() time.Duration { return r.store.dialect.patience * max(r.times, 1) }

// within is the reader for questions whose answers are long.
func (r reader) within(times time.Duration) reader {
	r.times = times
	return r
}

// rows are an answer, with what is to be done once it has been read.
type rows struct {
	*sql.Rows
	end   context.CancelFunc
	fault func(error) error
}

func answer(r *sql.Rows, err error) (*rows, error) {
	return &rows{r, func() {}, func(err error) error { return err }}, err
}

// QueryContext is that of sql.DB.
func (r reader) QueryContext(ctx context.Context, statement string, args ...any) (*rows, error) {
	ctx, end := bound(ctx, r.patience())
	found, err := r.DB.QueryContext(ctx, statement, clean(args)...)
	if err != nil {
		end()
		return nil, r.store.fault(err)
	}
	return &rows{found, end, r.store.fault}, nil
}

// QueryRowContext is that of sql.DB; it is asked when it is scanned.
func (r reader) QueryRowContext(ctx context.Context, statement string, args ...any) scanner {
	return question{r, ctx, statement, args}
}

type question struct {
	reader    reader
	ctx       context.Context
	statement string
	args      []any
}

// Scan asks and reads the one row there is.
func (q question) Scan(dest ...any) error {
	ctx, end := bound(q.ctx, q.reader.patience())
	defer end()
	return q.reader.store.fault(q.reader.DB.QueryRowContext(ctx, q.statement, clean(q.args)...).Scan(dest...))
}

// moment reads everything as it is at one time.
func (r reader) moment(ctx context.Context, f func(context.Context, tx) error) error {
	ctx, end := bound(ctx, r.patience())
	defer end()
	t, err := r.BeginTx(ctx, r.store.dialect.look)
	if err != nil {
		return r.store.fault(err)
	}
	defer func() { _ = t.Rollback() }() // it has only read
	return r.store.fault(f(ctx, newTx(t, &r.store.dialect, 0)))
}

type scanner interface{ Scan(...any) error }

// collect reads all rows with scan.
func collect[T any](rows *rows, err error, scan func(scanner) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer rows.end()
	defer func() { _ = rows.Close() }()
	var all []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, rows.fault(err)
		}
		all = append(all, v)
	}
	return all, rows.fault(rows.Err())
}

// placeholder is the place of the n-th argument of a statement.
func placeholder(n int) string { return "$" + strconv.Itoa(n) }

// list adds values to the arguments of a statement, and gives their places.
func list[T any](args []any, values []T) ([]any, string) {
	places := make([]string, len(values))
	for i, v := range values {
		args = append(args, v)
		places[i] = placeholder(len(args))
	}
	return args, strings.Join(places, ", ")
}

// tuples are rows of values as a statement writes them, ($1, $2), ($3, $4), with
// all values as its arguments, which are the first of the statement.
func tuples(rows [][]any) (string, []any) {
	var args []any
	written := make([]string, len(rows))
	for i, row := range rows {
		args, written[i] = list(args, row)
	}
	return "(" + strings.Join(written, "), (") + ")", args
}

// clean makes text something that every engine takes: PostgreSQL knows neither
// NUL nor what is not UTF-8, and a relay's reply in GBK must not keep the end of
// a delivery from being recorded.
func clean(args []any) []any {
	for i, arg := range args {
		v := reflect.ValueOf(arg)
		if v.Kind() != reflect.String {
			continue
		}
		if s := v.String(); !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
			args[i] = strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "")
		}
	}
	return args
}
