package web

import (
	"bytes"
	"encoding/base64"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"jianxun/internal/news"
)

// subscribed puts a person on the list of the weekly and gives the token of
// the link in the mail.
func (s *site) subscribed(email string) (token string) {
	s.t.Helper()
	sub := news.Subscriber{Email: email, Digests: []string{"weekly", "gone"}, Format: news.FormatHTML, Origin: news.FromFile}
	if err := s.store.ApplyRoster(s.t.Context(), []news.Subscriber{sub}, nil); err != nil {
		s.t.Fatal(err)
	}
	sub.ID = news.SubscriberID(email)
	token, ok := strings.CutPrefix(s.Links().Leave(sub), s.settings.URL+"/u/")
	if !ok {
		s.t.Fatalf("the link is %s", s.Links().Leave(sub))
	}
	return token
}

func (s *site) wantPerson(email string, want news.SubscriberState) {
	s.t.Helper()
	if sub, err := s.store.Subscriber(s.t.Context(), news.SubscriberID(email)); err != nil || sub.State != want {
		s.t.Errorf("%s is %s, %v; want %s", email, sub.State, err, want)
	}
}

func (s *site) post(token, contentType, body string) *http.Response {
	r := httptest.NewRequest(http.MethodPost, "/u/"+token, strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return s.send(r)
}

const urlencoded = "application/x-www-form-urlencoded"

func form(t *testing.T, name, value string) (contentType, body string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	if err := w.WriteField(name, value); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), b.String()
}

// Mail scanners follow every link.
func TestRequirement06LookingAtTheLinkChangesNothing(t *testing.T) {
	s := newSite(t)
	token := s.subscribed("a@example.org")
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		for _, query := range []string{"", "?List-Unsubscribe=One-Click", "?resubscribe=yes", "?action=preferences&format=text"} {
			r := s.do(method, "/u/"+token+query)
			wantStatus(t, r, 200)
			if r.Header.Get("Cache-Control") != "no-store" || r.Header.Get("X-Robots-Tag") != "noindex" || r.Header.Get("Referrer-Policy") != "no-referrer" {
				t.Errorf("header %v", r.Header)
			}
			s.wantPerson("a@example.org", news.Active)
			if sub, err := s.store.Subscriber(t.Context(), news.SubscriberID("a@example.org")); err != nil || sub.Chosen != nil {
				t.Errorf("%s chose %+v, %v", method+query, sub.Chosen, err)
			}
		}
	}
	doc := html(t, s.get("/u/"+token), 200)
	if got := texts(doc, "main label:has(input[name=digest][checked])"); !slices.Equal(got, []string{"检察要闻周报"}) {
		t.Errorf("subscribed to %v", got)
	}
	if got := texts(doc, "main form[method=post] button"); !slices.Equal(got, []string{"保存", "退订全部邮件"}) {
		t.Errorf("the buttons are %v", got)
	}
}

func TestRequirement05OneClickUnsubscribes(t *testing.T) {
	multi, multiBody := form(t, "List-Unsubscribe", "One-Click")
	for name, c := range map[string]struct{ contentType, body string }{
		"urlencoded":      {urlencoded, "List-Unsubscribe=One-Click"},
		"with charset":    {urlencoded + "; charset=UTF-8", "List-Unsubscribe=One-Click"},
		"form-data":       {multi, multiBody},
		"no body":         {"", ""},
		"no content type": {"", "List-Unsubscribe=One-Click"},
		"another type":    {"text/plain", "List-Unsubscribe=One-Click"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			token := s.subscribed("a@example.org")
			s.subscribed("b@example.org")
			for range 3 { // as often as it comes
				r := s.post(token, c.contentType, c.body)
				doc := html(t, r, 200)
				if r.Header.Get("Location") != "" || len(r.Cookies()) != 0 {
					t.Errorf("header %v", r.Header)
				}
				if doc.Find("main [role=status]").Length() != 1 {
					t.Error("the page does not say so")
				}
				s.wantPerson("a@example.org", news.Unsubscribed)
				s.wantPerson("b@example.org", news.Active)
			}
		})
	}
}

// The page's own buttons are used as a browser would.
func TestTheButtonsOfThePage(t *testing.T) {
	s := newSite(t)
	token := s.subscribed("a@example.org")
	for _, want := range []news.SubscriberState{news.Unsubscribed, news.Active, news.Unsubscribed} {
		doc := html(t, s.get("/u/"+token), 200)
		fields := url.Values{}
		doc.Find("main form:not(.choices) input").Each(func(_ int, in *goquery.Selection) { fields.Add(in.AttrOr("name", ""), in.AttrOr("value", "")) })
		if doc.Find("main form").AttrOr("action", "") != "" {
			t.Error("the form goes elsewhere")
		}
		wantStatus(t, s.post(token, urlencoded, fields.Encode()), 200)
		s.wantPerson("a@example.org", want)
	}
	multi, multiBody := form(t, "resubscribe", "yes")
	wantStatus(t, s.post(token, multi, multiBody), 200)
	s.wantPerson("a@example.org", news.Active)
}

func TestAFormThatCannotBeReadChangesNothing(t *testing.T) {
	s := newSite(t)
	token := s.subscribed("a@example.org")
	for name, c := range map[string]struct{ contentType, body string }{
		"no boundary": {"multipart/form-data", "x"},
		"cut off":     {"multipart/form-data; boundary=b", "--b\r\nContent-Disp"},
		"too large":   {"multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=x\r\n\r\n" + strings.Repeat("x", 2*maxForm) + "\r\n--b--\r\n"},
	} {
		if r := s.post(token, c.contentType, c.body); r.StatusCode < 400 || r.StatusCode >= 500 {
			t.Errorf("%s is %d", name, r.StatusCode)
		}
		s.wantPerson("a@example.org", news.Active)
	}
}

func TestRequirement07ALinkThatWasTamperedWithIsRefused(t *testing.T) {
	s := newSite(t)
	token := s.subscribed("a@example.org")
	forged := Links{URL: address, Key: []byte("another key")}.token(news.SubscriberID("a@example.org"))
	stranger := s.Links().token(news.SubscriberID("nobody@example.org"))
	for name, bad := range map[string]string{
		"cut": token[:len(token)-1], "longer": token + "A", "padded": token + "=", "other key": forged, "nobody": stranger,
		"first changed": other(token[0]) + token[1:], "last changed": token[:len(token)-1] + other(token[len(token)-1]), "spaces": "%20" + token, "line": token + "%0A",
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if r := s.do(method, "/u/"+bad); r.StatusCode < 400 || r.StatusCode >= 500 {
				t.Errorf("%s: %s is %d", name, method, r.StatusCode)
			}
		}
	}
	s.wantPerson("a@example.org", news.Active)
}

func other(c byte) string {
	if c == 'A' {
		return "B"
	}
	return "A"
}

// FuzzToken looks for a token that we take and did not make.
func FuzzToken(f *testing.F) {
	l := Links{URL: address, Key: []byte("a key")}
	made := l.token(news.SubscriberID("a@example.org"))
	_, confirming, _ := strings.Cut(l.Confirm(news.SubscriberID("a@example.org"), monday), "/confirm/")
	for _, seed := range []string{made, confirming, "", "x", made + "=", made[:42], strings.ToUpper(made), base64.StdEncoding.EncodeToString(make([]byte, 32))} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		id, ok := l.subscriberOf(token)
		if ok && l.token(id) != token {
			t.Errorf("%q is taken for the token of %s", token, id)
		}
		if ok && token != made {
			t.Errorf("%q was forged", token)
		}
		if id, asked, ok := l.signUpOf(token); ok && (token != confirming || l.Confirm(id, asked) != address+"/confirm/"+token) {
			t.Errorf("%q was forged, for %s", token, id)
		}
	})
}

// The links in mails that were sent years ago must lead where they led.
func TestRequirement07TheLinkOfAPersonNeverChanges(t *testing.T) {
	const made = "e2lMetoNXvijvBSgGNBoT28PeyKHgJWf9IrJ5Ve7-QA"
	if got := (Links{URL: address, Key: []byte("a key")}).token(news.SubscriberID("a@example.org")); got != made {
		t.Errorf("the token is %s, was %s", got, made)
	}
}
