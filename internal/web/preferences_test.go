package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"jianxun/internal/news"
)

// twoDigests has a weekly of columns of its own, and a daily of any.
func twoDigests(set *Settings) {
	set.Digests = []news.Digest{{Slug: "weekly", Title: "检察要闻周报", Zone: shanghai, Columns: []string{"检察要闻", "公告公示"}}, {Slug: "daily", Title: "每日要闻", Zone: shanghai}}
}

// listed puts a person on the list and gives the token of the link in the mail.
func (s *site) listed(sub news.Subscriber) (token string) {
	s.t.Helper()
	if sub.Format == "" {
		sub.Format = news.FormatHTML
	}
	if err := s.store.ApplyRoster(s.t.Context(), []news.Subscriber{sub}, nil); err != nil {
		s.t.Fatal(err)
	}
	return s.Links().token(news.SubscriberID(sub.Email))
}

func (s *site) person(email string) news.Subscriber {
	s.t.Helper()
	sub, err := s.store.Subscriber(s.t.Context(), news.SubscriberID(email))
	if err != nil {
		s.t.Fatal(err)
	}
	return sub
}

// filledIn are the fields that a browser would send of a form, as it stands.
func filledIn(doc *goquery.Document, selector string) url.Values {
	fields := url.Values{}
	doc.Find(selector + " input").Each(func(_ int, in *goquery.Selection) {
		if kind := in.AttrOr("type", "text"); kind == "checkbox" || kind == "radio" {
			if _, ticked := in.Attr("checked"); !ticked {
				return
			}
		}
		fields.Add(in.AttrOr("name", ""), in.AttrOr("value", ""))
	})
	return fields
}

func TestAPersonChoosesWithoutAPassword(t *testing.T) {
	s := newSite(t, twoDigests)
	token := s.listed(news.Subscriber{Email: "a@example.org", Digests: []string{"weekly", "daily", "gone"}, Columns: []string{"检务公开"}, Origin: news.FromFile})
	doc := html(t, s.get("/u/"+token), 200)
	for selector, want := range map[string][]string{
		"input[name=digest]":          {"weekly", "daily"},
		"input[name=digest][checked]": {"weekly", "daily"},
		"input[name=column]":          {"检察要闻", "公告公示", "检务公开"},
		"input[name=column][checked]": {"检务公开"},
		"input[name=format][checked]": {"html"},
	} {
		if got := attrs(doc, "form.choices "+selector, "value"); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", selector, got, want)
		}
	}
	fields := filledIn(doc, "form.choices")
	fields["digest"], fields["column"], fields["format"] = []string{"weekly"}, []string{"公告公示"}, []string{"text"}
	for range 2 {
		r := s.post(token, urlencoded, fields.Encode())
		if r.Header.Get("Location") != "" || len(r.Cookies()) != 0 || r.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("header %v", r.Header)
		}
		doc = html(t, r, 200)
		if got := texts(doc, "main [role=status]"); len(got) != 1 || !strings.Contains(got[0], "已保存") {
			t.Errorf("the page says %q", got)
		}
	}
	for _, doc := range []*goquery.Document{doc, html(t, s.get("/u/"+token), 200)} {
		if got := filledIn(doc, "form.choices"); got.Encode() != fields.Encode() {
			t.Errorf("the page shows %v, want %v", got, fields)
		}
	}
	e := s.person("a@example.org").Effective()
	if !slices.Equal(e.Digests, []string{"gone", "weekly"}) || !slices.Equal(e.Columns, fields["column"]) || e.Format != news.FormatText || e.State != news.Active {
		t.Errorf("%+v", e)
	}
}

func TestAPersonMayChooseNothing(t *testing.T) {
	s := newSite(t, twoDigests)
	token := s.listed(news.Subscriber{Email: "a@example.org", Digests: []string{"weekly"}, Origin: news.FromFile})
	html(t, s.post(token, urlencoded, "action=preferences&format=html"), 200)
	if n, err := s.store.Recipients(t.Context(), "weekly"); err != nil || n != 0 {
		t.Errorf("%d recipients, %v", n, err)
	}
	s.wantPerson("a@example.org", news.Active)
}

func TestWhatIsNotOfferedIsRefused(t *testing.T) {
	s := newSite(t, twoDigests, func(set *Settings) {
		set.Subscribe = Subscribe{Open: true, Digests: []string{"weekly", "daily"}, PerHour: 20}
	})
	token := s.listed(news.Subscriber{Email: "a@example.org", Digests: []string{"weekly"}, Origin: news.FromFile})
	for _, bad := range []string{
		"action=preferences&format=html&digest=daily", // the list does not name it
		"action=preferences&format=html&digest=nowhere", "action=preferences&format=html&digest=weekly&digest=", "action=preferences&format=html&column=别的",
		"action=preferences&format=pdf", "action=preferences", "action=something", "format=text", "resubscribe=no", "digest=weekly",
	} {
		if r := s.post(token, urlencoded, bad); r.StatusCode != http.StatusBadRequest {
			t.Errorf("%s is %d", bad, r.StatusCode)
		}
		if sub := s.person("a@example.org"); sub.Chosen != nil || sub.State != news.Active {
			t.Errorf("%s makes it %+v", bad, sub)
		}
	}
}

// Whatever else a body holds, the word of RFC 8058 is heard.
func TestRequirement05TheOneClickWordIsHeardInAnyForm(t *testing.T) {
	s := newSite(t, twoDigests)
	token := s.subscribed("a@example.org")
	for _, fields := range []string{"Origin: https://mail.example.net", "Sec-Fetch-Site: cross-site", "Cookie: a=b"} {
		r := s.send(newPost("/u/"+token, "List-Unsubscribe=One-Click&action=preferences&format=html"), fields)
		wantStatus(t, r, 200)
		s.wantPerson("a@example.org", news.Unsubscribed)
		wantStatus(t, s.post(token, urlencoded, "resubscribe=yes"), 200)
		s.wantPerson("a@example.org", news.Active)
	}
}

func TestThePageSaysWhyNothingIsSent(t *testing.T) {
	s := newSite(t)
	token := s.subscribed("a@example.org")
	s.wantSays(token, "")
	for state, want := range map[news.SubscriberState]string{news.Bounced: "被退回", news.Unsubscribed: "已退订", news.Active: ""} {
		if err := s.store.SetSubscriberState(t.Context(), news.SubscriberID("a@example.org"), state); err != nil {
			t.Fatal(err)
		}
		s.wantSays(token, want)
	}
	if err := s.store.ApplyRoster(t.Context(), nil, []news.Subscriber{s.person("a@example.org")}); err != nil {
		t.Fatal(err)
	}
	if err := s.store.SetSubscriberState(t.Context(), news.SubscriberID("a@example.org"), news.Active); err != nil {
		t.Fatal(err)
	}
	s.wantSays(token, "不在名单中")
}

func (s *site) wantSays(token, want string) {
	s.t.Helper()
	if got := strings.Join(texts(html(s.t, s.get("/u/"+token), 200), "main [role=status]"), "|"); (want == "") != (got == "") || !strings.Contains(got, want) {
		s.t.Errorf("the page says %q, want %q", got, want)
	}
}

func TestTheNamesOfColumnsAreEscaped(t *testing.T) {
	const column = `"><script>alert(1)</script>`
	s := newSite(t, func(set *Settings) { set.Digests[0].Columns = []string{column} })
	doc := html(t, s.get("/u/"+s.subscribed("a@example.org")), 200)
	if got := attrs(doc, "input[name=column]", "value"); !slices.Equal(got, []string{column}) || doc.Find("main script").Length() != 0 {
		t.Errorf("columns %q", got)
	}
}
