package store

import (
	"bytes"
	"context"
	"database/sql"
	"embed"
	"io"
	"io/fs"
	"path"

	"github.com/pressly/goose/v3"

	"jianxun/internal/news"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the tables up to date, each step in a transaction. Of several
// programs that begin at once one does it and the others wait.
func (s *Store) migrate(ctx context.Context) error {
	others, err := s.dialect.alone(ctx, s.write)
	if err != nil {
		return s.fault(err)
	}
	defer others()
	p, err := s.steps()
	if err != nil {
		return news.Errorf(news.Internal, "cannot read the store's version: %w", err)
	}
	have, err := p.GetDBVersion(ctx)
	if err != nil {
		return s.cannot(err, news.Errorf(news.Unavailable, "cannot read the store's version: %w", err))
	}
	all := p.ListSources()
	if newest := all[len(all)-1].Version; have > newest {
		return news.Errorf(news.Conflict, "the store was written by a newer jianxun (its version is %d, this program knows %d); start that newer program", have, newest)
	}
	if _, err := p.Up(ctx); err != nil {
		return s.cannot(err, news.Errorf(news.Unavailable, "cannot bring the store up to date: %w", err))
	}
	return nil
}

// cannot says what went wrong while the store was opened in the words of the
// dialect, where it has some.
func (s *Store) cannot(err, otherwise error) error {
	said, damaged := s.dialect.fault(err)
	switch {
	case damaged:
		return news.Errorf(news.Invalid, "%s is damaged or no store: %w; nothing in it has been changed; move it away and put a backup in its place", s.dialect.name, err)
	case news.CodeOf(said) == news.Unavailable:
		return said
	}
	return otherwise
}

func (s *Store) steps() (*goose.Provider, error) {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(s.dialect.goose, s.write, worded{sub, s.dialect.text}, goose.WithDisableGlobalRegistry(true), goose.WithGoMigrations(
		goose.NewGoMigration(searchVersion, &goose.GoFunc{RunTx: func(ctx context.Context, t *sql.Tx) error { return buildSearch(ctx, newTx(t, &s.dialect, 0)) }}, nil)))
}

// worded gives the migrations with the dialect's word for a column of text.
type worded struct {
	fs.FS
	text string
}

// Open opens a migration, or the folder of them.
func (w worded) Open(name string) (fs.File, error) {
	f, err := w.FS.Open(name)
	if err != nil || path.Ext(name) != ".sql" {
		return f, err
	}
	b, err := io.ReadAll(f)
	return wordedFile{f, bytes.NewReader(bytes.ReplaceAll(b, []byte(" TEXT"), []byte(" "+w.text)))}, err
}

type wordedFile struct {
	fs.File
	text *bytes.Reader
}

// Read reads the text as it is worded.
func (f wordedFile) Read(b []byte) (int, error) { return f.text.Read(b) }
