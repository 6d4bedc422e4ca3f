package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"math"

	"jianxun/internal/news"
)

// compare reads both sides anew, and finds them the same.
func (c *copier) compare(ctx context.Context) (all []CopiedTable, err error) {
	err = c.source.still(ctx, func(source view) error {
		return c.target.still(ctx, func(target view) error {
			for _, tb := range copied() {
				got, err := c.compareTable(ctx, tb, source, target)
				if err != nil {
					return err
				}
				all = append(all, got)
			}
			return nil
		})
	})
	return all, err
}

func (c *copier) compareTable(ctx context.Context, tb table, source, target view) (CopiedTable, error) {
	columns, err := source.columns(ctx, tb)
	if err != nil {
		return CopiedTable{}, err
	}
	p := CopyProgress{Step: Comparing, Table: tb.name}
	if p.Total, err = source.count(ctx, tb); err != nil {
		return CopiedTable{}, err
	}
	sum := func(v view, progress func(done int64)) (CopiedTable, error) {
		h, n := newChecksum(), int64(0)
		err := v.each(ctx, tb, columns, nil, func(row []any) error {
			if n++; n%unitRows == 0 {
				progress(n)
			}
			return h.add(tb, row)
		})
		return CopiedTable{tb.name, n, h.String()}, err
	}
	want, err := sum(source, func(done int64) { p.Done = done / 2; c.progress(p) })
	if err != nil {
		return want, err
	}
	got, err := sum(target, func(done int64) { p.Done = (p.Total + done) / 2; c.progress(p) })
	if err != nil {
		return got, err
	}
	p.Done = p.Total
	c.progress(p)
	if got != want {
		return got, c.differ(tb, want, got)
	}
	return got, nil
}

// difference is an error that the same command would end with again.
type difference struct{ error }

// differ tells what was copied as it stood from what was not: in the first case
// it is the source that has changed since. An earlier run may have read another
// state of the source, too.
func (c *copier) differ(tb table, want, got CopiedTable) error {
	if sum, whole := c.sums[tb.name]; !whole || sum == got.Checksum {
		return &difference{news.Errorf(news.Conflict, "the table %s is not the same on both sides (%d rows in %s, %d in %s): the source has been changed since the copy was begun; end whatever changes it, then begin anew with --force",
			tb.name, want.Rows, c.from, got.Rows, c.to)}
	}
	return &difference{news.Errorf(news.Internal, "the table %s is not the same on both sides (%d rows in %s, %d in %s), and not because the source has been changed; begin anew with --force",
		tb.name, want.Rows, c.from, got.Rows, c.to)}
}

// checksum is over rows in an encoding that is the same over every engine.
type checksum struct {
	hash hash.Hash
	row  []byte // of the last row, kept for its memory
}

func newChecksum() *checksum { return &checksum{hash: sha256.New()} }

func (s *checksum) add(tb table, row []any) error {
	s.row = s.row[:0]
	for _, v := range row {
		var ok bool
		if s.row, ok = canonical(s.row, v); !ok {
			return news.Errorf(news.Internal, "the table %s holds a value of a kind that a store does not hold: %s", tb.name, fmt.Sprintf("%T", v))
		}
	}
	_, _ = s.hash.Write(s.row) // it never fails
	return nil
}

// String is the checksum of all rows so far.
func (s *checksum) String() string { return hex.EncodeToString(s.hash.Sum(nil)) }

// canonical appends the value as a checksum takes it, so that no two rows look
// alike. A kind that no column has is refused.
func canonical(row []byte, v any) ([]byte, bool) {
	switch v := v.(type) {
	case nil:
		return append(row, '0'), true
	case int64:
		return binary.BigEndian.AppendUint64(append(row, 'i'), uint64(v)), true
	case float64:
		if v == 0 {
			v = 0 // SQLite keeps no sign
		}
		return binary.BigEndian.AppendUint64(append(row, 'f'), math.Float64bits(v)), true
	case string:
		return append(binary.BigEndian.AppendUint64(append(row, 's'), uint64(len(v))), v...), true
	}
	return row, false
}
