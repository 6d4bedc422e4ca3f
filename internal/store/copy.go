package store

import (
	"context"
	"errors"
	"os"
	"time"

	"jianxun/internal/news"
)

// CopyStep is what Copy does to one table after the other.
type CopyStep string

// The steps, in their order.
const (
	Copying   CopyStep = "copying"
	Comparing CopyStep = "comparing"
	Indexing  CopyStep = "indexing"
)

// CopyProgress tells how far a step has come with a table.
type CopyProgress struct {
	Step        CopyStep
	Table       string
	Done, Total int64 // rows
}

// CopiedTable is a table that is the same on both sides. The checksum is the
// same over every engine.
type CopiedTable struct {
	Name     string `json:"name"`
	Rows     int64  `json:"rows"`
	Checksum string `json:"checksum"`
}

// copier is one run of Copy. It reads the source as it is at one time, writes
// rows in the order of their keys, and so a later run knows by the last key at
// the target where to go on. Until both sides are known to be the same the
// target bears a mark, and opens for nobody else.
type copier struct {
	from           string // the source's address, as the mark says it
	to             string
	source, target *Store
	force          bool
	resumed        bool              // an earlier run has copied something
	sums           map[string]string // of the tables that this run has copied from their beginning
	progress       func(CopyProgress)
	closers        []func() error
}

// Copy makes the store at the address to the same as the one at from, row by
// row; the search index is built anew. Neither may be served meanwhile. Whatever
// ends it, called again it goes on where it was. A target that holds something
// is refused, unless force is set: then it is emptied first.
func Copy(ctx context.Context, from, to string, force bool, now func() time.Time, progress func(CopyProgress)) (tables []CopiedTable, err error) {
	c := &copier{from: lasting(from), to: lasting(to), force: force, sums: map[string]string{}, progress: progress}
	defer func() {
		if err = errors.Join(err, c.close()); err != nil && ctx.Err() != nil {
			err = news.Errorf(news.Unavailable, "the copy was interrupted; the same command goes on where it was")
		}
	}()
	if err := c.open(ctx, from, to, now); err != nil {
		return nil, err
	}
	if err := c.begin(ctx); err != nil {
		return nil, err
	}
	if err := c.copyAll(ctx); err != nil {
		return nil, c.unfinished(err)
	}
	if tables, err = c.compare(ctx); err != nil {
		return nil, c.unfinished(err)
	}
	for _, step := range []func(context.Context) error{c.index, c.end} {
		if err := step(ctx); err != nil {
			return nil, c.unfinished(err)
		}
	}
	return tables, nil
}

// open opens both sides, and keeps others from serving them.
func (c *copier) open(ctx context.Context, from, to string, now func() time.Time) (err error) {
	if _, err := dialectOf(to); err != nil { // before anything is touched
		return err
	}
	if c.source, err = connectSource(ctx, from, now); err != nil {
		return err
	}
	c.closers = append(c.closers, c.source.Close)
	if err := c.own(ctx, c.source); err != nil {
		return err
	}
	if err := c.source.ready(ctx, from); err != nil {
		return err
	}
	if err := c.something(ctx); err != nil {
		return err
	}
	if c.target, err = connect(ctx, to, now); err != nil {
		return err
	}
	c.closers = append(c.closers, c.target.Close)
	if err := c.apart(ctx); err != nil {
		return err
	}
	if err := c.own(ctx, c.target); err != nil {
		return err
	}
	return c.target.migrate(ctx)
}

// something refuses a source with nothing in it: most likely the two addresses
// were mixed up.
func (c *copier) something(ctx context.Context) error {
	return c.source.still(ctx, func(v view) error {
		table, err := v.content(ctx)
		if err == nil && table == "" {
			return noStore(c.source.Name())
		}
		return c.source.fault(err)
	})
}

func (c *copier) own(ctx context.Context, s *Store) error {
	release, err := s.dialect.own(ctx, s)
	if err != nil {
		err = s.fault(err)
		return news.Errorf(news.CodeOf(err), "a store that is copied may not be served meanwhile: %w", err)
	}
	c.closers = append(c.closers, release)
	return nil
}

// connectSource connects to a store that must be there already: to make one, as
// Open does, would hide a mistyped name, and with force a target would be emptied
// for it.
func connectSource(ctx context.Context, address string, now func() time.Time) (*Store, error) {
	d, err := dialectOf(address)
	if err != nil {
		return nil, err
	}
	if err := d.exists(); err != nil {
		return nil, err
	}
	s, err := connect(ctx, address, now)
	if err != nil {
		return nil, err
	}
	var n int
	err = s.read.QueryRowContext(ctx, `SELECT count(*) FROM goose_db_version`).Scan(&n)
	if err != nil && ctx.Err() == nil && news.CodeOf(err) == news.Internal { // the question itself is at fault
		err = noStore(d.name)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func noStore(name string) error {
	return news.Errorf(news.NotFound, "there is nothing in the store %s to copy; the first address is the one to copy from, the second the one to copy to", name)
}

// apart refuses to copy a store onto itself, however it is named.
func (c *copier) apart(ctx context.Context) error {
	a, err := c.source.dialect.identity(ctx, c.source)
	if err != nil {
		return c.source.fault(err)
	}
	b, err := c.target.dialect.identity(ctx, c.target)
	if err != nil {
		return c.target.fault(err)
	}
	if sameIdentity(a, b) {
		return news.Errorf(news.Invalid, "%s and %s are the same store", c.from, c.to)
	}
	return nil
}

func sameIdentity(a, b any) bool {
	if file, ok := a.(os.FileInfo); ok {
		other, ok := b.(os.FileInfo)
		return ok && os.SameFile(file, other)
	}
	return a == b
}

// begin marks the target as being filled, and empties it where it must; or finds
// that an earlier run has done so.
func (c *copier) begin(ctx context.Context) error {
	return c.target.inTxWithin(ctx, c.target.dialect.patience*longest, noLock, func(ctx context.Context, t tx) error {
		was, err := mark(ctx, t)
		if err != nil {
			return err
		}
		if c.resumed = was == c.from && !c.force; c.resumed {
			return nil
		}
		if !c.force {
			if was != "" {
				return halfFilled(c.to, was)
			}
			if table, err := t.content(ctx); err != nil || table != "" {
				return c.full(table, err)
			}
		}
		for _, statement := range t.empty(copiedNames()) {
			if _, err := t.Tx.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		_, err = t.ExecContext(ctx, `INSERT INTO marks (name, value) VALUES ($1, $2)`, copyMark, c.from)
		return err
	})
}

func (c *copier) full(table string, err error) error {
	if err != nil {
		return err
	}
	return news.Errorf(news.Conflict, "the store %s is not empty: there is something in its table %s; name another, or add --force to lose what it holds", c.to, table)
}

// end takes the mark away: from now on the target is a store like any other.
func (c *copier) end(ctx context.Context) error {
	return c.target.inTx(ctx, noLock, func(ctx context.Context, t tx) error {
		_, err := t.ExecContext(ctx, `DELETE FROM marks WHERE name = $1`, copyMark)
		return err
	})
}

// unfinished says what to do about a copy that has stopped.
func (c *copier) unfinished(err error) error {
	if d, ok := errors.AsType[*difference](err); ok {
		return d.error
	}
	return news.Errorf(news.CodeOf(err), "the copy has stopped: %w; the same command goes on where it was", err)
}

// close undoes what open did, the last first.
func (c *copier) close() error {
	var errs []error
	for i := len(c.closers) - 1; i >= 0; i-- {
		errs = append(errs, c.closers[i]())
	}
	return errors.Join(errs...)
}
