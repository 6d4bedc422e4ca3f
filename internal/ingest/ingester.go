// Package ingest turns pages, folders and upstream feeds into articles.
//
// It promises that reading the same thing again adds nothing, that one bad
// file, page or item is one refusal with its reason and never a lost batch, and
// that input is bounded in size, time and address. What it takes is clean:
// UTF-8 without control characters, HTML without active content, absolute
// addresses. A source that cannot be reached is Unavailable and may be tried again.
package ingest

import (
	"context"
	"io/fs"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	"jianxun/internal/news"
)

// Saver keeps articles and what servers gave to make requests conditional.
type Saver interface {
	SaveArticles(ctx context.Context, batch []news.Article) ([]news.SaveResult, error)
	Validators(ctx context.Context, url string) (etag, lastModified string, err error)
	KeepValidators(ctx context.Context, url, etag, lastModified string) error
}

// Options are what an Ingester needs.
type Options struct {
	Saver    Saver
	Zone     *time.Location            // of dates without a zone
	Agent    string                    // User-Agent of requests
	Open     func(path string) fs.FS   // the folder at path
	Builtin  fs.FS                     // what "builtin:samples" stands for
	Progress func(done int, at string) // called now and then; may be nil
}

// Report tells what a run did.
type Report struct {
	New, Changed, Same int
	Refused            []Refusal
}

// Add counts another report in.
func (r *Report) Add(other Report) {
	r.New += other.New
	r.Changed += other.Changed
	r.Same += other.Same
	r.Refused = append(r.Refused, other.Refused...)
}

// Ingester reads sources. It may be used from several goroutines.
type Ingester struct {
	opt  Options
	mu   sync.Mutex
	seen map[string]fileState // by source, column and path: files that need no second look
}

// New makes an Ingester.
func New(opt Options) *Ingester {
	if opt.Progress == nil {
		opt.Progress = func(int, string) {}
	}
	return &Ingester{opt: opt, seen: map[string]fileState{}}
}

// Run reads one source and saves what it holds.
func (in *Ingester) Run(ctx context.Context, src news.Source) (Report, error) {
	switch {
	case src.Kind == news.DirectorySource:
		return in.directory(ctx, src)
	case src.URL != "":
		return in.remote(ctx, src)
	}
	return in.file(ctx, src)
}

// file reads the one page at src.Path.
func (in *Ingester) file(ctx context.Context, src news.Source) (Report, error) {
	b := in.batch(src)
	folder, name := path.Split(src.Path)
	if folder == "" {
		folder = "."
	}
	in.readFile(ctx, b, in.opt.Open(folder), name)
	err := b.flush(ctx)
	return b.report, err
}

// remote fetches src.URL, a page or a feed, whichever it turns out to be.
func (in *Ingester) remote(ctx context.Context, src news.Source) (Report, error) {
	allow, err := prefixes(src.AllowPrivate)
	if err != nil {
		return Report{}, err
	}
	etag, modified, err := in.opt.Saver.Validators(ctx, src.URL)
	if err != nil {
		return Report{}, err
	}
	got, err := newFetcher(in.opt.Agent, allow).get(ctx, src.URL, etag, modified)
	if err != nil || got.notModified {
		return Report{}, err
	}
	b := in.batch(src)
	if err := in.readDocument(b, got); err != nil {
		b.refuse(src.URL, err)
	}
	if err := b.flush(ctx); err != nil {
		return b.report, err
	}
	if len(b.report.Refused) > 0 { // ask for it whole again: it may be mended without a new validator
		return b.report, nil
	}
	return b.report, in.opt.Saver.KeepValidators(ctx, src.URL, got.etag, got.lastModified)
}

func (in *Ingester) readDocument(b *batch, got answer) error {
	doc, _, err := DecodeCharset(got.body, got.contentType)
	if err != nil {
		return err
	}
	if b.src.Kind == news.FeedSource || looksLikeFeed(doc, got.contentType) {
		articles, refused, err := ParseFeed(doc, got.url, in.opt.Zone)
		b.report.Refused = append(b.report.Refused, refused...)
		for _, a := range articles {
			b.add(first(a.URL, a.Title), a)
		}
		return err
	}
	a, err := in.parse(doc, got.contentType, got.url)
	if err == nil {
		b.add(got.url.String(), a)
	}
	return err
}

// parse reads a page, as HTML if it looks like it.
func (in *Ingester) parse(doc, contentType string, base *url.URL) (news.Article, error) {
	if strings.Contains(contentType, "html") || looksLikeHTML(doc) {
		return ParsePage(doc, base, in.opt.Zone)
	}
	return ParseText(doc, in.opt.Zone)
}

func looksLikeHTML(doc string) bool {
	start := strings.ToLower(strings.TrimSpace(doc[:min(len(doc), 2048)]))
	return strings.HasPrefix(start, "<!") || strings.Contains(start, "<html") || strings.Contains(start, "<body") || strings.Contains(start, "<div") || strings.Contains(start, "<meta")
}

func prefixes(networks []string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, n := range networks {
		p, err := netip.ParsePrefix(n)
		if err != nil {
			return nil, news.Errorf(news.Invalid, "%q is not a network such as 10.0.0.0/8", n)
		}
		all = append(all, p.Masked())
	}
	return all, nil
}

// Reason is why a refusal happened, as a sentence.
func (r Refusal) Error() string { return r.Path + ": " + r.Reason.Error() }
