package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"modernc.org/sqlite"

	"jianxun/internal/news"
)

// pagesAtOnce is how much is copied between two looks at whether to go on.
const pagesAtOnce = 256

// backupFile copies the file of a store to another, which is there once it is
// whole: until then it is beside it under the name partial.
func backupFile(ctx context.Context, s *Store, file string, progress func(done, all int)) (err error) {
	partial := file + ".partial"
	if err := absent(file); err != nil {
		return err
	}
	out, err := claimPartial(partial)
	if err != nil {
		return err
	}
	defer func() {
		_ = out.Close()
		if err != nil {
			removeDatabase(partial)
			err = backupFault(ctx, s.dialect.name, file, err)
		}
	}()
	made := ms(s.now())
	if err := s.copyPages(ctx, partial, progress); err != nil {
		return err
	}
	if err := finishCopy(ctx, s.dialect.name, partial, made); err != nil {
		return err
	}
	if err := out.Sync(); err != nil {
		return err
	}
	if err := absent(file); err != nil { // somebody else may have made it meanwhile
		return err
	}
	if err := os.Rename(partial, file); err != nil {
		return err
	}
	if err := syncFolder(filepath.Dir(file)); err != nil {
		return errors.Join(err, os.Remove(file)) // a power cut might take it
	}
	return nil
}

// absent refuses a file that is there.
func absent(file string) error {
	_, err := os.Lstat(file)
	if err == nil {
		return news.Errorf(news.Conflict, "%s is there already, and a backup overwrites nothing: name another file", file)
	}
	if !errors.Is(err, os.ErrNotExist) {
		return news.Errorf(news.Unavailable, "the backup %s cannot be written: %w; nothing is left of it", file, err)
	}
	return nil
}

// claimPartial opens an empty file that nobody else writes a backup to. What a
// backup that died has left there is taken away.
func claimPartial(partial string) (*os.File, error) {
	f, err := os.OpenFile(partial, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, news.Errorf(news.Unavailable, "the backup %s cannot be written: %w; nothing is left of it", partial, err)
	}
	if locked(f) || !isAt(f, partial) {
		_ = f.Close()
		return nil, news.Errorf(news.Conflict, "another backup to this file is being made: %s", partial)
	}
	for _, beside := range beside(partial) {
		_ = os.Remove(beside) // what cannot be removed fails below
	}
	if err := f.Truncate(0); err != nil {
		_ = f.Close()
		return nil, news.Errorf(news.Unavailable, "the backup %s cannot be written: %w; nothing is left of it", partial, err)
	}
	return f, nil
}

// beside are the files that SQLite may keep beside a database.
func beside(path string) []string { return []string{path + "-journal", path + "-wal", path + "-shm"} }

// removeDatabase removes what is left of a failed copy, as far as it can.
func removeDatabase(path string) {
	for _, name := range append(beside(path), path) {
		_ = os.Remove(name)
	}
}

// copyPages copies the database as it is now. The transaction keeps what it
// reads as it was, so that nobody who writes meanwhile waits for the copy or
// makes it begin again. The journal is left out: a copy that fails is removed.
func (s *Store) copyPages(ctx context.Context, to string, progress func(done, all int)) error {
	conn, err := s.read.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.ExecContext(ctx, `BEGIN`); err != nil {
		return err
	}
	defer func() { _, _ = conn.ExecContext(context.WithoutCancel(ctx), `ROLLBACK`) }() // it has only read
	var tables int
	if err := conn.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema`).Scan(&tables); err != nil { // from here on it holds
		return err
	}
	return conn.Raw(func(driver any) error {
		source, ok := driver.(interface {
			NewBackup(uri string) (*sqlite.Backup, error)
		})
		if !ok {
			return errors.New("the driver makes no backups")
		}
		b, err := source.NewBackup(databaseURI(to, "journal_mode(OFF)", "synchronous(OFF)"))
		if err != nil {
			return err
		}
		err, ended := steps(ctx, b, progress), b.Finish() // which says the same again
		return cmp.Or(err, ended)
	})
}

func steps(ctx context.Context, b *sqlite.Backup, progress func(done, all int)) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		more, err := b.Step(pagesAtOnce)
		if err != nil {
			return err
		}
		progress(b.PageCount()-b.Remaining(), b.PageCount())
		if !more {
			return nil
		}
	}
}

// finishCopy makes the copy a single file, marks it and looks whether it is whole.
func finishCopy(ctx context.Context, store, path string, made int64) (err error) {
	// An exclusive copy needs no memory shared with others, which a network disk
	// does not have.
	db, err := sql.Open("sqlite", databaseURI(path, "locking_mode(EXCLUSIVE)", "journal_mode(DELETE)"))
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.ExecContext(ctx, markRestored, strconv.FormatInt(made, 10)); err != nil {
		return err
	}
	found, err := integrity(ctx, db)
	if err == nil && found != "ok" {
		err = damagedSource(store, found)
	}
	return err
}

// integrity is "ok", or the first things that are wrong with a database.
func integrity(ctx context.Context, db *sql.DB) (string, error) {
	rows, err := answer(db.QueryContext(ctx, `PRAGMA integrity_check(3)`))
	found, err := collect(rows, err, func(row scanner) (line string, err error) {
		err = row.Scan(&line)
		return strings.ReplaceAll(line, "\n", " "), err
	})
	return strings.Join(found, "; "), err
}
