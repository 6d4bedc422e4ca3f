package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"jianxun/internal/news"
)

// postgres is a database that may be elsewhere.
type postgres struct {
	name   string
	bare   string // the address, for other programs
	config *pgx.ConnConfig
}

// Bounds of what one process asks of the server.
const (
	postgresConnections = 16
	connectWithin       = 5 * time.Second
	oldestPostgres      = 150000 // as the server counts its versions
)

func parsePostgres(address string) (*postgres, error) {
	name := Redacted(address)
	config, err := pgx.ParseConfig(address)
	if err != nil { // which hides the password
		return nil, news.Errorf(news.Invalid, "store %q cannot be understood: %w", name, err)
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectWithin
	}
	// Should this process vanish in the middle of a transaction, the server must
	// not keep its locks for the two hours that TCP takes to notice.
	for key, value := range map[string]string{
		"application_name": "jianxun", "client_encoding": "UTF8", "idle_in_transaction_session_timeout": "20s",
		"tcp_keepalives_idle": "5", "tcp_keepalives_interval": "3", "tcp_keepalives_count": "3",
	} {
		if _, ok := config.RuntimeParams[key]; !ok {
			config.RuntimeParams[key] = value
		}
	}
	reach(config, address)
	return &postgres{name, withoutPassword(address), config}, nil
}

func (p *postgres) open(ctx context.Context) (write, read *sql.DB, err error) {
	db := stdlib.OpenDB(*p.config)
	db.SetMaxOpenConns(postgresConnections)
	db.SetMaxIdleConns(postgresConnections)
	db.SetConnMaxIdleTime(5 * time.Minute)
	if err := p.fit(ctx, db); err != nil {
		_ = db.Close()
		return nil, nil, err
	}
	return db, db, nil
}

// fit tells whether the database can hold a store.
func (p *postgres) fit(ctx context.Context, db *sql.DB) error {
	ctx, cancel := context.WithTimeout(ctx, 2*connectWithin)
	defer cancel()
	var version int
	var encoding string
	var standby bool
	err := db.QueryRowContext(ctx, `SELECT current_setting('server_version_num')::integer, getdatabaseencoding(), pg_is_in_recovery()`).Scan(&version, &encoding, &standby)
	if err != nil {
		said, _ := p.fault(err)
		return said
	}
	switch {
	case version < oldestPostgres:
		return news.Errorf(news.Invalid, "%s is PostgreSQL %d; version %d or newer is needed", p.name, version/10000, oldestPostgres/10000)
	case encoding != "UTF8":
		return news.Errorf(news.Invalid, "the database %s is encoded in %s; make one in UTF-8: createdb -E UTF8 -T template0 NAME", p.name, encoding)
	case standby:
		return news.Errorf(news.Invalid, "the database %s is a standby that takes no changes; name the primary", p.name)
	}
	return nil
}

// fault says what an error of the driver means. What the server did not say is
// about the way to it.
func (p *postgres) fault(err error) (said error, damaged bool) {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return news.Errorf(news.Unavailable, "the store %s does not answer: %w", p.name, err), false
	}
	switch {
	case e.Code == "3D000":
		return news.Errorf(news.Unavailable, "there is no database %s; make it: createdb -E UTF8 -T template0 NAME", p.name), false
	case e.Code[:2] == "28", e.Code == "42501":
		return news.Errorf(news.Unavailable, "%s does not let this user in: %w; see store_password in the configuration, and pg_hba.conf", p.name, err), false
	case e.Code == "53100":
		return news.Errorf(news.Unavailable, "the disk with the store %s is full: %w; nothing is lost, free some space", p.name, err), false
	case e.Code[:2] == "XX" && e.Code != "XX000":
		return news.Errorf(news.Unavailable, "the store %s is damaged: %w; nothing more is written to it; stop jianxun and put a backup in its place", p.name, err), true
	case e.Code[:2] == "08", e.Code[:2] == "25", e.Code[:2] == "40", e.Code[:2] == "53", e.Code[:2] == "55", e.Code[:2] == "57", e.Code[:2] == "58":
		return news.Errorf(news.Unavailable, "the store %s does not take this now: %w", p.name, err), false
	}
	return err, false
}

// alone holds a lock of the session while the tables are brought up to date.
func (p *postgres) alone(ctx context.Context, write *sql.DB) (func(), error) {
	conn, err := write.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, int64(schemaLock)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return func() {
		// A session that ends gives its locks back, so a failure here is none.
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, int64(schemaLock))
		_ = conn.Close()
	}, nil
}
