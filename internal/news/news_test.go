package news

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"time"
)

// The ids stand in every reader's memory: these values must never change.
func TestArticleIDNeverChanges(t *testing.T) {
	for identity, want := range map[string]string{
		"https://www.yunhe.example/a.html": "6fbcfb88-d2a8-5d4d-8b78-eac1afae8f1f",
		"":                                 "c3a64a80-0c02-56fb-9673-66eee2d5b34c",
	} {
		if got := ArticleID(identity); got != want {
			t.Errorf("%q: got %s, want %s", identity, got, want)
		}
	}
	if got := SubscriberID(" Bangongshi@Example.org "); got != "b8c0d701-1331-506a-bbf0-2778c3a816ae" || got != SubscriberID("bangongshi@example.org") {
		t.Errorf("got %s", got)
	}
}

func TestIdentityOf(t *testing.T) {
	day := time.Date(2021, 9, 26, 0, 0, 0, 0, time.FixedZone("+08:00", 8*60*60))
	a := Article{Source: "pages", Content: Content{Title: "题", Text: "文"}, Published: day}
	b := a
	b.Text, b.Column, b.Published = "改过的文", "别的栏目", day.UTC()
	if IdentityOf(a) != IdentityOf(b) {
		t.Error("a changed text, or the same moment in another zone, makes another article")
	}
	for _, change := range []func(*Article){
		func(a *Article) { a.Source = "other" },
		func(a *Article) { a.Title = "另一题" },
		func(a *Article) { a.Published = day.AddDate(0, 0, 1) },
		func(a *Article) { a.URL = "https://www.yunhe.example/a.html" },
	} {
		b := a
		change(&b)
		if IdentityOf(a) == IdentityOf(b) {
			t.Errorf("%+v is taken for %+v", b, a)
		}
	}
	a.URL, b.URL = "https://www.yunhe.example/a.html", "https://www.yunhe.example/a.html"
	b.Source, b.Title = "other", "另一题"
	if IdentityOf(a) != IdentityOf(b) {
		t.Error("one address makes two articles")
	}
}

func TestHashTellsEveryChangeOfContent(t *testing.T) {
	seen := map[string]Content{}
	for _, c := range []Content{{}, {Title: "题"}, {Column: "题"}, {Text: "题"}, {Body: "题"}, {Keywords: []string{"题"}}, {Images: []Image{{URL: "题"}}}, {Author: "题"}, {Origin: "题"}, {Summary: "题"}} {
		if other, twice := seen[c.Hash()]; twice {
			t.Errorf("%+v and %+v have one hash", c, other)
		}
		seen[c.Hash()] = c
	}
}

func TestIssueSteps(t *testing.T) {
	all := []IssueState{Draft, InReview, Approved, Sending, Sent, Cancelled}
	legal := map[IssueState]string{Draft: "review approved cancelled", InReview: "draft approved cancelled", Approved: "draft sending cancelled", Sending: "sent"}
	for _, from := range all {
		for _, to := range all {
			want := strings.Contains(" "+legal[from]+" ", " "+string(to)+" ")
			if from.CanBecome(to) != want {
				t.Errorf("%s to %s: %t, want %t", from, to, !want, want)
			}
		}
		if want := from.CanBecome(Cancelled); from.Editable() != want { // what may be called off may be edited
			t.Errorf("%s editable: %t", from, !want)
		}
	}
}

func TestIssueNames(t *testing.T) {
	i := Issue{Year: 2026, Number: 47, Items: []Item{{ArticleID: "a", State: Live}, {ArticleID: "b", State: Withdrawn}, {ArticleID: "c"}}}
	if i.Label() != "2026年第47期" || i.Ref() != "2026-47" {
		t.Errorf("got %s, %s", i.Label(), i.Ref())
	}
	if live := i.LiveItems(); len(live) != 2 || live[1].ArticleID != "c" || len(i.Items) != 3 || i.Items[1].ArticleID != "b" {
		t.Errorf("got %v of %v", live, i.Items)
	}
	if n := (Tally{Queued: 1, Leased: 2, Committing: 3, Deferred: 4, Delivered: 5, Failed: 6, Uncertain: 7, Suppressed: 8}).Open(); n != 10 {
		t.Errorf("%d open", n)
	}
}

func TestParseRef(t *testing.T) {
	for s, want := range map[string][2]int{"2026-47": {2026, 47}, "47": {0, 47}, "0-5": {0, 5}, "9999-1000000": {9999, 1_000_000}} {
		if year, number, err := ParseRef(s); err != nil || year != want[0] || number != want[1] {
			t.Errorf("%q: got %d, %d, %v", s, year, number, err)
		}
	}
	for _, s := range []string{"", "-", "0", "-47", "2026-", "2026-0", "2026--47", "2026-47-1", "一", "2026年第47期", "99999999999999999999", "9999999999", "1000001", "2026-1000001", "10000-1", "3000000000-1"} {
		if year, number, err := ParseRef(s); CodeOf(err) != Invalid || year != 0 || number != 0 {
			t.Errorf("%q: got %d, %d, %v", s, year, number, err)
		}
	}
}

func TestCheckEmail(t *testing.T) {
	for _, email := range []string{"a@example.org", "A.b+c_d-e@mail.example.org", "root@localhost", "a@xn--ldtp31a.example", "a'b@example.org", strings.Repeat("a", 64) + "@example.org"} {
		if err := CheckEmail(email); err != nil {
			t.Errorf("%q: %v", email, err)
		}
	}
	for _, email := range []string{"", "a", "@example.org", "a@", "a@example", "a@b@example.org", "a b@example.org", " a@example.org", "a@example.org ", "a@example.org\n", "a@example.org\r\nBcc: b@example.org",
		"办公室 <a@example.org>", "<a@example.org>", "\"a\"@example.org", "\"a b\"@example.org", "a@example.org, b@example.org", "a@exa mple.org", "a@.example.org", "a@example..org", "a@example.org.", "a.@example.org",
		"a@[127.0.0.1]", "a@[IPv6:::1]", "a@example.org(x)", "办公室@example.org", "a@检察.example", "a@example.org\x00", strings.Repeat("a", 65) + "@example.org", "a@" + strings.Repeat("a.", 130) + "org"} {
		if err := CheckEmail(email); CodeOf(err) != Invalid || err == nil {
			t.Errorf("%q is taken", email)
		}
	}
}

func TestFilterMatch(t *testing.T) {
	a := Article{Source: "pages", Content: Content{Column: "检察要闻", Title: "APP整治", Text: "公益诉讼，个人信息"}}
	for _, tc := range []struct {
		filter Filter
		want   bool
	}{
		{Filter{}, true},
		{Filter{Columns: []string{"公告", "检察要闻"}}, true},
		{Filter{Columns: []string{"公告"}}, false},
		{Filter{Sources: []string{"pages"}}, true},
		{Filter{Sources: []string{"other"}}, false},
		{Filter{Keywords: []string{"个人信息"}}, true},
		{Filter{Keywords: []string{"无关", "app"}}, true},
		{Filter{Keywords: []string{"无关"}}, false},
		{Filter{Columns: []string{"检察要闻"}, Sources: []string{"pages"}, Keywords: []string{"诉讼"}}, true},
		{Filter{Columns: []string{"检察要闻"}, Sources: []string{"other"}, Keywords: []string{"诉讼"}}, false},
	} {
		if got := tc.filter.Match(a); got != tc.want {
			t.Errorf("%+v: %t", tc.filter, got)
		}
	}
}

func TestWishes(t *testing.T) {
	if d, err := ChooseDigests(nil, []string{"weekly"}); err != nil || len(d) != 1 {
		t.Errorf("got %v, %v", d, err)
	}
	for _, named := range [][]string{nil, {"yearly"}, {"weekly", "yearly"}} {
		if d, err := ChooseDigests(named, []string{"weekly", "monthly"}); CodeOf(err) != Invalid || d != nil {
			t.Errorf("%v: got %v, %v", named, d, err)
		}
	}
	for s, want := range map[string]MailFormat{"": FormatHTML, "HTML": FormatHTML, "网页": FormatHTML, "Text": FormatText, "纯文本": FormatText, "fax": ""} {
		if f, err := ParseFormat(s); f != want || (err != nil) != (want == "") {
			t.Errorf("%q: got %s, %v", s, f, err)
		}
	}
	zone := time.FixedZone("+08:00", 8*60*60)
	for _, s := range []string{"2027-12-31", "2027/12/31", "2027年12月31日"} {
		if d, err := ParseUntil(s, zone); err != nil || d.Format(time.RFC3339) != "2028-01-01T00:00:00+08:00" {
			t.Errorf("%q: got %s, %v", s, d, err)
		}
	}
	for _, s := range []string{"2027-02-30", "明年", "31.12.2027"} {
		if _, err := ParseUntil(s, zone); CodeOf(err) != Invalid {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestErrorKeepsItsCodeItsKeyAndItsCause(t *testing.T) {
	err := Errorf(Unavailable, "cannot be read: %w", fs.ErrNotExist)
	var e *Error
	if !errors.As(err, &e) || e.Format != "cannot be read: %w" || !errors.Is(err, fs.ErrNotExist) || CodeOf(err) != Unavailable || err.Error() != "cannot be read: file does not exist" {
		t.Errorf("got %#v", err)
	}
	if CodeOf(errors.New("x")) != Internal || CodeOf(Errorf(Refused, "cannot be read: %w", err)) != Refused {
		t.Error("the outermost code counts")
	}
}
