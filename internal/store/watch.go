package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"jianxun/internal/news"
)

// topic is what processes tell each other of.
type topic string

const (
	articlesTopic   topic = "articles"
	deliveriesTopic topic = "deliveries"
)

// channel is the name under which notices go through PostgreSQL.
const channel = "jianxun"

// tell sends the notices of a transaction; they arrive when it is committed.
func (t tx) tell(ctx context.Context) error {
	if t.notify == "" {
		return nil
	}
	for topic := range t.told {
		if _, err := t.ExecContext(ctx, t.notify, string(topic)); err != nil {
			return err
		}
	}
	return nil
}

// Watch calls articles whenever articles may have changed through this process
// or another one, and deliveries when another one has enqueued some, until ctx
// ends. Notices only save time: articles is called now and then without one, and
// so a connection that was lost costs no change.
func (s *Store) Watch(ctx context.Context, articles, deliveries func()) {
	told := make(chan topic, 16)
	go s.dialect.watch(ctx, s, func(t topic) {
		select {
		case told <- t:
		case <-ctx.Done():
		}
	})
	poll := time.NewTicker(s.dialect.poll)
	defer poll.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case t := <-told:
			if t == deliveriesTopic {
				deliveries()
				continue
			}
		case <-poll.C:
		}
		articles()
	}
}

// Bounds of the wait before the connection for notices is made anew.
const (
	firstReconnect = 100 * time.Millisecond
	lastReconnect  = 5 * time.Second
)

// watch listens on a connection of its own. Whatever was told while there was
// none is made up for by calling changed for everything.
func (p *postgres) watch(ctx context.Context, s *Store, changed func(topic)) {
	for wait := firstReconnect; ctx.Err() == nil; wait = min(2*wait, lastReconnect) {
		if p.listen(ctx, s, changed) {
			wait = firstReconnect
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// listen hears notices until the connection is lost, and tells whether it had one.
// With the connection goes the lock that keeps the store from being copied
// meanwhile; who finds it taken then writes nothing until it is free.
func (p *postgres) listen(ctx context.Context, s *Store, changed func(topic)) bool {
	conn, err := pgx.ConnectConfig(ctx, p.config)
	if err != nil {
		return false
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(end) // it has only listened
	}()
	if _, err := conn.Exec(ctx, `LISTEN `+channel); err != nil {
		return false
	}
	var free bool
	if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock_shared($1)`, int64(serveLock)).Scan(&free); err != nil {
		return false
	}
	s.suspended.Store(!free)
	if !free {
		return false
	}
	changed(articlesTopic)
	changed(deliveriesTopic)
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return true
		}
		changed(topic(n.Payload))
	}
}

// serve refuses a store that is being copied; that it is served is then told by
// the lock that the listening connection holds.
func (p *postgres) serve(ctx context.Context, s *Store) (func() error, error) {
	var free bool
	if err := s.read.QueryRowContext(ctx, `SELECT pg_try_advisory_xact_lock_shared($1)`, int64(serveLock)).Scan(&free); err != nil {
		return nil, err
	}
	if !free {
		return nil, beingCopied(news.Conflict, p.name)
	}
	return func() error { return nil }, nil
}

// own holds the lock alone, on a session of its own: whoever serves holds it too.
func (p *postgres) own(ctx context.Context, s *Store) (func() error, error) {
	ctx, end := bound(ctx, s.dialect.patience)
	defer end()
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return nil, err
	}
	var free bool
	if err := conn.QueryRowContext(ctx, `SELECT pg_try_advisory_lock($1)`, int64(serveLock)).Scan(&free); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	if !free {
		_ = conn.Close() // the refusal is what matters
		return nil, news.Errorf(news.Conflict, "the store %s is served, or copied by another; stop every jianxun that uses it", p.name)
	}
	return func() error {
		// A session that ends gives its locks back, so a failure here is none.
		ending, end := bound(context.WithoutCancel(ctx), s.dialect.patience)
		defer end()
		_, _ = conn.ExecContext(ending, `SELECT pg_advisory_unlock($1)`, int64(serveLock))
		_ = conn.Close()
		return nil
	}, nil
}

// identity is when the server was started, to the microsecond, and which of its
// databases this is.
func (p *postgres) identity(ctx context.Context, s *Store) (any, error) {
	var id string
	err := s.read.QueryRowContext(ctx, `SELECT concat(extract(epoch FROM pg_postmaster_start_time()), '/', oid) FROM pg_database WHERE datname = current_database()`).Scan(&id)
	return id, err
}

func beingCopied(code news.ErrorCode, name string) error {
	return news.Errorf(code, "the store %s is being copied; wait until that has ended", name)
}
