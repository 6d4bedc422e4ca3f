package e2e

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// printing is a site that is exported after each change.
type printing struct {
	*site
	t     *testing.T
	ids   []string
	files map[string]printed
}

func newPrinting(t *testing.T, articles int) *printing {
	t.Helper()
	p := &printing{t: t}
	p.site, p.ids = press(t, printedSite, articles)
	p.export()
	p.files = files(t, p.out())
	return p
}

func (p *printing) out(path ...string) string {
	return filepath.Join(p.dir, "out", filepath.Join(path...))
}

// write makes the n-th page hold text. A page that is not there yet gets an id.
func (p *printing) write(n int, text string) {
	p.t.Helper()
	p.site.write("pages/changed.txt", pressPage(n, text))
	p.must("ingest", "pages/changed.txt")
	p.ids = p.pressIDs(max(n+1, len(p.ids)))
}

// wantTouched exports, and expects that these files and no other are new,
// changed or removed. Words that begin with feeds/ and have no ending stand for
// the three formats; twins go with their files; what ends with ? may be touched.
func (p *printing) wantTouched(added, changed, removed string) {
	p.t.Helper()
	c := p.export()
	now := files(p.t, p.out())
	var add, change, remove []string
	for name, f := range now {
		if was, ok := p.files[name]; !ok {
			add = append(add, name)
		} else if was != f {
			change = append(change, name)
			if was.sum == f.sum {
				p.t.Errorf("%s was written again although it stays the same", name)
			}
		}
	}
	for name := range p.files {
		if _, ok := now[name]; !ok {
			remove = append(remove, name)
		}
	}
	if c.Written != len(add)+len(change) || c.Removed != len(remove) || c.Unchanged != len(now)-c.Written {
		p.t.Errorf("%+v, but %d were added, %d changed, %d removed of %d", c, len(add), len(change), len(remove), len(now))
	}
	for _, set := range []struct {
		what string
		got  []string
		want string
	}{{"added", add, added}, {"changed", change, changed}, {"removed", remove, removed}} {
		want, may := spelledOut(set.want)
		got := slices.DeleteFunc(withoutTwins(set.got), func(name string) bool { return slices.Contains(may, name) })
		if !slices.Equal(got, want) {
			p.t.Errorf("%s: %v\nwant %v", set.what, got, want)
		}
	}
	p.files = now
}

func withoutTwins(names []string) []string {
	set := map[string]bool{}
	for _, name := range names {
		set[strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".br")] = true
	}
	return slices.Sorted(maps.Keys(set))
}

func spelledOut(words string) (must, may []string) {
	for _, w := range strings.Fields(words) {
		names := []string{w}
		if strings.HasPrefix(w, "feeds/") && !strings.Contains(w, ".") {
			stem := strings.TrimSuffix(w, "?")
			names = []string{stem + ".rss", stem + ".atom", stem + ".json"}
		}
		if strings.HasSuffix(w, "?") {
			may = append(may, names...)
		} else {
			must = append(must, names...)
		}
	}
	slices.Sort(must)
	return must, may
}

// subscription is all files of a feed but its archive.
func subscription(feed string) string {
	return " feeds/" + feed + " feeds/" + feed + ".deleted.atom feeds/" + feed + ".html "
}

// subscriptionDocuments are those of a feed, without its page.
func subscriptionDocuments(feed string) string {
	return " feeds/" + feed + " feeds/" + feed + ".deleted.atom "
}

// withdrawals are the documents that tell of withdrawals, which may move the
// time of the others.
func withdrawals(feed string) string {
	return " feeds/" + feed + ".deleted.atom feeds/" + feed + "? "
}

func (p *printing) page(n int) string { return "articles/" + p.ids[n] + ".html" }

// 130 articles: all has archived 80, yaowen 25 of 65, tongzhi 45 of 65.
func TestExportOfNewAndEditedArticles(t *testing.T) {
	p := newPrinting(t, 130)

	p.write(130, "新的一篇。")
	p.wantTouched(p.page(130)+" feeds/all/archive/2-31 feeds/yaowen/archive/1-26", "index.html"+subscription("all")+subscription("yaowen"), "")

	p.write(132, "又一篇。") // the tail of the last export stays for whoever is on the way to it, the one before goes
	p.wantTouched(p.page(132)+" feeds/all/archive/2-32 feeds/yaowen/archive/1-27", "index.html"+subscription("all")+subscription("yaowen"),
		"feeds/all/archive/2-30 feeds/yaowen/archive/1-25")

	p.write(132, "又一篇,改正。") // lists show titles, which are the same
	p.wantTouched("", p.page(132)+subscriptionDocuments("all")+subscriptionDocuments("yaowen"), "feeds/all/archive/2-31 feeds/yaowen/archive/1-26")

	p.write(2, "旧稿改正。") // it stands in full pages as it was when it was archived
	p.wantTouched("", p.page(2), "")

	p.wantTouched("", "", "")
}

func TestExportFillsAPageOfTheArchive(t *testing.T) {
	p := newPrinting(t, 130)
	for n := 131; n < 141; n += 2 { // five more of the other column: 50 have left
		p.write(n, "正文。")
	}
	tail := p.page(131) + " " + p.page(133) + " " + p.page(135) + " " + p.page(137) + " " + p.page(139)
	p.wantTouched(tail+" feeds/all/archive/2-35 feeds/tongzhi/archive/1", "index.html"+subscription("all")+subscription("tongzhi"), "")
	p.write(141, "正文。")
	p.wantTouched(p.page(141)+" feeds/all/archive/2-36 feeds/tongzhi/archive/2-1", "index.html"+subscription("all")+subscription("tongzhi"),
		"feeds/all/archive/2-30 feeds/tongzhi/archive/1-45")
}

func TestExportOfWithdrawnAndRestoredArticles(t *testing.T) {
	p := newPrinting(t, 130)
	const archived, current = 7, 128 // in page 1 of all and in the first page of tongzhi; newest but one of yaowen
	wasPage := read(t, p.out("feeds/all/archive/1.atom"))

	p.must("article", "withdraw", p.ids[archived])
	p.wantTouched("gone/"+p.page(archived), "feeds/all/archive/1 feeds/tongzhi/archive/1-45"+withdrawals("all")+withdrawals("tongzhi"), p.page(archived))
	p.wantNowhere(pressTitle(archived))
	if body := read(t, p.out("gone", p.page(archived))); !strings.Contains(body, "稿件已") {
		t.Errorf("its page says %s", body)
	}

	p.must("article", "withdraw", p.ids[current])
	p.wantTouched("gone/"+p.page(current), "index.html"+subscription("all")+subscription("yaowen"), p.page(current))
	p.wantNowhere(pressTitle(current))
	p.wantTouched("", "", "")

	p.must("article", "restore", p.ids[archived])
	p.wantTouched(p.page(archived), "feeds/all/archive/1 feeds/tongzhi/archive/1-45"+withdrawals("all")+withdrawals("tongzhi"), "gone/"+p.page(archived))
	if is := read(t, p.out("feeds/all/archive/1.atom")); !strings.Contains(is, pressTitle(archived)) || strings.Count(is, "<entry>") != strings.Count(wasPage, "<entry>") {
		t.Error("it is not back in its place in the archive")
	}
	p.must("article", "restore", p.ids[current])
	p.wantTouched(p.page(current), "index.html"+subscription("all")+subscription("yaowen"), "gone/"+p.page(current))
}

// wantNowhere looks for words in every file, and in every twin.
func (p *printing) wantNowhere(words string) {
	p.t.Helper()
	for name := range files(p.t, p.out()) {
		body := ""
		if ext := filepath.Ext(name); ext == ".gz" || ext == ".br" {
			body = unpacked(p.t, p.out(name))
		} else {
			body = read(p.t, p.out(name))
		}
		if strings.Contains(body, words) {
			p.t.Errorf("%s holds %s", name, words)
		}
	}
}

func TestExportFollowsTheConfiguration(t *testing.T) {
	p := newPrinting(t, 130)
	if conf := read(t, p.out("nginx/moved.conf")); !strings.Contains(conf, "/feeds/gonggao") || !strings.Contains(conf, "return 301 /feeds/tongzhi$1;") || strings.Count(conf, "return 410;") != 1 {
		t.Errorf("%s", conf)
	}
	renamed := strings.NewReplacer("slug: yaowen,", "slug: toutiao, was: [yaowen],", "was: [gonggao]}", "was: [gonggao], retired: true}").Replace(printedSite)
	p.configure(renamed)
	p.export()
	conf := read(t, p.out("nginx/moved.conf"))
	for _, line := range []string{"/feeds/yaowen", "return 301 /feeds/toutiao$1;", "/feeds/tongzhi", "error_page 410 /gone/feeds/tongzhi.html; return 410;"} {
		if !strings.Contains(conf, line) {
			t.Errorf("moved.conf does not say %q:\n%s", line, conf)
		}
	}
	for name := range files(t, p.out()) {
		if strings.HasPrefix(name, "feeds/yaowen") || strings.HasPrefix(name, "feeds/tongzhi") {
			t.Errorf("%s is still there", name)
		}
	}
	for _, name := range []string{"feeds/toutiao.rss", "feeds/toutiao.html", "feeds/toutiao/archive/1-25.atom", "gone/feeds/tongzhi.html"} {
		if _, err := os.Stat(p.out(name)); err != nil {
			t.Error(err)
		}
	}
	if body := read(t, p.out(p.page(5))); strings.Contains(body, "yaowen") || !strings.Contains(body, "/feeds/toutiao.rss") {
		t.Error("a page still names the feed by its old name")
	}
	p.configure(printedSite)
	p.export()
	for name, f := range files(t, p.out()) {
		if was, ok := p.files[name]; !ok || was.sum != f.sum {
			t.Errorf("%s is not as it was before", name)
		}
	}
}
