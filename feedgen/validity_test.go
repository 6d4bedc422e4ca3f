package feedgen

import (
	"fmt"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mmcdole/gofeed"
	"golang.org/x/net/html"

	"jianxun/internal/ingest"
	"jianxun/internal/news"
)

// What the W3C validator objects to, as far as it was met: `make validate` runs
// the validator itself over a running daemon, where there is a copy of it.

func TestRequirement02DocumentsKeepTheRulesOfTheirFormats(t *testing.T) {
	at := func(f Format) string { return "https://news.example.org/feeds/yaowen/archive/1." + string(f) }
	for _, n := range []int{0, 1, 50} {
		d := document(n)
		for i := range d.Articles {
			d.Articles[i].Title += " <b>&"
			d.Articles[i].Images = []news.Image{{URL: fmt.Sprintf("https://www.example.org/图%d.jpg", i), Length: 9, Alt: "图"}, {URL: "https://www.example.org/2.png"}}
		}
		d.Description = "含 <b> 与 & 的说明"
		d.Hubs = []string{"https://hub.example.net/"}
		d.Source = func(news.Article) Source { return Source{Title: "检察日报", URL: "https://www.example.org/"} }
		archive := d
		archive.Chain = Chain{Archive: true, Current: at, Prev: at, Next: at}
		for name, d := range map[string]Document{"subscription": d, "archive": archive} {
			t.Run(fmt.Sprint(name, n), func(t *testing.T) {
				rss := parseXML(t, render(t, d, RSS))
				everywhere(t, rss)
				channelRules(t, rss.all("channel")[0])
				atom := parseXML(t, render(t, d, Atom))
				everywhere(t, atom)
				atomRules(t, atom)
			})
		}
	}
}

var (
	addresses = []string{"href", "url", "link", "xmlUrl"}
	rssSpaces = []string{"", atomNS, dcNS, contentNS, mediaNS, historyNS}
)

// everywhere holds the rules for elements of any kind.
func everywhere(t *testing.T, e element) {
	t.Helper()
	if !slices.Contains(rssSpaces, e.XMLName.Space) {
		t.Errorf("an element of the name space %s", e.XMLName.Space)
	}
	for _, a := range e.Attrs {
		if slices.Contains(addresses, a.Name.Local) {
			absolute(t, e.XMLName.Local, a.Value)
		}
	}
	if name := e.XMLName.Local; name == "content" || name == "encoded" { // elsewhere it is text, or escaped once more
		inactive(t, e.Text)
	}
	for _, k := range e.Kids {
		everywhere(t, k)
	}
}

// inactive expects HTML in which nothing happens.
func inactive(t *testing.T, body string) {
	t.Helper()
	for z := html.NewTokenizer(strings.NewReader(body)); z.Next() != html.ErrorToken; {
		tag := z.Token()
		if tag.Type != html.StartTagToken && tag.Type != html.SelfClosingTagToken {
			continue
		}
		if slices.Contains([]string{"script", "iframe", "object", "embed", "form", "style", "base", "meta", "link"}, tag.Data) {
			t.Errorf("<%s> in %s", tag.Data, body)
		}
		for _, a := range tag.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" || (a.Key == "href" || a.Key == "src") && !strings.Contains(a.Val, ":") || strings.HasPrefix(strings.TrimSpace(strings.ToLower(a.Val)), "javascript:") && a.Key != "alt" {
				t.Errorf("%s=%q in %s", a.Key, a.Val, body)
			}
		}
	}
}

func absolute(t *testing.T, where, address string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil || !u.IsAbs() || strings.ContainsFunc(address, mustEncode) {
		t.Errorf("%s: %q is no absolute address in ASCII", where, address)
	}
}

// one gives the text of the only child of the name.
func one(t *testing.T, e element, name string) string {
	t.Helper()
	var found []element
	for _, k := range e.Kids {
		if k.XMLName.Local == name && k.XMLName.Space == e.XMLName.Space {
			found = append(found, k)
		}
	}
	if len(found) != 1 {
		t.Errorf("%s has %d of %s, want one", e.XMLName.Local, len(found), name)
		return ""
	}
	return found[0].Text
}

func channelRules(t *testing.T, channel element) {
	t.Helper()
	for _, name := range []string{"title", "link", "description", "language", "lastBuildDate"} {
		if one(t, channel, name) == "" {
			t.Errorf("the channel has no %s", name)
		}
	}
	rfc822(t, one(t, channel, "lastBuildDate"))
	var ids []string
	for _, item := range channel.all("item") {
		one(t, item, "title")
		one(t, item, "description")
		absolute(t, "link", one(t, item, "link"))
		rfc822(t, one(t, item, "pubDate"))
		ids = append(ids, one(t, item, "guid"))
		if len(item.all("author")) > 0 || len(item.all(dcNS+" creator")) != 1 {
			t.Error("an item has an RSS author, or not one creator")
		}
		if n := len(item.all("enclosure")); n > 1 {
			t.Errorf("an item has %d enclosures", n)
		}
		for _, e := range item.all("enclosure") {
			if e.attr("length") == "" || e.attr("type") == "" {
				t.Errorf("an enclosure is not complete: %+v", e)
			}
		}
	}
	distinct(t, "guid", ids)
}

func rfc822(t *testing.T, date string) {
	t.Helper()
	at, err := mail.ParseDate(date)
	if err != nil || at.After(time.Now()) || strings.HasSuffix(date, "T") {
		t.Errorf("%q is no date of RFC 822 with an offset, or one to come (%v)", date, err)
	}
}

func atomRules(t *testing.T, feed element) {
	t.Helper()
	ids, updated := []string{one(t, feed, "id")}, []string{}
	one(t, feed, "title")
	rfc3339Rule(t, one(t, feed, "updated"))
	if n := len(slices.DeleteFunc(links(feed), func(rel string) bool { return rel != "self" })); n != 1 {
		t.Errorf("the feed has %d self links", n)
	}
	for _, entry := range feed.all("entry") {
		one(t, entry, "title")
		rfc3339Rule(t, one(t, entry, "published"))
		ids, updated = append(ids, one(t, entry, "id")), append(updated, one(t, entry, "updated"))
		rels := links(entry)
		slices.Sort(rels)
		if !slices.Equal(rels, []string{"alternate", "enclosure"}) {
			t.Errorf("the links of an entry are %v", rels)
		}
		for _, s := range entry.all("source") {
			one(t, s, "id")
			one(t, s, "title")
			rfc3339Rule(t, one(t, s, "updated"))
		}
	}
	distinct(t, "id", ids)
	distinct(t, "updated", updated)
}

// links are the relations of an element's own links.
func links(e element) []string {
	var rels []string
	for _, k := range e.Kids {
		if k.XMLName.Local == "link" {
			rels = append(rels, k.attr("rel"))
		}
	}
	return rels
}

func rfc3339Rule(t *testing.T, date string) {
	t.Helper()
	if _, err := time.Parse(time.RFC3339, date); err != nil {
		t.Error(err)
	}
}

func distinct(t *testing.T, what string, list []string) {
	t.Helper()
	slices.Sort(list)
	for i := 1; i < len(list); i++ {
		if list[i] == list[i-1] {
			t.Errorf("two have the %s %s", what, list[i])
		}
	}
}

func TestRequirement11AnArticleHasSeveralCategories(t *testing.T) {
	d := document(1)
	d.Articles[0].Keywords = []string{"公益诉讼", "检察要闻", "公益诉讼", "", "未成年人 & <司法>"}
	want := []string{"检察要闻", "公益诉讼", "未成年人 & <司法>"}
	eachFormat(t, d, func(t *testing.T, feed *gofeed.Feed) {
		if got := feed.Items[0].Categories; !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	})
	for _, c := range parseXML(t, render(t, d, Atom)).all("category") {
		if c.attr("term") == "" || c.attr("label") != c.attr("term") {
			t.Errorf("category %+v", c.Attrs)
		}
	}
	if got := parseJSON(t, render(t, d, JSON)).Items[0].Tags; !slices.Equal(got, want) {
		t.Errorf("tags %q, want %q", got, want)
	}
}

// FuzzValid puts articles of any octets, cleaned as ingest cleans them, through
// all formats and holds the rules over what comes out.
func FuzzValid(f *testing.F) {
	for i, s := range nasty {
		f.Add(s, nasty[(i+2)%len(nasty)], nasty[(i+5)%len(nasty)], s)
	}
	f.Add("<b>题</b> & ]]>", `<p onclick="x()">文<script>x</script><img src="//a/b.jpg"></p>`, "张三\x00", "公益 诉讼")
	base := &url.URL{Scheme: "https", Host: "www.example.org", Path: "/a/"}
	f.Fuzz(func(t *testing.T, title, body, name, word string) {
		clean, err := ingest.SanitizeHTML(news.CleanText(body), base)
		if err != nil {
			return // refused before it is an article
		}
		d := document(2)
		a := &d.Articles[0]
		a.Title, a.Body, a.Text, a.Images, a.Author, a.Origin, a.Keywords = title, clean.Body, clean.Text, clean.Images, name, name+"院", []string{word, title}
		a.Images = append([]news.Image{{URL: "https://www.example.org/1.jpg", Alt: name, Length: 7}}, a.Images...)
		d.Articles[1].Images = a.Images[:1]
		d.Source = func(a news.Article) Source { return Source{Title: a.Origin, URL: "https://www.example.org/"} }
		rss := parseXML(t, render(t, d, RSS))
		everywhere(t, rss)
		channelRules(t, rss.all("channel")[0])
		atom := parseXML(t, render(t, d, Atom))
		everywhere(t, atom)
		atomRules(t, atom)
		for _, item := range parseJSON(t, render(t, d, JSON)).Items {
			if item.ID == "" || item.ContentHTML == "" && item.ContentText == "" || item.Title == "" {
				t.Errorf("JSON has an item without what it needs: %+v", item)
			}
		}
	})
}
