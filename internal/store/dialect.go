package store

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"jianxun/internal/news"
)

// dialect is everything in which the engines differ. The SQL text is one.
type dialect struct {
	goose goose.Dialect
	// open gives a handle for writing and one for reading, which may be the same.
	open func(ctx context.Context, address string) (write, read *sql.DB, err error)
	// makeSearch makes the search index; search reads it: the articles of a match
	// expression ($1) up to a place ($2), newest first, at most so many ($3).
	makeSearch, search string
}

func sqliteDialect() dialect {
	return dialect{
		goose: goose.DialectSQLite3,
		open:  openSQLite,
		// The words are made by han, without regard to any alphabet: the ascii
		// tokenizer takes every other character for a letter. The index of prefixes
		// is for single characters.
		makeSearch: `CREATE VIRTUAL TABLE search USING fts5(words, content='', contentless_delete=1, tokenize='ascii', prefix='1');
			INSERT INTO search (search, rank) VALUES ('automerge', 16)`, // merged less often, as it is written more than read
		// CROSS JOIN keeps the index in front, whose order is the answer's.
		search: `SELECT ` + articleFields + ` FROM search CROSS JOIN articles ON articles.placed = search.rowid
			WHERE search MATCH $1 AND search.rowid <= $2 ORDER BY search.rowid DESC LIMIT $3`,
	}
}

func dialectOf(address string) (dialect, string, error) {
	scheme, rest, ok := strings.Cut(address, ":")
	switch {
	case ok && scheme == "sqlite" && rest != "":
		return sqliteDialect(), rest, nil
	case ok && (scheme == "postgres" || scheme == "postgresql"):
		return dialect{}, "", news.Errorf(news.Invalid, "this version stores in SQLite only; write store: sqlite:FILE")
	}
	return dialect{}, "", news.Errorf(news.Invalid, "store %q is not of the form sqlite:FILE", address)
}

// openSQLite opens the file with one writer and a pool of readers. WAL lets
// them work side by side; FULL makes every commit survive a power cut.
func openSQLite(ctx context.Context, path string) (write, read *sql.DB, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, nil, news.Errorf(news.Internal, "cannot make the folder of the store: %w", err)
	}
	const pragmas = "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)"
	name := "file:" + (&url.URL{Path: path}).EscapedPath() + pragmas
	write, err = sql.Open("sqlite", name+"&_txlock=immediate")
	if err != nil {
		return nil, nil, err
	}
	write.SetMaxOpenConns(1)
	if err := write.PingContext(ctx); err != nil {
		_ = write.Close()
		return nil, nil, news.Errorf(codeOf(err), "cannot open the store %s: %w", path, err)
	}
	read, err = sql.Open("sqlite", name+"&_pragma=query_only(1)")
	if err != nil {
		_ = write.Close()
		return nil, nil, err
	}
	read.SetMaxOpenConns(8)
	return write, read, nil
}

// codeOf tells a file that will never be a store from one that is busy.
func codeOf(err error) news.ErrorCode {
	if e, ok := errors.AsType[*sqlite.Error](err); ok && (e.Code() == sqlite3.SQLITE_NOTADB || e.Code() == sqlite3.SQLITE_CORRUPT) {
		return news.Invalid
	}
	return news.Unavailable
}
