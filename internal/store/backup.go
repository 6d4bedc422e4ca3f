package store

import (
	"context"
	"errors"
	"strings"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"jianxun/internal/news"
)

// Backup writes the store as it is at this moment to a new file, which can be
// put in its place, while others go on writing. progress is told how much has
// been copied. When it fails it leaves nothing. The copy bears a mark: restored,
// it sends no mail until Resume is called.
func (s *Store) Backup(ctx context.Context, file string, progress func(done, all int)) error {
	return s.dialect.backup(ctx, s, file, progress)
}

// advise says how PostgreSQL is backed up: its own programs do that well, beside
// everything, and know all that is in a database.
func (p *postgres) advise(file string) error {
	address := quoted(p.name)
	return news.Errorf(news.Refused, "Nothing was backed up: the store is a PostgreSQL database, which its own program copies:\n  pg_dump --format=custom --file=%s %s\nPut it back into an empty database, and hold mail back before jianxun is started on it:\n  pg_restore --no-owner --dbname=%s %s\n  jianxun store hold",
		quoted(file), address, address, quoted(file))
}

// quoted is text as a shell takes it for one word.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// backupFault says what went wrong with the copy of a file.
func backupFault(ctx context.Context, store, file string, err error) error {
	if _, ok := errors.AsType[*news.Error](err); ok {
		return err
	}
	if ctx.Err() != nil { // of which SQLite has words of its own
		return news.Errorf(news.Unavailable, "the backup was broken off; nothing is left of it")
	}
	code := 0
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		code = e.Code() & 0xff
	}
	switch {
	case code == sqlite3.SQLITE_FULL || errors.Is(err, syscall.ENOSPC):
		return news.Errorf(news.Unavailable, "there is no room for the backup %s: %w; nothing is left of it; free some space, or name a file on another disk", file, err)
	case code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_NOTADB:
		return damagedSource(store, err.Error())
	}
	return news.Errorf(news.Unavailable, "the backup %s cannot be written: %w; nothing is left of it", file, err)
}

func damagedSource(store, found string) error {
	return news.Errorf(news.Unavailable, "the store %s is damaged, and so would its backup be: %s; nothing is left of that; keep the backups you have", store, found)
}
