package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"jianxun/internal/news"
)

// oneLetter is how long an address that was written to is left in peace.
const oneLetter = 24 * time.Hour

// AskSignUp notes that somebody asked for an address to be subscribed. letter
// tells whether the address may be written to; then Asked of what it gives names
// this request. With perHour requests in the last hour, over all addresses, it
// fails with Busy, whatever address it is.
func (s *Store) AskSignUp(ctx context.Context, u news.SignUp, perHour int) (noted news.SignUp, letter bool, err error) {
	id := news.SubscriberID(u.Email)
	err = s.inTx(ctx, rosterLock.of("sign_ups"), func(ctx context.Context, t tx) error {
		var n int
		if err := t.QueryRowContext(ctx, `SELECT count(*) FROM sign_ups WHERE asked > $1`, t.now-time.Hour.Milliseconds()).Scan(&n); err != nil {
			return err
		}
		if n >= perHour {
			return news.Errorf(news.Busy, "many people are subscribing at the moment; please try again in an hour")
		}
		u.Asked = at(t.now)
		res, err := t.ExecContext(ctx, `INSERT INTO sign_ups (subscriber_id, email, name, digests, asked, confirmed) VALUES ($1, $2, $3, $4, $5, 0)
			ON CONFLICT (subscriber_id) DO UPDATE SET email = excluded.email, name = excluded.name, digests = excluded.digests, asked = excluded.asked, confirmed = 0
			WHERE sign_ups.asked <= $6`, id, u.Email, u.Name, texts(u.Digests), t.now, t.now-oneLetter.Milliseconds())
		if err != nil {
			return err
		}
		n64, err := res.RowsAffected()
		letter = n64 > 0
		return err
	})
	return u, letter, err
}

const signUpFields = `email, name, digests, asked, confirmed`

func scanSignUp(row scanner) (u news.SignUp, err error) {
	var digests string
	var asked, confirmed int64
	if err := row.Scan(&u.Email, &u.Name, &digests, &asked, &confirmed); err != nil {
		return u, err
	}
	u.Asked, u.Confirmed = at(asked), at(confirmed)
	return u, json.Unmarshal([]byte(digests), &u.Digests)
}

// SignUp finds the request for an address that was made at a time.
func (s *Store) SignUp(ctx context.Context, id string, asked time.Time) (news.SignUp, error) {
	u, err := scanSignUp(s.read.QueryRowContext(ctx, `SELECT `+signUpFields+` FROM sign_ups WHERE subscriber_id = $1 AND asked = $2`, id, ms(asked)))
	return u, noSignUp(err)
}

func noSignUp(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return news.Errorf(news.NotFound, "this link is no longer good; please subscribe again")
	}
	return err
}

// SignUps are the requests that nobody has confirmed yet, by address.
func (s *Store) SignUps(ctx context.Context) ([]news.SignUp, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT `+signUpFields+` FROM sign_ups WHERE confirmed = 0 ORDER BY email, subscriber_id`)
	return collect(rows, err, scanSignUp)
}

// ForgetSignUps removes what was asked before a time.
func (s *Store) ForgetSignUps(ctx context.Context, before time.Time) error {
	return s.inTx(ctx, noLock, func(ctx context.Context, t tx) error {
		_, err := t.ExecContext(ctx, `DELETE FROM sign_ups WHERE asked < $1`, ms(before))
		return err
	})
}

// ForgetSignUp removes one request whose letter did not leave.
func (s *Store) ForgetSignUp(ctx context.Context, u news.SignUp) error {
	return s.inTx(ctx, noLock, func(ctx context.Context, t tx) error {
		_, err := t.ExecContext(ctx, `DELETE FROM sign_ups WHERE subscriber_id = $1 AND asked = $2`, news.SubscriberID(u.Email), ms(u.Asked))
		return err
	})
}

// ConfirmSignUp subscribes the person who asked at that time; a second time it
// changes nothing. Whom a list names keeps what it says of them and only comes
// back. Who bounced stays so.
func (s *Store) ConfirmSignUp(ctx context.Context, id string, asked time.Time) error {
	return s.inTx(ctx, rosterLock, func(ctx context.Context, t tx) error {
		res, err := t.ExecContext(ctx, `UPDATE sign_ups SET confirmed = $3 WHERE subscriber_id = $1 AND asked = $2 AND confirmed = 0`, id, ms(asked), t.now)
		if err != nil {
			return err
		}
		first, err := res.RowsAffected()
		if err != nil {
			return err
		}
		u, err := scanSignUp(t.QueryRowContext(ctx, `SELECT `+signUpFields+` FROM sign_ups WHERE subscriber_id = $1 AND asked = $2`, id, ms(asked)))
		if err != nil || first == 0 {
			return noSignUp(err)
		}
		return t.subscribe(ctx, u)
	})
}

func (t tx) subscribe(ctx context.Context, u news.SignUp) error {
	known, err := scanSubscriber(t.QueryRowContext(ctx, `SELECT `+listedFields+` FROM subscribers s WHERE s.id = $1`, news.SubscriberID(u.Email)))
	switch {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return err
	case known.State == news.Bounced:
		return nil
	}
	sub := u.Subscriber()
	if !known.Listed || known.Origin == news.FromSelf {
		if sub.Name == "" {
			sub.Name = known.Name
		}
		if err := t.putSubscribers(ctx, []news.Subscriber{sub}); err != nil {
			return err
		}
	}
	for _, d := range u.Digests {
		if err := t.accept(ctx, sub.ID, d); err != nil {
			return err
		}
	}
	_, err = t.ExecContext(ctx, `UPDATE subscribers SET state = 'active', changed = $2 WHERE id = $1`, sub.ID, t.now)
	return err
}
