package websub_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"jianxun/internal/news"
	"jianxun/internal/websub"
)

// shelf is a store that keeps the requests it is given and does nothing else.
type shelf struct {
	websub.Store
	kept []news.HubRequest
	err  error
}

func (s *shelf) AddHubRequest(_ context.Context, r news.HubRequest, _ news.HubBounds) error {
	if s.err == nil {
		s.kept = append(s.kept, r)
	}
	return s.err
}

// desk is a hub that is only asked; it does no work.
func desk(s *shelf) *websub.Hub {
	return websub.NewHub(websub.HubOptions{
		Store: s, URL: hubURL, Topic: func(t string) bool { return t == topic }, Client: http.DefaultClient,
		Now: newClock().now, Log: slog.New(slog.DiscardHandler),
	})
}

func send(h http.Handler, method, kind, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/hub?hub.mode=subscribe", strings.NewReader(body))
	r.Header.Set("Content-Type", kind)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const formKind = "application/x-www-form-urlencoded"

func TestBadRequestsAreRefusedWithASentence(t *testing.T) {
	good := map[string]string{"hub.mode": "subscribe", "hub.topic": topic, "hub.callback": "https://reader.example.net/cb?x=1"}
	for name, c := range map[string]struct {
		parameter, value string
		want             int
	}{
		"nothing wrong":                 {"", "", http.StatusAccepted},
		"no mode":                       {"hub.mode", "", http.StatusBadRequest},
		"unknown mode":                  {"hub.mode", "Subscribe", http.StatusBadRequest},
		"no topic":                      {"hub.topic", "", http.StatusBadRequest},
		"long topic":                    {"hub.topic", topic + strings.Repeat("x", 2048), http.StatusBadRequest},
		"unknown topic":                 {"hub.topic", other, http.StatusNotFound},
		"topic needlessly encoded":      {"hub.topic", strings.Replace(topic, "feeds", "%66eeds", 1), http.StatusAccepted},
		"no callback":                   {"hub.callback", "", http.StatusBadRequest},
		"relative callback":             {"hub.callback", "/cb", http.StatusBadRequest},
		"callback of another scheme":    {"hub.callback", "gopher://reader.example.net/", http.StatusBadRequest},
		"callback without a host":       {"hub.callback", "https:///cb", http.StatusBadRequest},
		"opaque callback":               {"hub.callback", "https:reader.example.net", http.StatusBadRequest},
		"callback with a port alone":    {"hub.callback", "https://:443/", http.StatusBadRequest},
		"callback with a fragment":      {"hub.callback", "https://reader.example.net/cb#x", http.StatusBadRequest},
		"callback, empty fragment":      {"hub.callback", "https://reader.example.net/cb#", http.StatusBadRequest},
		"callback with a user":          {"hub.callback", "https://me:pw@reader.example.net/cb", http.StatusBadRequest},
		"callback with a space":         {"hub.callback", "https://reader.example.net/?a b", http.StatusBadRequest},
		"callback with a line break":    {"hub.callback", "https://reader.example.net/\r\nHost: x", http.StatusBadRequest},
		"callback that is no UTF-8":     {"hub.callback", "https://reader.example.net/?\xff", http.StatusBadRequest},
		"long callback":                 {"hub.callback", "https://reader.example.net/" + strings.Repeat("x", 2048), http.StatusBadRequest},
		"callback in Chinese":           {"hub.callback", "https://读者.example.net/订阅?列=一", http.StatusAccepted},
		"lease that is no number":       {"hub.lease_seconds", "a day", http.StatusBadRequest},
		"lease of nothing":              {"hub.lease_seconds", "0", http.StatusBadRequest},
		"negative lease":                {"hub.lease_seconds", "-60", http.StatusBadRequest},
		"secret of 199 octets":          {"hub.secret", strings.Repeat("s", 199), http.StatusAccepted},
		"secret of 200 octets":          {"hub.secret", strings.Repeat("s", 200), http.StatusBadRequest},
		"publish of a feed of ours":     {"hub.mode", "publish", http.StatusAccepted},
		"form of more than it may have": {"padding", strings.Repeat("x", 16<<10), http.StatusRequestEntityTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			form := url.Values{}
			for k, v := range good {
				form.Set(k, v)
			}
			form.Set(c.parameter, c.value)
			kept := &shelf{}
			w := send(desk(kept), http.MethodPost, formKind, form.Encode())
			if w.Code != c.want {
				t.Errorf("the answer is %d %q, want %d", w.Code, w.Body, c.want)
			}
			accepted := c.want == http.StatusAccepted
			if accepted != (w.Body.Len() == 0) || accepted && c.value != "publish" != (len(kept.kept) == 1) {
				t.Errorf("the answer is %q, and %d requests are kept", w.Body, len(kept.kept))
			}
			if !accepted && w.Header().Get("Content-Type") != "text/plain; charset=utf-8" {
				t.Errorf("the sentence is %s", w.Header().Get("Content-Type"))
			}
		})
	}
}

func TestAPublisherWhoNamesAnUnknownFeedIsTold(t *testing.T) {
	for body, want := range map[string]int{
		"hub.mode=publish": http.StatusBadRequest,
		"hub.mode=publish&hub.url=" + url.QueryEscape(topic):                                            http.StatusAccepted,
		"hub.mode=publish&hub.url=" + url.QueryEscape(topic) + "&hub.topic=" + url.QueryEscape(other):   http.StatusNotFound,
		"hub.mode=publish&hub.url=https%3A%2F%2Fa.example%2F&hub.url=" + url.QueryEscape(topic):         http.StatusNotFound,
		"hub.mode=publish&hub.topic=" + url.QueryEscape(topic) + "&hub.topic=" + url.QueryEscape(topic): http.StatusAccepted,
	} {
		if w := send(desk(&shelf{}), http.MethodPost, formKind, body); w.Code != want {
			t.Errorf("%s is answered %d, want %d", body, w.Code, want)
		}
	}
}

func TestTheHubTakesPostedFormsOnly(t *testing.T) {
	for _, c := range []struct {
		method, kind, body string
		want               int
	}{
		{http.MethodGet, "", "", http.StatusMethodNotAllowed},
		{http.MethodPut, formKind, "", http.StatusMethodNotAllowed},
		{http.MethodPost, "", "hub.mode=subscribe", http.StatusUnsupportedMediaType},
		{http.MethodPost, "application/json", "{}", http.StatusUnsupportedMediaType},
		{http.MethodPost, formKind + "; charset=utf-8", "", http.StatusBadRequest}, // the mode in the address does not count
		{http.MethodPost, formKind, "hub.mode=%zz", http.StatusBadRequest},
	} {
		w := send(desk(&shelf{}), c.method, c.kind, c.body)
		if w.Code != c.want || (w.Header().Get("Allow") == "POST") != (c.want == http.StatusMethodNotAllowed) {
			t.Errorf("%s %s is answered %d with Allow %q, want %d", c.method, c.kind, w.Code, w.Header().Get("Allow"), c.want)
		}
	}
}

func TestAFullHubSaysWhenToComeAgain(t *testing.T) {
	s, sub := start(t, func(with *setup) {
		with.limits.HubBounds = news.HubBounds{Subscriptions: 3, PerHost: 2, Pending: 10}
	}), newSubscriber(t)
	ask := func(callback string) *httptest.ResponseRecorder {
		return s.post(url.Values{"hub.mode": {"subscribe"}, "hub.topic": {topic}, "hub.callback": {callback}})
	}
	elsewhere := subscribers(t, "127.0.0.2")
	for _, c := range []struct {
		callback string
		want     int
	}{
		{sub.URL + "/1", http.StatusAccepted}, {sub.URL + "/2", http.StatusAccepted},
		{sub.URL + "/3", http.StatusTooManyRequests}, {sub.URL + "/2", http.StatusAccepted},
		{elsewhere.URL + "/1", http.StatusAccepted}, {elsewhere.URL + "/2", http.StatusServiceUnavailable},
	} {
		w := ask(c.callback)
		if refused := c.want != http.StatusAccepted; w.Code != c.want || refused != (w.Header().Get("Retry-After") == "60") {
			t.Errorf("%s is answered %d %q, want %d", c.callback, w.Code, w.Body, c.want)
		}
		s.calm()
	}
}

func TestAStoreThatFailsIsNotToldToStrangers(t *testing.T) {
	w := send(desk(&shelf{err: errors.New("disk /var/lib full")}), http.MethodPost, formKind,
		url.Values{"hub.mode": {"subscribe"}, "hub.topic": {topic}, "hub.callback": {"https://reader.example.net/"}}.Encode())
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "disk") {
		t.Errorf("the answer is %d %q", w.Code, w.Body)
	}
}

func FuzzHub(f *testing.F) {
	for _, seed := range []string{
		"", "hub.mode=subscribe", "hub.mode=publish&hub.url=%68ttps", "a=b;c=d", "%", "hub.mode=subscribe&hub.topic=" + url.QueryEscape(topic) + "&hub.callback=http://a/%2",
		fmt.Sprintf("hub.mode=unsubscribe&hub.topic=%s&hub.callback=http://[::1%%2525eth0]:80/%%3f&hub.lease_seconds=-1", url.QueryEscape(topic)),
		fmt.Sprintf("hub.mode=subscribe&hub.topic=%s&hub.callback=HTTPS://R.example./&hub.lease_seconds=99999999999999999999&hub.secret=%%00", url.QueryEscape(topic)),
	} {
		f.Add(seed)
	}
	limits := websub.DefaultLimits()
	f.Fuzz(func(t *testing.T, body string) {
		kept := &shelf{}
		w := send(desk(kept), http.MethodPost, formKind, body)
		if w.Code != http.StatusAccepted && (w.Code < 400 || w.Code > 599 || w.Body.Len() == 0) {
			t.Fatalf("the answer is %d %q", w.Code, w.Body)
		}
		for _, r := range kept.kept {
			if w.Code != http.StatusAccepted || r.Topic != topic || r.Host == "" || len(r.Callback) > 2048 || len(r.Secret) > 199 {
				t.Errorf("kept %+v and answered %d", r, w.Code)
			}
			if r.Mode == news.HubSubscribe && (r.Lease < limits.MinLease || r.Lease > limits.MaxLease || r.Lease%time.Second != 0) {
				t.Errorf("the lease is %v", r.Lease)
			}
			question, err := http.NewRequest(http.MethodGet, r.Callback, nil)
			if err != nil {
				t.Fatalf("%q cannot be asked: %v", r.Callback, err)
			}
			if err := question.Write(io.Discard); err != nil {
				t.Errorf("%q cannot be written: %v", r.Callback, err)
			}
		}
	})
}
