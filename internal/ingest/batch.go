package ingest

import (
	"context"
	"unicode/utf8"

	"jianxun/internal/news"
)

// Unfiled is the column of an article whose page and source name none.
const Unfiled = "未分类"

// batch gathers articles of one source and saves them together.
type batch struct {
	in     *Ingester
	src    news.Source
	wait   []news.Article
	saved  []func() // called once what waits is saved
	done   int
	first  map[string]claim // by identity: who brought an article first in this run
	report Report
}

type claim struct{ path, hash string }

func (in *Ingester) batch(src news.Source) *batch {
	return &batch{in: in, src: src, first: map[string]claim{}}
}

// What stands in an index of the store has a bound there, and these are far below.
const (
	maxAddress = 2000 // octets
	maxColumn  = 100  // characters; more is a sentence, and no name
)

// add takes an article found at path, unless another claims to be it.
func (b *batch) add(path string, a news.Article) (identity, hash string, ok bool) {
	a.Source = b.src.Name
	if utf8.RuneCountInString(a.Column) > maxColumn {
		a.Column = ""
	}
	a.Column = first(b.src.Column, a.Column, Unfiled)
	identity, hash = news.IdentityOf(a), a.Hash()
	if len(identity) > maxAddress {
		b.refuse(path, news.Errorf(news.TooLarge, "its address, or its title, is longer than %d characters", maxAddress))
		return identity, hash, false
	}
	if !b.claim(path, identity, hash) {
		return identity, hash, false
	}
	b.wait = append(b.wait, a)
	return identity, hash, true
}

// claim notes who brought an article. Two different texts that claim to be one
// article would replace each other at every reading, so the second is refused.
func (b *batch) claim(path, identity, hash string) bool {
	if c, ok := b.first[identity]; ok && c.hash != hash {
		b.refuse(path, news.Errorf(news.Conflict, "it has the same address, or the same title and date, as %s but another text", c.path))
		return false
	}
	b.first[identity] = claim{path, hash}
	return true
}

func (b *batch) refuse(path string, err error) {
	b.report.Refused = append(b.report.Refused, Refusal{Path: path, Reason: err})
}

func (b *batch) flushIfFull(ctx context.Context) error {
	if len(b.wait) < batchSize {
		return nil
	}
	return b.flush(ctx)
}

func (b *batch) flush(ctx context.Context) error {
	if len(b.wait) == 0 {
		return nil
	}
	results, err := b.in.opt.Saver.SaveArticles(ctx, b.wait)
	if err != nil {
		return err
	}
	for _, r := range results {
		switch r {
		case news.SavedNew:
			b.report.New++
		case news.SavedChanged:
			b.report.Changed++
		case news.SavedSame:
			b.report.Same++
		}
	}
	for _, f := range b.saved {
		f()
	}
	b.done += len(b.wait)
	b.in.opt.Progress(b.done, b.src.Name)
	b.wait, b.saved = b.wait[:0], nil
	return nil
}
