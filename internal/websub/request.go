package websub

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"jianxun/internal/news"
)

// Bounds of one request, in octets.
const (
	maxForm   = 16 << 10
	maxURL    = 2048
	maxSecret = 199
)

// retryAfter is when those may come again who found no room, in seconds.
const retryAfter = "60"

// ServeHTTP takes requests to subscribe and unsubscribe: 202 when one is
// stored, else a status and a plain sentence for the subscriber's developer.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status, err := h.take(w, r)
	if err == nil {
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(status)
		return
	}
	message := err.Error()
	switch status {
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodPost)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", retryAfter)
	case http.StatusInternalServerError:
		h.opt.Log.Error("a request to the hub cannot be stored", "error", err)
		message = http.StatusText(status)
	}
	http.Error(w, message, status)
}

// take gives the status to answer with, and what is wrong if anything is.
func (h *Hub) take(w http.ResponseWriter, r *http.Request) (int, error) {
	if r.Method != http.MethodPost {
		return http.StatusMethodNotAllowed, news.Errorf(news.Invalid, "this address does not take %s", r.Method)
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return http.StatusUnsupportedMediaType, news.Errorf(news.Invalid, "the hub takes application/x-www-form-urlencoded only")
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if _, over := errors.AsType[*http.MaxBytesError](err); over {
		return http.StatusRequestEntityTooLarge, news.Errorf(news.TooLarge, "the form has more than %d octets", maxForm)
	}
	if err != nil {
		return http.StatusBadRequest, news.Errorf(news.Invalid, "the form cannot be read: %v", err)
	}
	form, err := url.ParseQuery(string(raw))
	if err != nil {
		return http.StatusBadRequest, news.Errorf(news.Invalid, "the form cannot be read: %v", err)
	}
	switch mode := news.HubMode(form.Get("hub.mode")); mode {
	case news.HubSubscribe, news.HubUnsubscribe:
		return h.accept(r, mode, form)
	case "publish":
		return h.published(form)
	default:
		return http.StatusBadRequest, news.Errorf(news.Invalid, "hub.mode must be subscribe or unsubscribe")
	}
}

// accept stores a request before it says yes to it.
func (h *Hub) accept(r *http.Request, mode news.HubMode, form url.Values) (int, error) {
	request := news.HubRequest{Mode: mode, Topic: decodeUnreserved(form.Get("hub.topic")), Callback: decodeUnreserved(form.Get("hub.callback"))}
	var err error
	if request.Host, err = hostOfCallback(request.Callback); err != nil {
		return http.StatusBadRequest, err
	}
	if request.Topic == "" || len(request.Topic) > maxURL {
		return http.StatusBadRequest, news.Errorf(news.Invalid, "hub.topic must be the self address of a feed")
	}
	if mode == news.HubSubscribe { // the others' lease and secret are to be ignored
		request.Secret = form.Get("hub.secret")
		if len(request.Secret) > maxSecret {
			return http.StatusBadRequest, news.Errorf(news.Invalid, "hub.secret has more than %d octets", maxSecret)
		}
		if request.Lease, err = h.lease(form.Get("hub.lease_seconds")); err != nil {
			return http.StatusBadRequest, err
		}
	}
	if !h.opt.Topic(request.Topic) {
		return http.StatusNotFound, news.Errorf(news.NotFound, "hub.topic is no feed of this hub; use the address that the feed gives as rel=self")
	}
	if err := h.opt.Store.AddHubRequest(r.Context(), request, h.opt.Limits.HubBounds); err != nil {
		switch news.CodeOf(err) {
		case news.TooLarge:
			return http.StatusServiceUnavailable, err
		case news.Refused:
			return http.StatusTooManyRequests, err
		}
		return http.StatusInternalServerError, err
	}
	signal(h.wake)
	return http.StatusAccepted, nil
}

// published answers publishers who tell the hub of a change. The hub knows the
// changes of its feeds by itself, and strangers must not set off pushes: so
// the answer is yes, and nothing is done.
func (h *Hub) published(form url.Values) (int, error) {
	topics := append(form["hub.url"], form["hub.topic"]...)
	for _, topic := range topics {
		if !h.opt.Topic(decodeUnreserved(topic)) {
			return http.StatusNotFound, news.Errorf(news.NotFound, "hub.topic is no feed of this hub; use the address that the feed gives as rel=self")
		}
	}
	if len(topics) == 0 {
		return http.StatusBadRequest, news.Errorf(news.Invalid, "hub.topic must be the self address of a feed")
	}
	return http.StatusAccepted, nil
}

// lease is the lease granted to who asks for so many seconds.
func (h *Hub) lease(seconds string) (time.Duration, error) {
	if seconds == "" {
		return h.opt.Limits.Lease, nil
	}
	n, err := strconv.ParseUint(seconds, 10, 64)
	if errors.Is(err, strconv.ErrRange) {
		return h.opt.Limits.MaxLease, nil
	}
	if err != nil || n == 0 {
		return 0, news.Errorf(news.Invalid, "hub.lease_seconds must be a positive number")
	}
	n = min(n, uint64(h.opt.Limits.MaxLease/time.Second))
	return max(time.Duration(n)*time.Second, h.opt.Limits.MinLease), nil
}

// hostOfCallback checks the address of a callback and gives its host. Whether
// the host leads to a private network is seen when it is dialled.
func hostOfCallback(callback string) (string, error) {
	if len(callback) > maxURL {
		return "", news.Errorf(news.Invalid, "hub.callback has more than %d octets", maxURL)
	}
	u, err := url.Parse(callback)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.User != nil ||
		strings.ContainsAny(callback, "# ") || !utf8.ValidString(callback) {
		return "", news.Errorf(news.Invalid, "hub.callback must be an absolute http or https address without a fragment or a user name")
	}
	return strings.TrimSuffix(strings.ToLower(u.Hostname()), "."), nil
}

// decodeUnreserved decodes what need not be percent-encoded, so that an address
// is the same however it was written (the Recommendation, section 5.1.1).
func decodeUnreserved(address string) string {
	var b strings.Builder
	for i := 0; i < len(address); i++ {
		if address[i] == '%' && i+2 < len(address) {
			if n, err := strconv.ParseUint(address[i+1:i+3], 16, 8); err == nil && unreserved(byte(n)) {
				b.WriteByte(byte(n))
				i += 2
				continue
			}
		}
		b.WriteByte(address[i])
	}
	return b.String()
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}
