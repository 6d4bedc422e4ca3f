package store

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"jianxun/internal/news"
)

// openSQLite opens the file with one writer and a pool of readers. WAL lets
// them work side by side; FULL makes every commit survive a power cut.
func openSQLite(ctx context.Context, path string) (write, read *sql.DB, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, nil, news.Errorf(news.Unavailable, "cannot make the folder of the store: %w", err)
	}
	if err := errors.Join(writable(path), foreignLog(path)); err != nil {
		return nil, nil, err
	}
	name := databaseURI(path, "busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)")
	write, err = sql.Open("sqlite", name+"&_txlock=immediate")
	if err != nil {
		return nil, nil, err
	}
	write.SetMaxOpenConns(1)
	others, err := lockFolder(ctx, path) // of two that switch a new file to WAL at once, one would be turned away
	if err != nil {
		return nil, nil, errors.Join(err, write.Close())
	}
	err = write.PingContext(ctx)
	others()
	if err != nil {
		_ = write.Close()
		said, damaged := sqliteFault(path, err)
		if damaged {
			return nil, nil, notAStore(path, err)
		}
		return nil, nil, said
	}
	read, err = sql.Open("sqlite", name+"&_pragma=query_only(1)")
	if err != nil {
		_ = write.Close()
		return nil, nil, err
	}
	read.SetMaxOpenConns(8)
	return write, read, nil
}

// databaseURI names a file to SQLite, whatever characters its path has, with what
// is to be set on every connection.
func databaseURI(path string, pragmas ...string) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?_pragma=" + strings.Join(pragmas, "&_pragma=")
}

// writable tells early, and by name, what SQLite would say late: it opens a file
// that may only be read, and fails at the first change. It must not open the file
// itself: with the closing of it, the system would take away the locks that other
// connections of this process have on it.
func writable(path string) error {
	err := mayWrite(path)
	if err == nil || errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return mayNotBeWritten(path, err)
}

// foreignLog refuses a backup that was put in the place of a store whose log was
// left there: SQLite would take the log for the backup's and write it into it. A
// store that was ever opened has its log noted in its header, a backup has not.
func foreignLog(path string) error {
	if log, err := os.Stat(path + "-wal"); err != nil || log.Size() == 0 {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil // SQLite says it
	}
	defer func() { _ = f.Close() }()
	var header [20]byte
	if _, err := f.ReadAt(header[:], 0); err != nil || string(header[:15]) != "SQLite format 3" || header[18] != 1 {
		return nil
	}
	return news.Errorf(news.Conflict, "%s is a backup, and %s-wal beside it belongs to the file that was there before; move that -wal and the -shm away too", path, path)
}

func mayNotBeWritten(path string, err error) error {
	return news.Errorf(news.Unavailable, "the store %s may not be written: %w; give the file and its folder to the user who runs jianxun", path, err)
}

// fileExists fails when there is no file, or an empty one, to be read from.
func fileExists(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist), err == nil && (info.IsDir() || info.Size() == 0):
		return noStore(path)
	case err != nil:
		return news.Errorf(news.Unavailable, "cannot open the store %s: %w", path, err)
	}
	return nil
}

// deletions empty the tables, those that refer to others first.
func deletions(tables []string) []string {
	var all []string
	for _, table := range slices.Backward(tables) {
		all = append(all, `DELETE FROM `+table)
	}
	return all
}

func notAStore(path string, err error) error {
	return news.Errorf(news.Invalid, "%s is damaged or no store: %w; nothing in it has been changed; move it away and put a backup in its place", path, err)
}

// sqliteFault says what an error of SQLite means, by its primary result code.
func sqliteFault(path string, err error) (said error, damaged bool) {
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return err, false
	}
	primary := e.Code() & 0xff
	switch e.Code() { // that say more than the class of errors they are in
	case sqlite3.SQLITE_IOERR_SHMSIZE:
		primary = sqlite3.SQLITE_FULL
	case sqlite3.SQLITE_IOERR_CORRUPTFS:
		primary = sqlite3.SQLITE_CORRUPT
	}
	switch primary {
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
		return news.Errorf(news.Unavailable, "the store %s is damaged: %w; nothing more is written to it; stop jianxun, move the file with its -wal and -shm away and put a backup in its place", path, err), true
	case sqlite3.SQLITE_FULL:
		return news.Errorf(news.Unavailable, "the disk with the store %s is full: %w; nothing is lost, free some space", path, err), false
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN:
		return mayNotBeWritten(path, err), false
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return news.Errorf(news.Unavailable, "another program keeps the store %s locked: %w", path, err), false
	case sqlite3.SQLITE_IOERR:
		return news.Errorf(news.Unavailable, "the disk with the store %s does not work: %w", path, err), false
	}
	return err, false
}
