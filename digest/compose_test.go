package digest

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	netmail "net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"jianxun/internal/mail"
	"jianxun/internal/news"
	"jianxun/templates"
)

var shanghai = time.FixedZone("CST", 8*3600)

func newComposer(t *testing.T, is news.Issue) *Composer {
	t.Helper()
	set, err := templates.Load()
	if err != nil {
		t.Fatal(err)
	}
	return &Composer{
		Templates: set,
		View:      View{Printer: templates.NewPrinter(templates.Chinese), Zone: shanghai, Link: func(it news.Item) string { return "https://news.example.org/articles/" + it.ArticleID }},
		From:      netmail.Address{Name: "检察要闻周报", Address: "digest@example.org"},
		Now:       func() time.Time { return time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC) },
		Issue:     func(context.Context, int64) (news.Issue, error) { return is, nil },
		Changes:   func(context.Context) (int64, error) { return 1, nil },
		Leave:     func(s news.Subscriber) string { return "https://news.example.org/u/" + s.Name },
		Web:       func(is news.Issue) string { return "https://news.example.org" + WebPath(is) },
		More:      "https://news.example.org/feeds/all",
	}
}

func anIssue(items ...news.Item) news.Issue {
	return news.Issue{ID: 1, Digest: "weekly", Title: "检察要闻周报", Year: 2026, Number: 47, Total: 47, Items: items, LeftOut: 3,
		WindowFrom: time.Date(2026, 11, 16, 8, 0, 0, 0, shanghai), WindowTo: time.Date(2026, 11, 23, 8, 0, 0, 0, shanghai)}
}

func item(id, column, title string) news.Item {
	return news.Item{ArticleID: id, Column: column, Title: title, Lead: title + ",内容提要。", Published: time.Date(2026, 11, 20, 0, 0, 0, 0, shanghai), DateOnly: true, State: news.Live}
}

func compose(t *testing.T, c *Composer, s news.Subscriber) (html, text string) {
	t.Helper()
	m, _, err := c.Compose(t.Context(), 1, s, nil)
	if err != nil {
		t.Fatal(err)
	}
	return parts(t, m)
}

func parts(t *testing.T, m mail.Message) (html, text string) {
	t.Helper()
	msg, err := netmail.ReadMessage(strings.NewReader(string(m.Data)))
	if err != nil {
		t.Fatal(err)
	}
	read := func(r io.Reader) string {
		b, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, r))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	kind, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	if kind == "text/plain" {
		return "", read(msg.Body)
	}
	parts := multipart.NewReader(msg.Body, params["boundary"])
	for i := range 2 {
		p, err := parts.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			text = read(p)
		} else {
			html = read(p)
		}
	}
	return html, text
}

func TestRequirement13And16MailIsCompleteAndOrderly(t *testing.T) {
	c := newComposer(t, anIssue(item("a", "检察要闻", "甲院部署工作,效果明显"), item("b", "检务公开", "乙院公开数据")))
	html, text := compose(t, c, news.Subscriber{Name: "zhang", Email: "z@example.org", Format: news.FormatHTML})
	d, err := goquery.NewDocumentFromReader(strings.NewReader(html))
	if err != nil {
		t.Fatal(err)
	}
	if lang := d.Find("html").AttrOr("lang", ""); lang != "zh-CN" {
		t.Errorf("lang %q", lang)
	}
	d.Find("table").Each(func(_ int, s *goquery.Selection) {
		if s.AttrOr("role", "") != "presentation" {
			t.Error("a table of layout does not say so")
		}
	})
	if n := d.Find("h1").Length(); n != 1 {
		t.Errorf("%d h1", n)
	}
	if got := d.Find("h2").Map(func(_ int, s *goquery.Selection) string { return s.Text() }); !slices.Equal(got, []string{"检察要闻", "检务公开"}) {
		t.Errorf("sections %v", got)
	}
	if n := strings.Count(html, "preheader"); n != 1 {
		t.Errorf("%d preheaders", n)
	}
	if d.Find("td[style*=padding]").Length() == 0 || d.Find("h3[style*=font-size]").Length() == 0 {
		t.Error("the style is not inlined")
	}
	if !strings.Contains(html, "@media (prefers-color-scheme: dark)") {
		t.Error("the dark colours are lost")
	}
	d.Find("a").Each(func(_ int, s *goquery.Selection) {
		if href := s.AttrOr("href", ""); !strings.Contains(text, href) {
			t.Errorf("the text lacks the link %s", href)
		}
	})
	for _, want := range []string{"甲院部署工作，效果明显", "2026年11月20日", "2026年第47期", "总第47期", "2026年11月16日至2026年11月23日", "另有 3 篇", "zhang：您好！"} {
		if !strings.Contains(text, want) || !strings.Contains(html, want) {
			t.Errorf("%q is in the text: %v, in the HTML: %v", want, strings.Contains(text, want), strings.Contains(html, want))
		}
	}
	if strings.Count(html, "https://news.example.org/u/zhang") != 1 {
		t.Error("the link to leave is not there once")
	}
}

func TestRequirement12LongIssueKeepsItsBudget(t *testing.T) {
	var items []news.Item
	for i := range 200 {
		it := item(fmt.Sprint("id", i), "检察要闻", strings.Repeat("很长的标题", 8))
		it.Lead = strings.Repeat("这是一句不短的内容提要，写得很详细。", 8)
		items = append(items, it)
	}
	c := newComposer(t, anIssue(items...))
	f, err := c.Render(anIssue(items...), Choice{})
	if err != nil {
		t.Fatal(err)
	}
	if len(f.HTML) > 75*1024 {
		t.Errorf("%d octets of HTML", len(f.HTML))
	}
	shown := strings.Count(f.HTML, "<h3")
	if shown < 50 || !strings.Contains(f.HTML, fmt.Sprintf("另有 %d 篇", 200-shown+3)) {
		t.Errorf("%d items shown; those that are not must be counted", shown)
	}
}

func TestEachGetsWhatTheyChose(t *testing.T) {
	withdrawn := item("c", "检察要闻", "丙院的稿件已撤回")
	withdrawn.State = news.Withdrawn
	c := newComposer(t, anIssue(item("a", "检察要闻", "甲院办理公益诉讼案件"), item("b", "检务公开", "乙院公开数据"), withdrawn))
	_, text := compose(t, c, news.Subscriber{Email: "x@example.org", Columns: []string{"检务公开"}})
	if strings.Contains(text, "甲院") || !strings.Contains(text, "乙院") {
		t.Errorf("columns: %s", text)
	}
	html, text := compose(t, c, news.Subscriber{Email: "y@example.org", Keywords: []string{"数据"}, Format: news.FormatText})
	if html != "" || strings.Index(text, "乙院公开数据") > strings.Index(text, "甲院") || !strings.Contains(text, "符合您的关键词：数据") {
		t.Errorf("keywords first, in text: %s", text)
	}
	if strings.Contains(text, "丙院") {
		t.Error("a withdrawn article is sent")
	}
	if _, _, err := c.Compose(t.Context(), 1, news.Subscriber{Email: "z@example.org", Columns: []string{"队伍建设"}}, nil); news.CodeOf(err) != news.NotFound {
		t.Errorf("nothing for a person: %v", err)
	}
}

func TestMessageIDIsAFunctionOfIssueAndPerson(t *testing.T) {
	seen := map[string]bool{}
	for range 2 {
		c := newComposer(t, anIssue(item("a", "检察要闻", "甲")))
		for _, email := range []string{"a@example.org", "A@Example.org", "b@example.org"} {
			m, _, err := c.Compose(t.Context(), 1, news.Subscriber{Email: email}, nil)
			if err != nil {
				t.Fatal(err)
			}
			msg, err := netmail.ReadMessage(strings.NewReader(string(m.Data)))
			if err != nil {
				t.Fatal(err)
			}
			seen[msg.Header.Get("Message-Id")] = true
		}
	}
	if len(seen) != 2 {
		t.Errorf("%v: want one for each of two people, always the same", seen)
	}
}

func TestSlotsNeverStayInAMail(t *testing.T) {
	c := newComposer(t, anIssue(item("a", "检察要闻", "甲")))
	html, text := compose(t, c, news.Subscriber{Name: "<b>&", Email: "a@example.org"})
	for _, slot := range []string{mail.NameSlot, mail.LeaveSlot} {
		if strings.Contains(html, slot) || strings.Contains(text, slot) {
			t.Errorf("%s is still there", slot)
		}
	}
	if strings.Contains(html, "<b>&：") || !strings.Contains(html, "&lt;b&gt;&amp;：您好") {
		t.Error("a name is taken for HTML")
	}
}

// An article is withdrawn while mails with it are on their way to the relay.
func TestAMailIsKnownToBeStale(t *testing.T) {
	is := anIssue(item("a", "检察要闻", "甲"), item("b", "检察要闻", "乙"))
	c := newComposer(t, is)
	now, changes, loads := c.Now(), int64(1), 0
	c.Now = func() time.Time { return now }
	c.Changes = func(context.Context) (int64, error) { return changes, nil }
	c.Issue = func(context.Context, int64) (news.Issue, error) { loads++; return is, nil }
	person := news.Subscriber{Email: "a@example.org"}
	_, still, err := c.Compose(t.Context(), 1, person, nil)
	if err != nil {
		t.Fatal(err)
	}
	now, changes = now.Add(recent), 2 // an article of something else
	if err := still(t.Context()); err != nil || loads != 2 {
		t.Errorf("%v after %d loads", err, loads)
	}
	now, changes = now.Add(recent), 3
	is.Items = []news.Item{is.Items[0], is.Items[1]}
	is.Items[1].State = news.Withdrawn
	if err := still(t.Context()); news.CodeOf(err) != news.Conflict {
		t.Errorf("a mail with a withdrawn article may leave: %v", err)
	}
	m, still, err := c.Compose(t.Context(), 1, person, nil)
	if err != nil || still(t.Context()) != nil {
		t.Errorf("composed anew: %v, %v", err, still(t.Context()))
	}
	if html, text := parts(t, m); strings.Contains(html+text, "乙") {
		t.Error("it holds the withdrawn article")
	}
}
