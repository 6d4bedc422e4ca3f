package websub

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"jianxun/internal/news"
)

// maxAnswer bounds what is read of a subscriber's answer, in octets.
const maxAnswer = 4 << 10

// nextRequest takes the next request that its subscriber is to be asked about.
func (h *Hub) nextRequest(ctx context.Context) (func(), error) {
	r, found, err := h.opt.Store.ClaimHubRequest(ctx, h.claimFor())
	if err != nil || !found {
		return nil, err
	}
	return func() { h.verify(ctx, r) }, nil
}

// verify asks a subscriber whether the request is meant and settles it.
func (h *Hub) verify(ctx context.Context, r news.HubRequest) {
	log := h.opt.Log.With("mode", r.Mode, "topic", r.Topic, "callback", place(r.Callback))
	asked := h.opt.Now() // a lease is measured from here
	err := h.ask(ctx, r)
	verdict := news.HubDropped
	switch {
	case err == nil:
		verdict, r.Expires = news.HubDone, asked.Add(r.Lease)
		log.Info("a subscriber of the hub confirmed")
	case ctx.Err() != nil: // we stop; nobody failed
		verdict, r.Next = news.HubLater, asked
	case news.CodeOf(err) == news.Unavailable && r.Attempts+1 < h.opt.Limits.Verifications:
		verdict, r.Next = news.HubLater, h.opt.Now().Add(h.retry.Delay(r.Attempts))
		r.Attempts++
		log.Debug("a subscriber of the hub cannot be asked yet", "error", err)
	default:
		log.Info("a subscriber of the hub did not confirm", "error", err)
	}
	if err := h.opt.Store.SettleHubRequest(context.WithoutCancel(ctx), r, verdict); err != nil {
		log.Error("an answer to the hub cannot be recorded; it will be asked for again", "error", err)
	}
}

// ask is nil when the subscriber confirms. Unavailable means that it could not
// be asked; everything else is a no.
func (h *Hub) ask(ctx context.Context, r news.HubRequest) error {
	challenge := newChallenge()
	address, err := question(r, challenge)
	if err != nil {
		return err
	}
	status, answer, err := h.wire.do(ctx, http.MethodGet, address, nil, nil, maxAnswer)
	switch {
	case err != nil:
		return err
	case status >= 500 || status == http.StatusTooManyRequests:
		return news.Errorf(news.Unavailable, "the answer is %d", status)
	case status < 200 || status > 299:
		return news.Errorf(news.Invalid, "the answer is %d", status)
	case string(answer) != challenge:
		return news.Errorf(news.Invalid, "the answer is not the challenge")
	}
	return nil
}

// question is the callback with its own query and ours behind it.
func question(r news.HubRequest, challenge string) (string, error) {
	u, err := url.Parse(r.Callback)
	if err != nil {
		return "", news.Errorf(news.Invalid, "this address cannot be asked: %w", bare(err))
	}
	q := url.Values{"hub.mode": {string(r.Mode)}, "hub.topic": {r.Topic}, "hub.challenge": {challenge}}
	if r.Mode == news.HubSubscribe {
		q.Set("hub.lease_seconds", strconv.FormatInt(int64(r.Lease/time.Second), 10))
	}
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += q.Encode()
	return u.String(), nil
}

func newChallenge() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // it never fails
	return base64.RawURLEncoding.EncodeToString(b)
}
