package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"jianxun/internal/news"
)

// mailed is a letter that left.
type mailed struct{ to, subject, text string }

// Post keeps the letter instead of sending it.
func (s *site) Post(_ context.Context, to, subject, text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse == nil {
		s.letters = append(s.letters, mailed{to, subject, text})
	}
	return s.refuse
}

// taken gives the letters that left since it was asked last.
func (s *site) taken() []mailed {
	s.Posted()
	s.mu.Lock()
	defer s.mu.Unlock()
	letters := s.letters
	s.letters = nil
	return letters
}

func newPost(target, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(body))
	r.Header.Set("Content-Type", urlencoded)
	return r
}

// open lets people subscribe themselves.
func openTo(perHour int) func(*Settings) {
	return func(set *Settings) {
		twoDigests(set)
		set.Subscribe = Subscribe{Open: true, Digests: []string{"weekly"}, PerHour: perHour}
		set.Limits.Proxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	}
}

func request(email string) string {
	return url.Values{"email": {email}, "name": {"张三"}, "digest": {"weekly"}}.Encode()
}

// ask asks from an address of its own each time, so that no client is limited.
func (s *site) ask(n int, body string) *http.Response {
	r := newPost("/subscribe", body)
	r.RemoteAddr = fmt.Sprintf("203.0.%d.%d:4000", n/250, n%250)
	return s.send(r)
}

// link is the one in a letter, as a path.
func (s *site) link(l mailed) string {
	s.t.Helper()
	for line := range strings.Lines(l.text) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), address); ok {
			return path
		}
	}
	s.t.Fatalf("no link in %q", l.text)
	return ""
}

func TestNobodySubscribesThemselvesUnlessItIsOpen(t *testing.T) {
	s := newSite(t)
	wantStatus(t, s.get("/subscribe"), 404)
	wantStatus(t, s.ask(1, request("a@example.org")), 404)
	confirm, _ := strings.CutPrefix(s.Links().Confirm(news.SubscriberID("a@example.org"), monday), address)
	wantStatus(t, s.get(confirm), 404)
	if n := html(t, s.get("/"), 200).Find("a[href='/subscribe']").Length(); n != 0 {
		t.Errorf("%d links to it", n)
	}
	s = newSite(t, openTo(20))
	if n := html(t, s.get("/"), 200).Find("main a[href='/subscribe']").Length(); n != 1 {
		t.Errorf("%d links to it on the front page", n)
	}
}

func TestDoubleOptIn(t *testing.T) {
	s := newSite(t, openTo(20))
	doc := html(t, s.get("/subscribe"), 200)
	if got := attrs(doc, "form.choices input", "name"); !slices.Equal(got, []string{"email", "name", "digest"}) {
		t.Errorf("the form asks for %v", got)
	}
	fields := filledIn(doc, "form.choices")
	fields.Set("email", "New.One@example.org")
	doc = html(t, s.ask(1, fields.Encode()), 200)
	if len(texts(doc, "main [role=status]")) != 1 || doc.Find("main form").Length() != 0 {
		t.Error("the page does not say so")
	}
	letters := s.taken()
	if len(letters) != 1 || letters[0].to != "New.One@example.org" || !strings.Contains(letters[0].subject, "检讯") || strings.Contains(letters[0].text, "张三") {
		t.Fatalf("letters %+v", letters)
	}
	link := s.link(letters[0])
	_, err := s.store.Subscriber(t.Context(), news.SubscriberID("new.one@example.org"))
	if news.CodeOf(err) != news.NotFound {
		t.Errorf("known before it is confirmed: %v", err)
	}
	s.set(monday.Add(confirmWithin))
	for _, method := range []string{http.MethodGet, http.MethodHead} { // scanners follow links
		wantStatus(t, s.do(method, link+"?action=confirm"), 200)
	}
	doc = html(t, s.get(link), 200)
	if got := texts(doc, "main li"); !slices.Equal(got, []string{"检察要闻周报"}) || doc.Find("main form[method=post] button").Length() != 1 {
		t.Errorf("to be confirmed: %v", got)
	}
	if n, err := s.store.Recipients(t.Context(), "weekly"); n != 0 || err != nil {
		t.Errorf("%d recipients before it is confirmed, %v", n, err)
	}
	for range 2 {
		doc = html(t, s.send(newPost(link, filledIn(doc, "main form").Encode())), 200)
		if got := attrs(doc, "main p a", "href"); !slices.Equal(got, []string{s.Links().Leave(s.person("new.one@example.org"))}) {
			t.Errorf("it leads on to %v", got)
		}
		if n, err := s.store.Recipients(t.Context(), "weekly"); n != 1 || err != nil {
			t.Errorf("%d recipients, %v", n, err)
		}
	}
	own := s.Links().token(news.SubscriberID("new.one@example.org"))
	wantStatus(t, s.post(own, urlencoded, "List-Unsubscribe=One-Click"), 200)
	doc = html(t, s.send(newPost(link, "action=confirm")), 200) // the old letter
	s.wantPerson("new.one@example.org", news.Unsubscribed)
	if strings.Contains(doc.Find("h1").Text(), "订阅成功") {
		t.Error("it claims to have subscribed who has left")
	}
}

// Only the letter tells what is known of an address.
func TestTheAnswerDoesNotTellWhoIsSubscribed(t *testing.T) {
	s := newSite(t, openTo(20))
	for email, state := range map[string]news.SubscriberState{"active@example.org": news.Active, "left@example.org": news.Unsubscribed, "bounced@example.org": news.Bounced} {
		s.subscribed(email)
		if err := s.store.SetSubscriberState(t.Context(), news.SubscriberID(email), state); err != nil {
			t.Fatal(err)
		}
	}
	answers := map[string]bool{}
	for n, c := range []struct{ email, leads string }{
		{"active@example.org", "/u/"}, {"left@example.org", "/confirm/"}, {"bounced@example.org", ""}, {"nobody@example.org", "/confirm/"}, {"nobody@example.org", ""},
	} {
		answers[string(body(t, s.ask(n, request(c.email))))] = true
		letters := s.taken()
		if c.leads == "" {
			if len(letters) != 0 {
				t.Errorf("%s is written to: %+v", c.email, letters)
			}
			continue
		}
		if len(letters) != 1 || letters[0].to != c.email || !strings.HasPrefix(s.link(letters[0]), c.leads) {
			t.Errorf("%s gets %+v", c.email, letters)
			continue
		}
		if c.email == "left@example.org" {
			wantStatus(t, s.send(newPost(s.link(letters[0]), "")), 200)
			s.wantPerson(c.email, news.Active)
		}
	}
	if len(answers) != 1 {
		t.Errorf("%d different answers", len(answers))
	}
	s.wantPerson("bounced@example.org", news.Bounced)
}

func TestLettersAreBounded(t *testing.T) {
	s := newSite(t, openTo(8))
	for n, want := range []int{200, 200, 200, 200, 200, 429, 429} { // from one network
		r := newPost("/subscribe", request(fmt.Sprintf("a%d@example.org", n)))
		r.RemoteAddr = "203.0.113.7:4000"
		wantStatus(t, s.send(r), want)
	}
	for n, want := range []int{200, 200, 200, 503, 503} { // from everywhere
		wantStatus(t, s.ask(n, request(fmt.Sprintf("b%d@example.org", n))), want)
	}
	if n := len(s.taken()); n != 8 {
		t.Errorf("%d letters, want 8", n)
	}
	s.set(monday.Add(time.Hour))
	for n := range 3 { // the hour has passed, the day has not
		wantStatus(t, s.ask(n, request("a1@example.org")), 200)
	}
	if n := len(s.taken()); n != 0 {
		t.Errorf("an address is written to %d times more in a day", n)
	}
	s.set(monday.Add(24 * time.Hour))
	wantStatus(t, s.ask(1, request("a1@example.org")), 200)
	if n := len(s.taken()); n != 1 {
		t.Errorf("%d letters on the next day", n)
	}
}

func TestALetterThatDoesNotLeaveMayBeAskedForAgain(t *testing.T) {
	s := newSite(t, openTo(20))
	s.refuse = errors.New("the relay is down")
	wantStatus(t, s.ask(1, request("a@example.org")), 200)
	s.Posted()
	s.refuse = nil
	wantStatus(t, s.ask(2, request("a@example.org")), 200)
	if n := len(s.taken()); n != 1 {
		t.Errorf("%d letters", n)
	}
}

func TestRequestsThatAreNotTaken(t *testing.T) {
	s := newSite(t, openTo(20))
	for name, c := range map[string]struct {
		body   string
		fields []string
		want   int
	}{
		"no address":    {"digest=weekly", nil, 400},
		"bad address":   {request("a@example.org,b@example.org"), nil, 400},
		"line":          {request("a@example.org\r\nBcc: b@example.org"), nil, 400},
		"no digest":     {"email=a@example.org", nil, 400},
		"closed digest": {"email=a@example.org&digest=daily", nil, 400},
		"long name":     {"email=a@example.org&digest=weekly&name=" + strings.Repeat("x", maxName+1), nil, 400},
		"too large":     {request("a@example.org") + "&x=" + strings.Repeat("x", maxForm), nil, 400},
		"another site":  {request("a@example.org"), []string{"Sec-Fetch-Site: cross-site", "Origin: https://evil.example.net"}, 403},
		"another host":  {request("a@example.org"), []string{"Origin: https://evil.example.net"}, 403},
		"not said from": {request("a@example.org"), []string{"Origin: null"}, 403},
	} {
		r := s.send(newPost("/subscribe", c.body), c.fields...)
		doc := html(t, r, c.want)
		if c.want == 400 && name != "too large" && (doc.Find("main [role=alert]").Length() != 1 || doc.Find("main form input[name=email]").Length() != 1) {
			t.Errorf("%s: the form is not shown again with the reason", name)
		}
	}
	for name, fields := range map[string][]string{
		"a program": nil, "the page": {"Sec-Fetch-Site: same-origin", "Origin: " + address}, "behind a proxy": {"Origin: " + address, "Host: 10.0.0.9:8080"},
	} {
		if r := s.send(newPost("/subscribe", request("a@example.org")), fields...); r.StatusCode != 200 {
			t.Errorf("%s is refused with %d", name, r.StatusCode)
		}
	}
	if got := s.get("/subscribe").Header.Get("Referrer-Policy"); got != "same-origin" { // else browsers send Origin: null
		t.Errorf("Referrer-Policy %q", got)
	}
	if n := len(s.taken()); n != 1 {
		t.Errorf("%d letters", n)
	}
}

func TestRequirement07AConfirmationThatWasTamperedWithIsRefused(t *testing.T) {
	s := newSite(t, openTo(20))
	wantStatus(t, s.ask(1, request("a@example.org")), 200)
	token := strings.TrimPrefix(s.link(s.taken()[0]), "/confirm/")
	id := news.SubscriberID("a@example.org")
	for name, bad := range map[string]string{
		"cut": token[:len(token)-1], "longer": token + "A", "first changed": other(token[0]) + token[1:], "last changed": token[:len(token)-1] + other(token[len(token)-1]),
		"the link to leave": s.Links().token(id), "another time": strings.TrimPrefix(s.Links().Confirm(id, monday.Add(time.Second)), address+"/confirm/"),
		"other key": strings.TrimPrefix(Links{URL: address, Key: []byte("another key")}.Confirm(id, monday), address+"/confirm/"),
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if r := s.do(method, "/confirm/"+bad); r.StatusCode < 400 || r.StatusCode >= 500 {
				t.Errorf("%s: %s is %d", name, method, r.StatusCode)
			}
		}
	}
	if r := s.do(http.MethodPost, "/u/"+token); r.StatusCode != 404 {
		t.Errorf("the letter's token leaves: %d", r.StatusCode)
	}
	s.set(monday.Add(confirmWithin + time.Second))
	wantStatus(t, s.do(http.MethodPost, "/confirm/"+token), 404)
	if _, err := s.store.Subscriber(t.Context(), id); news.CodeOf(err) != news.NotFound {
		t.Errorf("subscribed: %v", err)
	}
}

func TestWhoSubscribedThemselvesIsOfferedWhatIsOpen(t *testing.T) {
	s := newSite(t, openTo(20), func(set *Settings) { set.Subscribe.Digests = []string{"weekly", "daily"} })
	wantStatus(t, s.ask(1, request("a@example.org")), 200)
	wantStatus(t, s.send(newPost(s.link(s.taken()[0]), "")), 200)
	token := s.Links().token(news.SubscriberID("a@example.org"))
	doc := html(t, s.get("/u/"+token), 200)
	if got := attrs(doc, "input[name=digest]", "value"); !slices.Equal(got, []string{"weekly", "daily"}) {
		t.Errorf("offered %v", got)
	}
	if got := attrs(doc, "input[name=digest][checked]", "value"); !slices.Equal(got, []string{"weekly"}) {
		t.Errorf("ticked %v", got)
	}
	wantStatus(t, s.post(token, urlencoded, "action=preferences&format=html&digest=daily"), 200)
	for digest, want := range map[string]int{"weekly": 0, "daily": 1} {
		if n, err := s.store.Recipients(t.Context(), digest); err != nil || n != want {
			t.Errorf("%d get the %s, %v", n, digest, err)
		}
	}
}
