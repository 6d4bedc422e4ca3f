package websub_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"jianxun/internal/news"
)

// The numbers 100 to 106 are those of the tests for hubs of websub.rocks.

// 100: the three parameters that must be there.
func TestRequirement29ASubscriberConfirmsAndIsPushedTo(t *testing.T) {
	s, sub := start(t), newSubscriber(t)
	s.ask(t, "subscribe", sub.URL+"/cb")
	s.calm()
	asked := sub.questions()
	if len(asked) != 1 {
		t.Fatalf("the subscriber was asked %d times, want 1", len(asked))
	}
	q := asked[0].URL.Query()
	challenge, err := base64.RawURLEncoding.DecodeString(q.Get("hub.challenge"))
	if q.Get("hub.mode") != "subscribe" || q.Get("hub.topic") != topic || q.Get("hub.lease_seconds") != "864000" || err != nil || len(challenge) != 32 || len(q) != 4 {
		t.Errorf("the question is %v", q)
	}
	sub.wantPushes(t)

	s.change(t, topic, "<feed>2</feed>")
	s.calm()
	sub.wantPushes(t, "<feed>2</feed>")
	got := sub.pushes()[0]
	for name, want := range map[string]string{
		"Content-Type":    "application/atom+xml; charset=utf-8",
		"Link":            `<` + hubURL + `>; rel="hub", <` + topic + `>; rel="self"`,
		"X-Hub-Signature": "",
		"User-Agent":      "jianxun/test",
	} {
		if got.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, got.Get(name), want)
		}
	}
	s.change(t, other, "{ }") // which nobody subscribed to
	s.calm()
	sub.wantPushes(t, "<feed>2</feed>")
}

// 101: with a secret, of any octets.
func TestRequirement29APushIsSignedWithTheSecret(t *testing.T) {
	s, sub := start(t), newSubscriber(t)
	secret := "密\x00\xff" + strings.Repeat("s", 194)
	s.ask(t, "subscribe", sub.URL, "hub.secret", secret)
	s.calm()
	s.change(t, topic, "<feed>signed</feed>")
	s.calm()
	sub.wantPushes(t, "<feed>signed</feed>")
	wantSigned(t, sub.pushes()[0], secret)
}

func wantSigned(t *testing.T, p push, secret string) {
	t.Helper()
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(p.body))
	if want := "sha256=" + hex.EncodeToString(mac.Sum(nil)); p.Get("X-Hub-Signature") != want {
		t.Errorf("the signature is %q, want %q", p.Get("X-Hub-Signature"), want)
	}
}

// 102: parameters that no hub knows.
func TestRequirement29UnknownParametersAreIgnored(t *testing.T) {
	s, sub := start(t), newSubscriber(t)
	s.ask(t, "subscribe", sub.URL, "foo", "bar", "hub.foo", "hub.bar", "hub.verify", "sync", "hub.secret", "")
	s.calm()
	if q := sub.questions()[0].URL.RawQuery; strings.Contains(q, "foo") {
		t.Errorf("the question is %s", q)
	}
	s.change(t, topic, "2")
	s.calm()
	sub.wantPushes(t, "2")
	if got := sub.pushes()[0].Get("X-Hub-Signature"); got != "" {
		t.Errorf("an empty secret signs: %s", got)
	}
}

// 103: subscribing again before the lease has run out.
func TestRequirement29ARenewalReplacesTheSubscription(t *testing.T) {
	s, sub := start(t), newSubscriber(t)
	s.ask(t, "subscribe", sub.URL, "hub.secret", "old", "hub.lease_seconds", "600")
	s.calm()
	s.clock.pass(9 * time.Minute)
	s.ask(t, "subscribe", sub.URL, "hub.secret", "new", "hub.lease_seconds", "600")
	s.calm()
	s.clock.pass(9 * time.Minute)
	s.change(t, topic, "2")
	s.calm()
	sub.wantPushes(t, "2")
	wantSigned(t, sub.pushes()[0], "new")
	s.ask(t, "subscribe", sub.URL)
	s.calm()
	s.change(t, topic, "3")
	s.calm()
	if last := sub.pushes()[1]; last.Get("X-Hub-Signature") != "" {
		t.Error("a renewal without a secret is signed with the old one")
	}
}

// 104: unsubscribing.
func TestRequirement29AnUnsubscriptionEndsThePushes(t *testing.T) {
	s, sub := start(t), newSubscriber(t)
	s.ask(t, "subscribe", sub.URL)
	s.calm()
	s.ask(t, "unsubscribe", sub.URL, "hub.lease_seconds", "nonsense that is to be ignored", "hub.secret", strings.Repeat("x", 300))
	s.calm()
	if q := sub.questions()[1].URL.Query(); q.Get("hub.mode") != "unsubscribe" || q.Get("hub.topic") != topic || q.Get("hub.challenge") == "" {
		t.Errorf("the question is %v", q)
	}
	s.change(t, topic, "2")
	s.calm()
	sub.wantPushes(t)
}

// 105 and 106: content of any type.
func TestRequirement29ContentKeepsItsType(t *testing.T) {
	s, sub := start(t), newSubscriber(t)
	s.ask(t, "subscribe", sub.URL)
	s.calm()
	for n, p := range []page{{"plain", "text/plain"}, {"plain", "text/plain; charset=utf-8"}, {`{"version":"1.1"}`, "application/json"}} {
		s.mu.Lock()
		s.pages[topic] = p
		s.mu.Unlock()
		s.change(t, topic, p.body)
		s.calm()
		if got := sub.pushes()[n]; got.body != p.body || got.Get("Content-Type") != p.kind {
			t.Errorf("pushed %q as %q, want %q as %q", got.body, got.Get("Content-Type"), p.body, p.kind)
		}
	}
}

func TestRequirement29TheQueryOfACallbackIsKept(t *testing.T) {
	s, sub := start(t), newSubscriber(t)
	const own = "foo=bar&red=fish&hub.mode=mine&plus=a+b&e=%E6%A3%80&bare"
	s.ask(t, "subscribe", sub.URL+"/cb?"+own)
	s.calm()
	asked := sub.questions()[0]
	if !strings.HasPrefix(asked.URL.RawQuery, own+"&hub.") || asked.URL.Query()["hub.mode"][1] != "subscribe" {
		t.Errorf("the question is %s", asked.URL.RawQuery)
	}
	s.change(t, topic, "2")
	s.calm()
	if got := sub.pushes()[0].path; got != "/cb?"+own {
		t.Errorf("pushed to %s", got)
	}
}

func TestRequirement29NobodyIsSubscribedWhoDoesNotConfirm(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"a no":              status(http.StatusNotFound),
		"nothing":           status(http.StatusNoContent),
		"another challenge": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "yes") },
		"more than the challenge": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, r.FormValue("hub.challenge")+strings.Repeat(" ", 1<<20))
		},
		"the challenge with a no": func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, r.FormValue("hub.challenge"), http.StatusForbidden)
		},
		"a redirect to a yes": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/yes" {
				_, _ = io.WriteString(w, r.FormValue("hub.challenge"))
				return
			}
			http.Redirect(w, r, "/yes?"+r.URL.RawQuery, http.StatusTemporaryRedirect)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, sub := start(t), newSubscriber(t)
			sub.set(answer, nil)
			s.ask(t, "subscribe", sub.URL)
			s.calm()
			s.clock.pass(time.Hour)
			s.change(t, topic, "2")
			s.calm()
			sub.wantPushes(t)
			if n := len(sub.questions()); n != 1 {
				t.Errorf("asked %d times, want 1", n)
			}
		})
	}
}

func TestRequirement29WhatIsNotConfirmedChangesNothing(t *testing.T) {
	s, sub := start(t), newSubscriber(t)
	s.ask(t, "subscribe", sub.URL, "hub.secret", "mine")
	s.calm()
	sub.set(status(http.StatusNotFound), nil)
	s.ask(t, "unsubscribe", sub.URL)
	s.calm()
	s.ask(t, "subscribe", sub.URL, "hub.secret", "theirs", "hub.lease_seconds", "300")
	s.calm()
	s.clock.pass(24 * time.Hour)
	s.change(t, topic, "2")
	s.calm()
	sub.wantPushes(t, "2")
	wantSigned(t, sub.pushes()[0], "mine")
}

func TestRequirement29LeasesAreHonoured(t *testing.T) {
	for asked, granted := range map[string]struct {
		seconds string
		lease   time.Duration
	}{
		"":                       {"864000", 10 * 24 * time.Hour},
		"1":                      {"300", 5 * time.Minute},
		"3600":                   {"3600", time.Hour},
		"315360000":              {"2592000", 30 * 24 * time.Hour},
		"9999999999999999999999": {"2592000", 30 * 24 * time.Hour},
	} {
		t.Run(asked, func(t *testing.T) {
			s, sub := start(t), newSubscriber(t)
			s.ask(t, "subscribe", sub.URL, "hub.lease_seconds", asked)
			s.calm()
			if got := sub.questions()[0].FormValue("hub.lease_seconds"); got != granted.seconds {
				t.Errorf("granted %s seconds, want %s", got, granted.seconds)
			}
			s.clock.pass(granted.lease - time.Second)
			s.change(t, topic, "2")
			s.calm()
			s.clock.pass(time.Second)
			s.change(t, topic, "3")
			s.calm()
			sub.wantPushes(t, "2")
		})
	}
}

func TestRequirement29ASubscriberThatCannotBeAskedIsAskedSomeTimes(t *testing.T) {
	s, sub := start(t), newSubscriber(t)
	confirm := sub.confirm
	sub.set(status(http.StatusBadGateway), nil)
	for want, wait := range []time.Duration{0, time.Minute, 2 * time.Minute, 4 * time.Minute, 10 * time.Hour} {
		if want == 0 {
			s.ask(t, "subscribe", sub.URL)
		}
		s.clock.pass(wait)
		s.calm()
		if n := len(sub.questions()); n != min(want+1, 4) {
			t.Errorf("asked %d times, want %d", n, min(want+1, 4))
		}
	}
	sub.set(confirm, nil)
	s.ask(t, "subscribe", sub.URL) // a new request begins anew
	s.calm()
	s.change(t, topic, "2")
	s.calm()
	sub.wantPushes(t, "2")
}

func TestRequirement29PrivateCallbacksAreRefused(t *testing.T) {
	s := start(t, func(with *setup) { with.allow = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} })
	sub := newSubscriber(t)
	s.ask(t, "subscribe", sub.URL)
	s.ask(t, "subscribe", strings.Replace(sub.URL, "127.0.0.1", "localhost", 1))
	for range 2 {
		if got := <-s.store.settled; got != news.HubDropped {
			t.Errorf("the request is %s, want dropped at once", got)
		}
	}
	s.calm()
	if n := len(sub.questions()); n != 0 {
		t.Errorf("the private callback was asked %d times", n)
	}
}

// A push is refused too when a name leads inside since it was confirmed.
func TestRequirement29NothingIsPushedToAPrivateCallback(t *testing.T) {
	file, c, sub := filepath.Join(t.TempDir(), "jianxun.db"), newClock(), newSubscriber(t)
	same := func(with *setup) { with.file, with.clock = file, c }
	open := start(t, same)
	open.ask(t, "subscribe", sub.URL)
	open.calm()
	open.stop()
	s := start(t, same, func(with *setup) { with.allow = nil })
	s.change(t, topic, "2")
	if got := <-s.store.settled; got != news.HubDropped {
		t.Errorf("the push is %s, want dropped at once", got)
	}
	sub.wantPushes(t)
}

func TestRequirement29SecretsAreNotLogged(t *testing.T) {
	s, sub := start(t), newSubscriber(t)
	s.ask(t, "subscribe", sub.URL+"/cb?token=Capability", "hub.secret", "Confidential")
	s.calm()
	sub.set(nil, status(http.StatusInternalServerError))
	s.change(t, topic, "Embargoed")
	s.calm()
	sub.Close() // now a connection error, which net/http words with the address
	s.ask(t, "unsubscribe", sub.URL+"/cb?token=Capability")
	s.clock.pass(time.Hour)
	s.calm()
	log := s.log.String()
	for _, secret := range []string{"Capability", "Confidential", "Embargoed", "hub.challenge", "sha256="} {
		if strings.Contains(log, secret) {
			t.Errorf("%s is in the log:\n%s", secret, log)
		}
	}
	if !strings.Contains(log, sub.URL+"/cb") || !strings.Contains(log, "refused") {
		t.Errorf("the log does not tell what happened:\n%s", log)
	}
}
