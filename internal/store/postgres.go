package store

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"jianxun/internal/news"
)

// postgres is a database that may be elsewhere.
type postgres struct {
	name   string // its address without passwords, for people and for other programs
	config *pgx.ConnConfig
}

// Bounds of what one process asks of the server.
const (
	postgresConnections = 16
	connectWithin       = 5 * time.Second
	oldestPostgres      = 150000 // as the server counts its versions
)

func postgresAt(at location) (*postgres, error) {
	options := pgconn.ParseConfigOptions{GetSSLPassword: func(context.Context) string { return at.keyPassword }}
	config, err := pgx.ParseConfigWithOptions(at.bare, pgx.ParseConfigOptions{ParseConfigOptions: options})
	if err != nil {
		return nil, news.Errorf(news.Invalid, "store %q cannot be understood: %w", at.bare, err)
	}
	config.Password = cmp.Or(at.password, config.Password) // which may be of the environment
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectWithin
	}
	// Should this process vanish in the middle of a transaction, the server must
	// not keep its locks for the two hours that TCP takes to notice.
	for key, value := range map[string]string{
		"application_name": "jianxun", "client_encoding": "UTF8", "idle_in_transaction_session_timeout": "20s",
		"tcp_keepalives_idle": "5", "tcp_keepalives_interval": "3", "tcp_keepalives_count": "3",
		"jit": "off", // compiling takes longer than what we ask
	} {
		if _, ok := config.RuntimeParams[key]; !ok {
			config.RuntimeParams[key] = value
		}
	}
	if err := reach(config, at); err != nil {
		return nil, err
	}
	return &postgres{at.bare, config}, nil
}

func (p *postgres) open(ctx context.Context) (write, read *sql.DB, err error) {
	if err := p.fit(ctx); err != nil {
		return nil, nil, err
	}
	db := stdlib.OpenDB(*p.config)
	db.SetMaxOpenConns(postgresConnections)
	db.SetMaxIdleConns(postgresConnections)
	db.SetConnMaxIdleTime(5 * time.Minute)
	return db, db, nil
}

// fit tells whether the database can hold a store. Where commits are not kept
// over a crash of the server, ours are: a mail whose record was lost would be sent
// again.
func (p *postgres) fit(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*connectWithin)
	defer cancel()
	var version int
	var encoding, commits string
	var standby bool
	conn, err := pgx.ConnectConfig(ctx, p.config)
	if err == nil {
		defer func() { _ = conn.Close(ctx) }() // it has only asked
		err = conn.QueryRow(ctx, `SELECT CAST(current_setting('server_version_num') AS integer), getdatabaseencoding(), current_setting('synchronous_commit'), pg_is_in_recovery()`).
			Scan(&version, &encoding, &commits, &standby)
	}
	switch {
	case err != nil:
		said, _ := p.fault(err)
		return said
	case version < oldestPostgres:
		return news.Errorf(news.Invalid, "%s is PostgreSQL %d; version %d or newer is needed", p.name, version/10000, oldestPostgres/10000)
	case encoding != "UTF8":
		return news.Errorf(news.Invalid, "the database %s is encoded in %s; make one in UTF-8: createdb -E UTF8 -T template0 NAME", p.name, encoding)
	case standby:
		return news.Errorf(news.Invalid, "the database %s is a standby that takes no changes; name the primary", p.name)
	case commits == "off":
		p.config.RuntimeParams["synchronous_commit"] = "on"
	}
	return nil
}

// fault says what an error of the driver means.
func (p *postgres) fault(err error) (said error, damaged bool) {
	e, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case !ok && onTheWay(err):
		return news.Errorf(news.Unavailable, "the store %s does not answer: %w", p.name, err), false
	case !ok:
		return err, false
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

// onTheWay tells an error of the way to the server from one of what came over it.
func onTheWay(err error) bool {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, sql.ErrTxDone) || pgconn.Timeout(err) || pgconn.SafeToRetry(err) {
		return true
	}
	_, connecting := errors.AsType[*pgconn.ConnectError](err)
	_, network := errors.AsType[net.Error](err)
	return connecting || network
}

// How long a program waits for another that brings the tables up to date, and how
// often it looks.
const (
	schemaWithin = 2 * time.Minute
	schemaEvery  = 100 * time.Millisecond
)

// alone holds a lock of the session while the tables are brought up to date.
func (p *postgres) alone(ctx context.Context, write *sql.DB) (func(), error) {
	ctx, end := context.WithTimeout(ctx, schemaWithin)
	defer end()
	conn, err := write.Conn(ctx)
	if err != nil {
		return nil, err
	}
	for free := false; !free; {
		if err := conn.QueryRowContext(ctx, `SELECT pg_try_advisory_lock($1)`, int64(schemaLock)).Scan(&free); err != nil {
			_ = conn.Close() // what went wrong first is what matters
			if errors.Is(err, context.DeadlineExceeded) {
				err = news.Errorf(news.Unavailable, "another program has been bringing the store %s up to date for long; see whether it hangs", p.name)
			}
			return nil, err
		}
		if !free {
			select {
			case <-ctx.Done(): // the next question says so
			case <-time.After(schemaEvery):
			}
		}
	}
	return func() {
		// A session that ends gives its locks back, so a failure here is none.
		ending, end := context.WithTimeout(context.WithoutCancel(ctx), connectWithin)
		defer end()
		_, _ = conn.ExecContext(ending, `SELECT pg_advisory_unlock($1)`, int64(schemaLock))
		_ = conn.Close()
	}, nil
}
