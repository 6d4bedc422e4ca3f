package store

import (
	"context"
	"slices"
	"strings"

	"jianxun/internal/news"
)

// table is one that Copy copies.
type table struct {
	name string
	key  []string // the columns of the primary key
	rows string   // which are copied, empty for all
}

// copied are the tables to copy, what is referred to before what refers to it.
func copied() []table {
	return []table{
		{name: "secrets", key: []string{"name"}},
		{name: "counters", key: []string{"name"}},
		{name: "marks", key: []string{"name"}, rows: `name <> '` + copyMark + `'`},
		{name: "articles", key: []string{"id"}},
		{name: "article_revisions", key: []string{"article_id", "revision"}},
		{name: "unmeasured", key: []string{"article_id"}},
		{name: "fetches", key: []string{"url"}},
		{name: "collections", key: []string{"id"}},
		{name: "collection_current", key: []string{"collection", "placed"}},
		{name: "collection_archive", key: []string{"collection", "position"}},
		{name: "collection_left", key: []string{"collection", "placed"}},
		{name: "issues", key: []string{"id"}},
		{name: "issue_items", key: []string{"issue_id", "position"}},
		{name: "subscribers", key: []string{"id"}},
		{name: "subscriptions", key: []string{"digest", "subscriber_id"}},
		{name: "preferences", key: []string{"subscriber_id"}},
		{name: "declined", key: []string{"digest", "subscriber_id"}},
		{name: "sign_ups", key: []string{"subscriber_id"}},
		{name: "deliveries", key: []string{"issue_id", "subscriber_id"}},
		{name: "handed", key: []string{"relay", "slot"}},
		{name: "bounces", key: []string{"id"}},
		{name: "suppressions", key: []string{"subscriber_id", "position"}},
		{name: "mailboxes", key: []string{"name"}},
		{name: "fires", key: []string{"job", "due"}},
		{name: "hub_requests", key: []string{"id"}},
		{name: "hub_subscriptions", key: []string{"id"}},
	}
}

// from is the end of a SELECT over the copied rows that meet the conditions.
func (tb table) from(conditions ...string) string {
	if tb.rows != "" {
		conditions = append(conditions, tb.rows)
	}
	if len(conditions) == 0 {
		return " FROM " + tb.name
	}
	return " FROM " + tb.name + " WHERE " + strings.Join(conditions, " AND ")
}

func copiedNames() []string {
	var names []string
	for _, tb := range copied() {
		names = append(names, tb.name)
	}
	return names
}

// content names a table that holds more than a new store does, none if all do
// not: counters that have not counted are new.
func (t tx) content(ctx context.Context) (string, error) {
	for _, tb := range copied() {
		var used []string
		if tb.name == "counters" {
			used = []string{"value <> 0"}
		}
		var some bool
		if err := t.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1`+tb.from(used...)+`)`).Scan(&some); err != nil {
			return "", err
		}
		if some {
			return tb.name, nil
		}
	}
	return "", nil
}

// copyAll copies all tables out of one moment of the source.
func (c *copier) copyAll(ctx context.Context) error {
	return c.source.still(ctx, func(source view) error {
		for _, tb := range copied() {
			if err := c.copyTable(ctx, source, tb); err != nil {
				return err
			}
		}
		return nil
	})
}

// copyTable copies what comes after the last key at the target.
func (c *copier) copyTable(ctx context.Context, source view, tb table) error {
	p := CopyProgress{Step: Copying, Table: tb.name}
	columns, last, err := c.reached(ctx, source, tb, &p)
	if err != nil {
		return err
	}
	c.progress(p)
	sum, b := newChecksum(), &batch{table: tb.name, columns: columns}
	put := func() error {
		if err := c.target.insert(ctx, b); err != nil {
			return err
		}
		p.Done += int64(len(b.rows))
		b.clear()
		c.progress(p)
		return ctx.Err()
	}
	err = source.each(ctx, tb, columns, last, func(row []any) error {
		if err := sum.add(tb, row); err != nil {
			return err
		}
		if b.add(row); b.full() {
			return put()
		}
		return nil
	})
	if err == nil && len(b.rows) > 0 {
		err = put()
	}
	if err == nil && last == nil {
		c.sums[tb.name] = sum.String()
	}
	return err
}

// reached finds the columns of a table and the last key at the target.
func (c *copier) reached(ctx context.Context, source view, tb table, p *CopyProgress) (columns []string, last []any, err error) {
	if columns, err = source.columns(ctx, tb); err != nil {
		return nil, nil, err
	}
	if p.Total, err = source.count(ctx, tb); err != nil {
		return nil, nil, err
	}
	err = c.target.still(ctx, func(target view) error {
		there, err := target.columns(ctx, tb)
		if err != nil {
			return err
		}
		if !slices.Equal(there, columns) { // both have the same version
			return news.Errorf(news.Internal, "the table %s has other columns in %s than in %s", tb.name, c.from, c.to)
		}
		if last, err = target.lastKey(ctx, tb); err != nil {
			return err
		}
		p.Done, err = target.count(ctx, tb)
		return err
	})
	return columns, last, err
}

// indexRounds is how many rounds of fillSearchFrom go into one transaction.
const indexRounds = 8

// index builds the search index anew.
func (c *copier) index(ctx context.Context) error {
	p := CopyProgress{Step: Indexing, Table: "articles"}
	err := c.target.inTxWithin(ctx, c.target.dialect.patience*longest, noLock, func(ctx context.Context, t tx) error {
		for _, statement := range []string{`DROP TABLE IF EXISTS search`, t.makeSearch} {
			if _, err := t.Tx.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		return t.QueryRowContext(ctx, `SELECT count(*) FROM articles WHERE state = 'live'`).Scan(&p.Total)
	})
	for from, more := beforeAll, true; more && err == nil; {
		c.progress(p)
		err = c.target.inTxWithin(ctx, c.target.dialect.patience*long, noLock, func(ctx context.Context, t tx) error {
			for round := 0; round < indexRounds && more; round++ {
				to, n, err := t.fillSearchFrom(ctx, from)
				if err != nil {
					return err
				}
				from, more = to, n > 0
				p.Done += int64(n)
			}
			return nil
		})
	}
	return err
}

// columnList are names as they stand in SQL: some of them are words of it.
func columnList(names []string) string { return `"` + strings.Join(names, `", "`) + `"` }
