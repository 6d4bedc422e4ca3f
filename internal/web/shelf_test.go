package web

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/mmcdole/gofeed"

	"jianxun/internal/news"
)

// inFeed are the titles of the feed as a reader sees them, newest first.
func (s *site) inFeed(name string) []string {
	s.t.Helper()
	feed, err := gofeed.NewParser().Parse(bytes.NewReader(body(s.t, s.get("/feeds/"+name))))
	if err != nil {
		s.t.Fatal(err)
	}
	list := []string{}
	for _, it := range feed.Items {
		list = append(list, it.Title)
	}
	return list
}

func (s *site) wantFeed(name string, want ...string) {
	s.t.Helper()
	if got := s.inFeed(name); !slices.Equal(got, append([]string{}, want...)) {
		s.t.Errorf("%s holds %v, want %v", name, got, want)
	}
}

// renewedBy tells whose documents a change replaced; the others must be the
// very same, not merely equal.
func (s *site) renewedBy(change func()) []string {
	s.t.Helper()
	before := s.state.Load().shelf.documents
	change()
	renewed := []string{}
	for name, d := range s.state.Load().shelf.documents {
		if before[name] != d {
			renewed = append(renewed, name)
		}
	}
	slices.Sort(renewed)
	return renewed
}

var (
	allDocuments    = []string{"all.atom", "all.deleted.atom", "all.json", "all.rss"}
	yaowenDocuments = append(slices.Clone(allDocuments), "yaowen.atom", "yaowen.deleted.atom", "yaowen.json", "yaowen.rss")
)

func TestASavedArticleIsInItsFeedsAfterRefresh(t *testing.T) {
	s := newSite(t)
	renewed := s.renewedBy(func() {
		s.save(page(1), page(0))
		if !s.refresh() {
			t.Error("the refresh saw no change")
		}
	})
	if !slices.Equal(renewed, yaowenDocuments) {
		t.Errorf("renewed %v, want %v", renewed, yaowenDocuments)
	}
	for _, f := range []string{"rss", "atom", "json"} {
		s.wantFeed("all."+f, "第0篇稿件", "第1篇稿件")
		s.wantFeed("yaowen."+f, "第0篇稿件", "第1篇稿件")
		s.wantFeed("tongzhi." + f)
	}
}

func TestNothingIsRenewedWithoutAChange(t *testing.T) {
	s := filled(t, 5)
	for name, change := range map[string]func(){
		"nothing":    func() {},
		"same again": func() { s.save(page(1)) },
		"time":       func() { s.set(s.clock().Add(time.Hour)) },
		"reload":     s.reload,
	} {
		if renewed := s.renewedBy(func() { change(); s.refresh() }); len(renewed) != 0 {
			t.Errorf("%s renewed %v", name, renewed)
		}
	}
}

func TestAnEditIsInEveryFeedOfTheArticle(t *testing.T) {
	s := filled(t, 3)
	edited := page(1)
	edited.Title = "更正"
	if renewed := s.renewedBy(func() { s.save(edited); s.refresh() }); !slices.Equal(renewed, yaowenDocuments) {
		t.Errorf("renewed %v, want %v", renewed, yaowenDocuments)
	}
	s.wantFeed("yaowen.rss", "第0篇稿件", "更正", "第2篇稿件")
}

func TestAnArticleThatChangesItsColumnChangesItsFeeds(t *testing.T) {
	s := filled(t, 3)
	since := s.get("/feeds/yaowen.rss").Header.Get("Last-Modified")
	wantStatus(t, s.get("/feeds/yaowen.rss", "If-Modified-Since: "+since), 304)
	s.set(s.clock().Add(time.Hour))
	moved := page(1)
	moved.Column = "通知公告"
	s.save(moved)
	s.refresh()
	s.set(s.clock().Add(time.Hour))
	s.wantFeed("yaowen.rss", "第0篇稿件", "第2篇稿件")
	s.wantFeed("tongzhi.rss", "第1篇稿件")
	s.wantFeed("all.rss", "第0篇稿件", "第1篇稿件", "第2篇稿件")
	// What is left in the feed is as old as before: only the feed is newer.
	wantStatus(t, s.get("/feeds/yaowen.rss", "If-Modified-Since: "+since), 200)
}

func TestArticlesOfADayComeWithIt(t *testing.T) {
	s := newSite(t)
	tomorrow := today.AddDate(0, 0, 1)
	var want []string
	for n := range 5 {
		a := page(n)
		a.Published, a.DateOnly = tomorrow, true
		s.save(a)
		want = slices.Insert(want, 0, a.Title)
	}
	s.set(tomorrow.Add(-time.Second))
	s.refresh()
	s.wantFeed("all.rss")
	for n := range 20 {
		s.set(tomorrow.Add(time.Duration(n) * 400 * time.Millisecond))
		s.refresh()
	}
	s.wantFeed("all.rss", want...)
}

func TestAFeedHoldsItsNewestItemsOnly(t *testing.T) {
	s := filled(t, 60)
	if got := s.inFeed("all.atom"); len(got) != 50 || got[0] != "第0篇稿件" {
		t.Errorf("%d items from %s on", len(got), got[0])
	}
	a := page(-1)
	s.save(a)
	s.refresh()
	if got := s.inFeed("all.atom"); len(got) != 50 || got[0] != a.Title {
		t.Errorf("%d items from %s on", len(got), got[0])
	}
}

func TestManyChangesRenewEverything(t *testing.T) {
	s := newSite(t)
	s.settings.Feeds[0].Items = 10
	s.reload()
	for n := range 12 {
		s.save(page(2000 + n))
	}
	s.refresh()
	if d := s.read("/feeds/all/archive/1-2.atom"); len(d.items) != 2 {
		t.Errorf("the archive holds %v", d.titles)
	}
	var batch []news.Article
	for n := range manyChanges + 5 {
		batch = append(batch, page(n))
	}
	batch[len(batch)-1].Column = "通知公告" // beyond what one refresh looks at
	s.save(batch...)
	s.withdraw(page(2011))
	s.refresh()
	s.wantFeed("tongzhi.rss", batch[len(batch)-1].Title)
	if d := s.read("/feeds/all/archive/1-2.atom"); !slices.Equal(d.items, []string{urn(page(2010))}) {
		t.Errorf("the archive holds %v", d.titles)
	}
	if s.refresh() {
		t.Error("the second refresh saw changes")
	}
}

func TestAStoreThatFailsLeavesTheFeedsAsTheyWere(t *testing.T) {
	s := filled(t, 3)
	s.articles.fault = errBroken
	if renewed := s.renewedBy(func() {
		if _, err := s.Refresh(t.Context()); err == nil {
			t.Error("the refresh hides the fault")
		}
		s.settings.Title = "另一个"
		if err := s.Reload(t.Context(), s.settings); err == nil {
			t.Error("the reload hides the fault")
		}
	}); len(renewed) != 0 {
		t.Errorf("renewed %v", renewed)
	}
	s.wantFeed("all.rss", "第0篇稿件", "第1篇稿件", "第2篇稿件")
	doc := html(t, s.get("/articles/"+idOf(page(1))), 500)
	if got := texts(doc, "main p")[0]; got != "这里出了问题，已经记录；请稍后再试。" {
		t.Errorf("the reader is told %q", got)
	}
}

func TestReloadTakesFeedsInAndOut(t *testing.T) {
	s := filled(t, 3)
	since := s.get("/feeds/all.atom").Header.Get("Last-Modified")
	s.set(s.clock().Add(time.Hour))
	s.settings.Feeds = append(s.settings.Feeds[:1:1], news.Feed{Slug: "zhaopin", Title: "招录", Items: 10})
	s.settings.Feeds[0].Title = "全部稿件"
	s.reload()
	s.set(s.clock().Add(time.Hour))
	wantStatus(t, s.get("/feeds/yaowen.rss"), 404)
	wantStatus(t, s.get("/feeds/zhaopin.rss"), 200)
	wantStatus(t, s.get("/feeds/all.atom", "If-Modified-Since: "+since), 200) // its title is another
	s.wantFeed("all.rss", "第0篇稿件", "第1篇稿件", "第2篇稿件")
}

func TestBeforeTheFirstReloadTheSiteIsStarting(t *testing.T) {
	s := newSite(t)
	s.state.Store(nil)
	for _, target := range []string{"/", "/feeds/all.rss", "/healthz", "/nothing"} {
		wantStatus(t, s.get(target), 503)
	}
}

// Two replicas, or one before and after a restart.
func TestRequirement23TwoServersGiveTheSameOctets(t *testing.T) {
	s := filled(t, 20)
	other := New(s.opt)
	if err := other.Reload(t.Context(), s.settings); err != nil {
		t.Fatal(err)
	}
	for name, d := range s.state.Load().shelf.documents {
		for i, c := range d.codings {
			o := other.state.Load().shelf.documents[name].codings[i]
			if o.etag != c.etag || !bytes.Equal(o.body, c.body) || fmt.Sprint(o.full, o.same) != fmt.Sprint(c.full, c.same) {
				t.Errorf("%s in %q differs", name, c.name)
			}
		}
	}
}
