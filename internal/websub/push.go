package websub

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"

	"jianxun/internal/news"
)

// nextPush takes the next push that is due.
func (h *Hub) nextPush(ctx context.Context) (func(), error) {
	p, found, err := h.opt.Store.ClaimHubPush(ctx, h.claimFor())
	if err != nil || !found {
		return nil, err
	}
	return func() { h.push(ctx, p) }, nil
}

// push brings the newest content to one subscriber and settles how that ended.
func (h *Hub) push(ctx context.Context, p news.HubPush) {
	log := h.opt.Log.With("topic", p.Topic, "callback", place(p.Callback))
	document, err := h.deliver(ctx, p)
	verdict := news.HubDropped
	switch {
	case err == nil:
		verdict, p.Document = news.HubDone, document
	case ctx.Err() != nil: // we stop; nobody failed
		verdict, p.Next = news.HubLater, h.opt.Now()
	case news.CodeOf(err) == news.Conflict:
		verdict = news.HubGone
		log.Info("a subscriber ended its subscription to the hub")
	case news.CodeOf(err) == news.NotFound:
		log.Info("a feed of the hub is no more; nothing was pushed", "error", err)
	case news.CodeOf(err) != news.Refused && p.Attempts+1 < h.opt.Limits.Tries:
		verdict, p.Next = news.HubLater, h.opt.Now().Add(h.retry.Delay(p.Attempts))
		p.Attempts++
		log.Debug("a push is tried again", "error", err)
	default:
		log.Warn("a push is given up; the subscription stays", "error", err)
	}
	if err := h.opt.Store.SettleHubPush(context.WithoutCancel(ctx), p, verdict); err != nil {
		log.Error("a push cannot be recorded; it may be sent again", "error", err)
	}
}

// deliver gives the fingerprint of the document that the subscriber now has.
// NotFound means that the topic is no more, Conflict that the subscriber wants
// nothing more, Refused that we do not go there.
func (h *Hub) deliver(ctx context.Context, p news.HubPush) (string, error) {
	// Read after the push was claimed: what is marked later is due again.
	body, contentType, err := h.opt.Content(ctx, p.Topic)
	if err != nil {
		if news.CodeOf(err) == news.NotFound {
			return "", err
		}
		return "", news.Errorf(news.Unavailable, "the document cannot be had: %w", err)
	}
	document := fingerprint(contentType, body)
	if document == p.Document {
		return document, nil
	}
	header := http.Header{
		"Content-Type": {contentType},
		"Link":         {"<" + h.opt.URL + `>; rel="hub", <` + p.Topic + `>; rel="self"`},
	}
	if p.Secret != "" {
		header.Set("X-Hub-Signature", sign(p.Secret, body))
	}
	status, _, err := h.wire.do(ctx, http.MethodPost, p.Callback, header, bytes.NewReader(body), 0)
	switch {
	case err != nil:
		return "", err
	case status == http.StatusGone:
		return "", news.Errorf(news.Conflict, "the answer is %d", status)
	case status < 200 || status > 299:
		return "", news.Errorf(news.Unavailable, "the answer is %d", status)
	}
	return document, nil
}

func sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

func fingerprint(contentType string, body []byte) string {
	sum := sha256.New()
	_, _ = io.WriteString(sum, contentType+"\n") // a hash takes everything
	sum.Write(body)
	return hex.EncodeToString(sum.Sum(nil))
}
