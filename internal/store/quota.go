package store

import (
	"context"

	"jianxun/internal/news"
)

// Mails are counted in slots of five seconds and for a day, in milliseconds: no
// quota has a longer window.
const (
	slot = 5000
	day  = 24 * 60 * 60 * 1000
)

// count counts mails that were handed to the holder's relay.
func (t tx) count(ctx context.Context, h news.Holder, mails int) error {
	if mails == 0 || len(h.Quotas) == 0 {
		return nil
	}
	if _, err := t.ExecContext(ctx, `DELETE FROM handed WHERE relay = $1 AND slot < $2`, h.Relay, t.now/slot-day/slot-1); err != nil {
		return err
	}
	_, err := t.ExecContext(ctx, `INSERT INTO handed (relay, slot, mails) VALUES ($1, $2, $3)
		ON CONFLICT (relay, slot) DO UPDATE SET mails = handed.mails + excluded.mails`, h.Relay, t.now/slot, mails)
	return err
}

// allowed is how many rows of up to n the holder may lease, so that what is handed
// over and what is in anybody's hands stays within the quotas.
func (t tx) allowed(ctx context.Context, h news.Holder, n int) (int, error) {
	if len(h.Quotas) == 0 {
		return n, nil
	}
	var inHand int
	if err := t.QueryRowContext(ctx, `SELECT count(*) FROM deliveries WHERE `+held).Scan(&inHand); err != nil {
		return 0, err
	}
	for _, q := range h.Quotas {
		var mails int
		if err := t.QueryRowContext(ctx, `SELECT coalesce(sum(mails), 0) FROM handed WHERE relay = $1 AND slot >= $2 AND slot <= $3`,
			h.Relay, (t.now-q.Window.Milliseconds())/slot, t.now/slot+1).Scan(&mails); err != nil {
			return 0, err
		}
		n = min(n, q.Mails-mails-inHand)
	}
	return max(n, 0), nil
}
