package ingest

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"jianxun/internal/news"
)

const (
	maxFile   = 5 << 20 // octets
	batchSize = 100
	maxDepth  = 20 // folders
)

// Builtin is the path that stands for the samples the program carries.
const Builtin = "builtin:samples"

type fileState struct {
	size     int64
	mod      time.Time
	refusal  error  // nil: saved
	identity string // of the article saved
	hash     string
}

// directory reads every .txt, .html and .htm below src.Path, in the order of
// their names. Hidden files and folders are passed over. Files that have not
// changed since this Ingester last read them are not opened again.
func (in *Ingester) directory(ctx context.Context, src news.Source) (Report, error) {
	folder := in.opt.Builtin
	if src.Path != Builtin {
		folder = in.opt.Open(src.Path)
	}
	b := in.batch(src)
	err := fs.WalkDir(folder, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && name == ".":
			return news.Errorf(news.Unavailable, "cannot read the folder %s: %w", src.Path, err)
		case err != nil:
			b.refuse(name, err)
			return nil
		case name != "." && strings.HasPrefix(entry.Name(), "."), entry.IsDir() && strings.Count(name, "/") >= maxDepth:
			return skip(entry)
		case entry.IsDir() || !isPage(name):
			return nil
		}
		in.readFile(ctx, b, folder, name)
		return b.flushIfFull(ctx)
	})
	if err != nil {
		return b.report, err
	}
	return b.report, b.flush(ctx)
}

func skip(entry fs.DirEntry) error {
	if entry.IsDir() {
		return fs.SkipDir
	}
	return nil
}

func isPage(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".txt", ".html", ".htm", ".shtml", ".xhtml":
		return true
	}
	return false
}

// readFile adds the page in a file to the batch, or its refusal.
func (in *Ingester) readFile(_ context.Context, b *batch, folder fs.FS, name string) {
	key := strings.Join([]string{b.src.Name, b.src.Column, b.src.Path, name}, "\x1f")
	info, err := fs.Stat(folder, name)
	if err != nil {
		b.refuse(name, news.Errorf(news.Unavailable, "cannot be read: %w", reason(err)))
		return
	}
	state := fileState{size: info.Size(), mod: info.ModTime()}
	in.mu.Lock()
	known, ok := in.seen[key]
	in.mu.Unlock()
	if ok && known.size == state.size && known.mod.Equal(state.mod) {
		if known.refusal != nil {
			b.refuse(name, known.refusal)
		} else if b.claim(name, known.identity, known.hash) {
			b.report.Same++
		}
		return
	}
	a, err := in.parseFile(folder, name)
	if err != nil {
		b.refuse(name, err)
		if news.CodeOf(err) != news.Unavailable {
			state.refusal = err
			in.remember(key, state)
		}
		return
	}
	if state.identity, state.hash, ok = b.add(name, a); !ok {
		return
	}
	b.saved = append(b.saved, func() { in.remember(key, state) })
}

func (in *Ingester) remember(key string, state fileState) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.seen[key] = state
}

func (in *Ingester) parseFile(folder fs.FS, name string) (news.Article, error) {
	f, err := folder.Open(name)
	if err != nil {
		return news.Article{}, news.Errorf(news.Unavailable, "cannot be read: %w", reason(err))
	}
	defer func() { _ = f.Close() }()
	doc, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return news.Article{}, news.Errorf(news.Unavailable, "cannot be read: %w", reason(err))
	case len(doc) > maxFile:
		return news.Article{}, news.Errorf(news.TooLarge, "the file is larger than %d MB", maxFile>>20)
	case len(strings.TrimSpace(string(doc))) == 0:
		return news.Article{}, news.Errorf(news.Invalid, "the file is empty")
	}
	text, _, err := DecodeCharset(doc, "")
	if err != nil {
		return news.Article{}, err
	}
	return in.parse(text, "", nil)
}

// reason is what stands behind the path of a file error, which the report
// names already.
func reason(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}
