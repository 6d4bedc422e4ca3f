package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"time"

	"jianxun/internal/news"
)

// AddHubRequest keeps a request to the hub until it is settled. It takes the
// place of an earlier one for the same subscription. Over a bound it fails:
// with Refused when the host has too many, with TooLarge when the hub is full.
func (s *Store) AddHubRequest(ctx context.Context, r news.HubRequest, bounds news.HubBounds) error {
	pair := hubPair(r.Topic, r.Callback)
	return s.inTx(ctx, hubLock, func(ctx context.Context, t tx) error {
		if err := t.roomForHubRequest(ctx, pair, r.Host, bounds); err != nil {
			return err
		}
		id, err := t.nextHubID(ctx)
		if err != nil {
			return err
		}
		// An earlier one that is in hand stays claimed: its host is still being asked.
		_, err = t.ExecContext(ctx, `INSERT INTO hub_requests (id, pair, mode, topic, callback, host, secret, lease, attempts, next_attempt, claimed_until)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, 0) ON CONFLICT (pair) DO UPDATE SET id = excluded.id, mode = excluded.mode,
			secret = excluded.secret, lease = excluded.lease, attempts = 0, next_attempt = excluded.next_attempt`,
			id, pair, r.Mode, r.Topic, r.Callback, r.Host, hide(r.Secret), r.Lease.Milliseconds(), t.now)
		return err
	})
}

// roomForHubRequest counts a subscription once, whether it is in force, waits
// to be confirmed, or both. What is about a known one always finds room.
func (t tx) roomForHubRequest(ctx context.Context, pair, host string, bounds news.HubBounds) error {
	const fresh = ` FROM hub_requests r WHERE NOT EXISTS (SELECT 1 FROM hub_subscriptions s WHERE s.pair = r.pair)`
	var pending, waiting, inForce, all, ofHost int
	err := t.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM hub_requests),
		(SELECT count(*) FROM hub_requests WHERE pair = $1), (SELECT count(*) FROM hub_subscriptions WHERE pair = $1),
		(SELECT count(*) FROM hub_subscriptions) + (SELECT count(*)`+fresh+`),
		(SELECT count(*) FROM hub_subscriptions WHERE host = $2) + (SELECT count(*)`+fresh+` AND r.host = $2)`,
		pair, host).Scan(&pending, &waiting, &inForce, &all, &ofHost)
	known := waiting+inForce > 0
	switch {
	case err != nil:
		return err
	case !known && pending >= bounds.Pending, !known && all >= bounds.Subscriptions:
		return news.Errorf(news.TooLarge, "the hub has no room for another subscription now; try again later")
	case !known && ofHost >= bounds.PerHost:
		return news.Errorf(news.Refused, "the hub takes no more than %d subscriptions for the host %s", bounds.PerHost, host)
	}
	return nil
}

// ClaimHubRequest takes the request that has been due longest, for the time of
// the lease, of a host that no request is claimed of. It gives false when
// nothing is due.
func (s *Store) ClaimHubRequest(ctx context.Context, lease time.Duration) (r news.HubRequest, found bool, err error) {
	err = s.inTx(ctx, hubLock, func(ctx context.Context, t tx) error {
		var secret string
		var leased int64
		err := t.QueryRowContext(ctx, `UPDATE hub_requests SET claimed_until = $2 WHERE claimed_until <= $1 AND id =
			(SELECT r.id FROM hub_requests r WHERE r.next_attempt <= $1
			AND NOT EXISTS (SELECT 1 FROM hub_requests o WHERE o.host = r.host AND o.claimed_until > $1)
			ORDER BY r.next_attempt, r.id LIMIT 1)
			RETURNING id, mode, topic, callback, host, secret, lease, attempts`, t.now, t.now+lease.Milliseconds()).
			Scan(&r.ID, &r.Mode, &r.Topic, &r.Callback, &r.Host, &secret, &leased, &r.Attempts)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err == nil {
			r.Lease = time.Duration(leased) * time.Millisecond
			r.Secret, err = show(secret)
		}
		found = err == nil
		return err
	})
	return r, found, err
}

// SettleHubRequest records how asking the subscriber ended. Confirmed, the
// subscription is in force until Expires, or has ended; dropped, it is as it
// was. When a newer request has taken the place of this one, the verdict is
// about nothing and only lets the newer one be asked about.
func (s *Store) SettleHubRequest(ctx context.Context, r news.HubRequest, verdict news.HubVerdict) error {
	return s.inTx(ctx, hubLock, func(ctx context.Context, t tx) error {
		pair := hubPair(r.Topic, r.Callback)
		query, args := `DELETE FROM hub_requests WHERE id = $1`, []any{r.ID}
		if verdict == news.HubLater {
			query, args = `UPDATE hub_requests SET attempts = $2, next_attempt = $3, claimed_until = 0 WHERE id = $1`, []any{r.ID, r.Attempts, ms(r.Next)}
		}
		res, err := t.ExecContext(ctx, query, args...)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		switch {
		case err != nil:
			return err
		case n == 0:
			_, err = t.ExecContext(ctx, `UPDATE hub_requests SET claimed_until = 0 WHERE pair = $1`, pair)
		case verdict == news.HubDone && r.Mode == news.HubSubscribe:
			err = t.subscribeToHub(ctx, pair, r)
		case verdict == news.HubDone:
			_, err = t.ExecContext(ctx, `DELETE FROM hub_subscriptions WHERE pair = $1`, pair)
		}
		return err
	})
}

// subscribeToHub puts a subscription in force or renews it. A subscriber who
// renews is alive: a push that waits for another attempt is due at once.
func (t tx) subscribeToHub(ctx context.Context, pair string, r news.HubRequest) error {
	id, err := t.nextHubID(ctx)
	if err != nil {
		return err
	}
	_, err = t.ExecContext(ctx, `INSERT INTO hub_subscriptions (id, pair, topic, callback, host, secret, expires, marks, sent, document, attempts, next_attempt, claimed_until)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0, '', 0, $8, 0) ON CONFLICT (pair) DO UPDATE SET
		secret = excluded.secret, expires = excluded.expires, attempts = 0, next_attempt = excluded.next_attempt`,
		id, pair, r.Topic, r.Callback, r.Host, hide(r.Secret), ms(r.Expires), t.now)
	return err
}

// MarkHubTopics makes a push due to every subscriber of the topics. One that
// already waits keeps its time and will bring what is newest then.
func (s *Store) MarkHubTopics(ctx context.Context, topics []string) error {
	return s.inTx(ctx, hubLock, func(ctx context.Context, t tx) error {
		for _, topic := range topics {
			if _, err := t.ExecContext(ctx, `UPDATE hub_subscriptions SET marks = marks + 1,
				next_attempt = CASE WHEN sent < marks THEN next_attempt ELSE $2 END WHERE topic = $1`, topic, t.now); err != nil {
				return err
			}
		}
		return nil
	})
}

// ClaimHubPush takes the push that has been due longest, for the time of the
// lease, of a host that no push is claimed of. It gives false when nothing is
// due. Subscriptions that have run out are removed first.
func (s *Store) ClaimHubPush(ctx context.Context, lease time.Duration) (p news.HubPush, found bool, err error) {
	err = s.inTx(ctx, hubLock, func(ctx context.Context, t tx) error {
		if _, err := t.ExecContext(ctx, `DELETE FROM hub_subscriptions WHERE expires <= $1`, t.now); err != nil {
			return err
		}
		var secret string
		err := t.QueryRowContext(ctx, `UPDATE hub_subscriptions SET claimed_until = $2 WHERE claimed_until <= $1 AND id =
			(SELECT s.id FROM hub_subscriptions s WHERE s.sent < s.marks AND s.next_attempt <= $1
			AND NOT EXISTS (SELECT 1 FROM hub_subscriptions o WHERE o.host = s.host AND o.claimed_until > $1)
			ORDER BY s.next_attempt, s.id LIMIT 1)
			RETURNING id, topic, callback, secret, marks, document, attempts`, t.now, t.now+lease.Milliseconds()).
			Scan(&p.ID, &p.Topic, &p.Callback, &secret, &p.Mark, &p.Document, &p.Attempts)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err == nil {
			p.Secret, err = show(secret)
		}
		found = err == nil
		return err
	})
	return p, found, err
}

// SettleHubPush records how a push ended. Taken or given up, it has brought
// the subscriber up to p.Mark: if the topic was marked since, the next push is
// due at once and begins its attempts anew.
func (s *Store) SettleHubPush(ctx context.Context, p news.HubPush, verdict news.HubVerdict) error {
	return s.inTx(ctx, hubLock, func(ctx context.Context, t tx) error {
		var err error
		switch verdict {
		case news.HubGone:
			_, err = t.ExecContext(ctx, `DELETE FROM hub_subscriptions WHERE id = $1`, p.ID)
		case news.HubLater:
			_, err = t.ExecContext(ctx, `UPDATE hub_subscriptions SET attempts = $3, next_attempt = $4, claimed_until = 0
				WHERE id = $1 AND sent < $2`, p.ID, p.Mark, p.Attempts, ms(p.Next))
		default:
			_, err = t.ExecContext(ctx, `UPDATE hub_subscriptions SET sent = $2, document = $3, attempts = 0, next_attempt = $4, claimed_until = 0
				WHERE id = $1 AND sent < $2`, p.ID, p.Mark, p.Document, t.now)
		}
		return err
	})
}

// nextHubID gives ids that are never given again, so that nothing is settled
// under the id of something that came later.
func (t tx) nextHubID(ctx context.Context) (id int64, err error) {
	err = t.QueryRowContext(ctx, `UPDATE counters SET value = value + 1 WHERE name = 'hub_seq' RETURNING value`).Scan(&id)
	return id, err
}

// hubPair is the identity of a subscription. Addresses hold no line breaks.
func hubPair(topic, callback string) string {
	sum := sha256.Sum256([]byte(topic + "\n" + callback))
	return hex.EncodeToString(sum[:])
}

// hide and show bring the octets of a secret in and out of a column of text.
func hide(secret string) string { return base64.StdEncoding.EncodeToString([]byte(secret)) }

func show(text string) (string, error) {
	b, err := base64.StdEncoding.DecodeString(text)
	return string(b), err
}
