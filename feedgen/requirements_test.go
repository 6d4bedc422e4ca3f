package feedgen

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mmcdole/gofeed"

	"jianxun/internal/ingest"
	"jianxun/internal/news"
)

// The tests bear the numbers of the requirements of feeds.md that a renderer
// alone can meet or miss.

var nasty = []string{"", "\x00", "\x0c\x1b\x85", "\xff\xfe", "\uFFFE\uFFFF", "]]>", "<![CDATA[", "<script>", "&amp; & &#0;", "𠮷\U0010FFFF", "\u2028\u2029", "a\r\nb\tc", "\"'\\", "--><!--", "\xed\xa0\x80"}

func TestRequirement01AnyOctetsAreWellFormed(t *testing.T) {
	for _, s := range nasty {
		t.Run(fmt.Sprintf("%+q", s), func(t *testing.T) { renderWith(t, s, s, s, s, s, s) })
	}
}

func FuzzRender(f *testing.F) {
	for i, s := range nasty {
		f.Add(s, nasty[(i+1)%len(nasty)], nasty[(i+3)%len(nasty)], nasty[(i+5)%len(nasty)], nasty[(i+7)%len(nasty)], s)
	}
	f.Fuzz(func(t *testing.T, title, body, summary, name, word, address string) {
		renderWith(t, title, body, summary, name, word, address)
	})
}

// renderWith puts the strings into every field there is and expects all formats
// to be well-formed and to hold the article.
func renderWith(t *testing.T, title, body, summary, name, word, address string) {
	t.Helper()
	a := article(0)
	a.Title, a.Body, a.Text, a.Summary, a.Author, a.Origin = title, body, body, summary, name, name
	a.Column, a.Keywords, a.URL, a.ID = word, []string{word, name, title}, address, address
	a.Images = []news.Image{{URL: address, Alt: name, Type: word, Length: 7}, {URL: "https://www.example.org/" + address, Alt: title, Type: "image/" + word, Length: 7}}
	d := document(0)
	d.Source = func(news.Article) Source { return Source{Title: title, URL: address} }
	d.Hubs, d.Withdrawn, d.Tombstones = []string{address}, []news.Article{a}, true
	d.Chain = Chain{Archive: true, Current: func(Format) string { return address }, Prev: func(Format) string { return word }, Next: func(Format) string { return name }}
	d.Articles = []news.Article{a, article(1)}
	d.ID, d.Title, d.Description, d.Language, d.Publisher, d.Home = address, title, summary, word, name, address
	d.Self = func(Format) string { return address }
	for _, f := range []Format{RSS, Atom} {
		b := render(t, d, f)
		wellFormed(t, b)
		if root := parseXML(t, b); len(root.all("item"))+len(root.all("entry")) != 2 {
			t.Errorf("%s lacks an article: %s", f, b)
		}
	}
	if got := parseJSON(t, render(t, d, JSON)); len(got.Items) != 2 {
		t.Errorf("JSON lacks an article: %+v", got)
	}
}

// specKeys are those of https://www.jsonfeed.org/version/1.1/, by where they stand.
var specKeys = map[string][]string{
	"":            {"version", "title", "home_page_url", "feed_url", "description", "user_comment", "next_url", "icon", "favicon", "authors", "language", "expired", "hubs", "items"},
	"items":       {"id", "url", "external_url", "title", "content_html", "content_text", "summary", "image", "banner_image", "date_published", "date_modified", "authors", "tags", "language", "attachments"},
	"authors":     {"name", "url", "avatar"},
	"hubs":        {"type", "url"},
	"attachments": {"url", "mime_type", "title", "size_in_bytes", "duration_in_seconds"},
}

func TestRequirement03JSONFeedHoldsKnownKeysOnly(t *testing.T) {
	bare := identified(news.Article{URL: "https://www.example.org/1"})
	for name, d := range map[string]Document{"empty": document(0), "full": document(3), "bare": withArticles(bare)} {
		t.Run(name, func(t *testing.T) {
			var doc map[string]any
			if err := json.Unmarshal(render(t, d, JSON), &doc); err != nil {
				t.Fatal(err)
			}
			knownKeys(t, "", doc)
			if doc["version"] != "https://jsonfeed.org/version/1.1" || doc["title"] == "" {
				t.Errorf("version %v, title %v", doc["version"], doc["title"])
			}
			items, ok := doc["items"].([]any)
			if !ok || len(items) != len(d.Articles) {
				t.Fatalf("items is %v", doc["items"])
			}
			for _, it := range items {
				it := it.(map[string]any)
				if id, _ := it["id"].(string); id == "" {
					t.Errorf("an item has no id: %v", it)
				}
				if it["content_html"] == nil && it["content_text"] == nil {
					t.Errorf("an item has no content: %v", it)
				}
			}
		})
	}
}

func knownKeys(t *testing.T, where string, object map[string]any) {
	t.Helper()
	for key, value := range object {
		if !slices.Contains(specKeys[where], key) {
			t.Errorf("the specification knows no key %q in %q", key, where)
		}
		list, _ := value.([]any)
		for _, v := range list {
			if inner, ok := v.(map[string]any); ok {
				knownKeys(t, key, inner)
			}
		}
	}
}

func withArticles(list ...news.Article) Document {
	d := document(0)
	d.Articles = list
	return d
}

func TestRequirement05TheSelfLinkIsTheCanonicalAddress(t *testing.T) {
	d := document(1)
	rss := parseXML(t, render(t, d, RSS))
	atom := parseXML(t, render(t, d, Atom))
	for _, c := range []struct {
		format Format
		links  []element
	}{{RSS, rss.all(atomNS + " link")}, {Atom, atom.all("link")}} {
		selves := slices.DeleteFunc(c.links, func(e element) bool { return e.attr("rel") != "self" })
		if len(selves) != 1 || selves[0].attr("href") != d.Self(c.format) || !strings.HasPrefix(c.format.ContentType(), selves[0].attr("type")+";") {
			t.Errorf("%s: self links %+v", c.format, selves)
		}
	}
	if got := parseJSON(t, render(t, d, JSON)); got.FeedURL != d.Self(JSON) || got.HomePageURL != d.Home {
		t.Errorf("feed_url %q, home_page_url %q", got.FeedURL, got.HomePageURL)
	}
	if got := rss.all("channel")[0].texts("link")[0]; got != d.Home {
		t.Errorf("the channel links to %q", got)
	}
}

func TestRequirement06TheLanguageIsInEveryFormat(t *testing.T) {
	d := document(1)
	if got := parseXML(t, render(t, d, RSS)).texts("language"); !slices.Equal(got, []string{"zh-CN"}) {
		t.Errorf("RSS: %v", got)
	}
	if got := parseXML(t, render(t, d, Atom)).attr("lang"); got != "zh-CN" {
		t.Errorf("Atom: %q", got)
	}
	if got := parseJSON(t, render(t, d, JSON)).Language; got != "zh-CN" {
		t.Errorf("JSON: %q", got)
	}
}

// An id is the same whatever happens around the article: random edits, other
// formats, another address of the site, other neighbours, another order.
func TestRequirement07AnIDNeverChanges(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 7))
	word := func() string { return string(rune(0x4e00 + rnd.IntN(20000))) }
	for range 50 {
		a := article(rnd.IntN(1000))
		want := "urn:uuid:" + news.ArticleID(a.URL)
		a.Title, a.Body, a.Column, a.Author, a.Keywords = word(), "<p>"+word()+"</p>", word(), word(), []string{word()}
		a.Updated, a.Revision = noon.Add(time.Duration(rnd.IntN(1e6))*time.Second), rnd.IntN(9)+1
		d := document(rnd.IntN(4))
		host := fmt.Sprintf("https://host%d.example.com/news", rnd.IntN(100))
		d.Self = func(f Format) string { return host + "/feeds/x." + string(f) }
		d.Home, d.Title, d.Articles = host, word(), append(d.Articles, a)
		for _, f := range Formats() {
			feed := read(t, d, f)
			if got := feed.Items[len(feed.Items)-1].GUID; got != want {
				t.Fatalf("%s: id %q, want %q", f, got, want)
			}
		}
	}
	for _, guid := range parseXML(t, render(t, document(3), RSS)).all("guid") {
		if guid.attr("isPermaLink") != "false" {
			t.Errorf("the guid %s claims to be a link", guid.Text)
		}
	}
	if a, b := parseXML(t, render(t, document(1), Atom)), parseXML(t, render(t, document(2), Atom)); a.texts("id")[0] != b.texts("id")[0] {
		t.Error("the id of the feed changes with its articles")
	}
}

func TestRequirement08IDsAreUnique(t *testing.T) {
	var list []news.Article
	for _, address := range []string{"?id=1", "?id=2", "", "/", "?id=1&p=2"} {
		a := article(len(list))
		a.URL = "https://www.example.org/yw/show" + address
		list = append(list, identified(a))
	}
	for range 2 { // without an address of its own: source, title and date
		a := article(len(list))
		a.URL, a.Source = "", "pages"
		list = append(list, identified(a))
	}
	eachFormat(t, withArticles(list...), func(t *testing.T, feed *gofeed.Feed) {
		seen := map[string]bool{}
		for _, it := range feed.Items {
			if it.GUID == "" || seen[it.GUID] {
				t.Errorf("the id %q comes twice", it.GUID)
			}
			seen[it.GUID] = true
		}
	})
}

func TestRequirement09TheSameDocumentIsTheSameOctets(t *testing.T) {
	for _, n := range []int{0, 3, 50} {
		for _, f := range Formats() {
			if first, second := render(t, document(n), f), render(t, document(n), f); !bytes.Equal(first, second) {
				t.Errorf("%s of %d: two builds differ", f, n)
			}
		}
	}
	d := document(3)
	before := d.Articles[0].Body + d.Articles[2].Title
	d.Articles[0].Title = "\x00"
	render(t, d, RSS)
	if d.Articles[0].Body+d.Articles[2].Title != before || d.Articles[0].Title != "\x00" {
		t.Error("rendering has changed the articles it was given")
	}
}

func TestRequirement09UpdatedIsOfTheContentNeverOfTheClock(t *testing.T) {
	edited, withdrawn := noon.Add(5*time.Hour), noon.Add(7*time.Hour)
	revised := document(3)
	revised.Articles[2].Updated = edited
	after := document(3)
	after.Withdrawn = []news.Article{{Withdrawn: withdrawn.Add(-time.Hour)}, {Withdrawn: withdrawn}}
	for name, c := range map[string]struct {
		d    Document
		want time.Time
	}{"empty": {document(0), time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)}, "newest": {document(3), noon}, "edited": {revised, edited}, "withdrawn": {after, withdrawn}} {
		t.Run(name, func(t *testing.T) {
			for _, f := range []Format{RSS, Atom} {
				if got := read(t, c.d, f).UpdatedParsed; got == nil || !got.Equal(c.want) {
					t.Errorf("%s: updated %v, want %v", f, got, c.want)
				}
			}
		})
	}
	eachFormat(t, revised, func(t *testing.T, feed *gofeed.Feed) {
		if got := feed.Items[2].PublishedParsed; !got.Equal(revised.Articles[2].Published) {
			t.Errorf("published moved with an edit: %v", got)
		}
	})
}

func TestRequirement10DatesAreApartAndHaveOffsets(t *testing.T) {
	d := document(5)
	day := time.Date(2026, 9, 28, 0, 0, 0, 0, shanghai)
	for i := range d.Articles { // as the store spreads what bears only a day, or shares a moment
		d.Articles[i].Published, d.Articles[i].Updated = day, day.Add(time.Duration(4-i)*time.Second)
	}
	d.Articles[0].Updated = d.Articles[1].Updated.Add(time.Millisecond)
	atom := parseXML(t, render(t, d, Atom))
	var updated, published, modified []string
	for _, e := range atom.all("entry") {
		updated, published = append(updated, e.texts("updated")...), append(published, e.texts("published")...)
	}
	for _, it := range parseJSON(t, render(t, d, JSON)).Items {
		modified = append(modified, it.Modified)
		published = append(published, it.Published)
	}
	want := []string{"2026-09-28T00:00:03.001+08:00", "2026-09-28T00:00:03+08:00", "2026-09-28T00:00:02+08:00", "2026-09-28T00:00:01+08:00", "2026-09-28T00:00:00+08:00"}
	if !slices.Equal(updated, want) || !slices.Equal(modified, want) {
		t.Errorf("updated  %v\nmodified %v\nwant     %v", updated, modified, want)
	}
	for _, p := range published {
		if p != "2026-09-28T00:00:00+08:00" {
			t.Errorf("published %s", p)
		}
	}
	rss := parseXML(t, render(t, d, RSS))
	for _, date := range append(rss.texts("pubDate"), rss.texts("lastBuildDate")...) {
		if _, err := time.Parse(time.RFC1123Z, date); err != nil || !strings.HasSuffix(date, " +0800") {
			t.Errorf("RSS date %q", date)
		}
	}
}

func TestRequirement12TheAuthorIsWhereReadersLook(t *testing.T) {
	byOrigin, byNobody := article(1), article(2)
	byOrigin.Author = ""
	byNobody.Author, byNobody.Origin = "", ""
	d := withArticles(article(0), byOrigin, byNobody)
	want := []string{"张三", "检察日报"}
	rss := parseXML(t, render(t, d, RSS))
	if got := rss.texts(dcNS + " creator"); !slices.Equal(got, want) {
		t.Errorf("dc:creator %v, want %v", got, want)
	}
	if got := rss.all("author"); len(got) != 0 {
		t.Errorf("RSS has author elements %v", got)
	}
	var authors []string
	atom := parseXML(t, render(t, d, Atom))
	for _, e := range atom.all("entry") {
		authors = append(authors, e.texts("name")...)
	}
	if !slices.Equal(authors, want) || atom.texts("name")[0] != "检讯" {
		t.Errorf("atom:author %v of the entries, %v of all", authors, atom.texts("name"))
	}
	got := parseJSON(t, render(t, d, JSON))
	for i, w := range append(want, "") {
		if by := got.Items[i].Authors; w == "" && len(by) != 0 || w != "" && (len(by) != 1 || by[0].Name != w) {
			t.Errorf("item %d is by %v, want %q", i, by, w)
		}
	}
}

func TestRequirement14BodiesAreCarriedAsIngestMadeThem(t *testing.T) {
	base := &url.URL{Scheme: "https", Host: "www.example.org", Path: "/yw/1.shtml"}
	clean, err := ingest.SanitizeHTML(`<p style="position:fixed" onclick="x()">正文 &lt;b&gt; &amp;amp; <a href="/a?b=1&amp;c=2">链接</a></p>
		<script>alert(1)</script><iframe src="x"></iframe><img src="../p.jpg" onerror="x()"><a href="javascript:x()">坏</a>`, base)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"script", "iframe", "onclick", "onerror", "style", `"/a`, "../"} {
		if strings.Contains(clean.Body, bad) {
			t.Fatalf("ingest left %q in %s", bad, clean.Body)
		}
	}
	a := article(0)
	a.Body, a.Text = clean.Body, clean.Text
	d := withArticles(a)
	rss, atom := parseXML(t, render(t, d, RSS)), parseXML(t, render(t, d, Atom))
	for name, got := range map[string][]string{
		"RSS": rss.texts(contentNS + " encoded"), "Atom": atom.texts("content"), "JSON": {parseJSON(t, render(t, d, JSON)).Items[0].ContentHTML},
	} {
		if !slices.Equal(got, []string{clean.Body}) {
			t.Errorf("%s: body %q, want %q", name, got, clean.Body)
		}
	}
	if kind := atom.all("content")[0].attr("type"); kind != "html" {
		t.Errorf("atom content is of type %q", kind)
	}
}

func TestRequirement14AFeedOfSummariesHasNoBodies(t *testing.T) {
	d := document(2)
	d.Full = false
	want := d.Articles[0].Text
	rss, atom, js := parseXML(t, render(t, d, RSS)), parseXML(t, render(t, d, Atom)), parseJSON(t, render(t, d, JSON))
	if n := len(rss.all(contentNS+" encoded")) + len(atom.all("content")); n != 0 || js.Items[0].ContentHTML != "" {
		t.Errorf("there are %d bodies, and %q", n, js.Items[0].ContentHTML)
	}
	if rss.all("item")[0].texts("description")[0] != want || atom.texts("summary")[0] != want || js.Items[0].ContentText != want {
		t.Errorf("the summary %q is not in every format", want)
	}
}

func TestRequirement15TitlesArePlainText(t *testing.T) {
	plain := []string{"AT&T 与 R&D", "a < b > c", "数据]]>之后", "<b>不是标记</b>", "&amp; 与 &lt;", `“引号”'与"`, "𠮷野家 😀"}
	var list []news.Article
	for i, title := range plain {
		a := article(i)
		a.Title = title
		list = append(list, a)
	}
	d := withArticles(list...)
	d.Title = "要闻 & <快讯>"
	eachFormat(t, d, func(t *testing.T, feed *gofeed.Feed) {
		for i, it := range feed.Items {
			if it.Title != plain[i] {
				t.Errorf("title %q, want %q", it.Title, plain[i])
			}
		}
		if feed.Title != d.Title {
			t.Errorf("the feed is called %q", feed.Title)
		}
	})
	if b := render(t, d, RSS); !bytes.Contains(b, []byte("<title>AT&#x26;T 与 R&#x26;D</title>")) {
		t.Error("RSS titles do not use the form that both kinds of reader show alike")
	}
}

// Ingest percent-encodes addresses; whatever else comes is encoded here.
func TestRequirement16ChineseAddressesArePercentEncoded(t *testing.T) {
	for given, want := range map[string]string{
		"https://www.example.org/检察/要闻.html?栏目=要闻 &b=1": "https://www.example.org/%E6%A3%80%E5%AF%9F/%E8%A6%81%E9%97%BB.html?%E6%A0%8F%E7%9B%AE=%E8%A6%81%E9%97%BB%20&b=1",
		"https://www.example.org/%E6%A3%80?a=%20&b=[1]": "https://www.example.org/%E6%A3%80?a=%20&b=[1]",
		"https://www.example.org/a\"<b>|{}^`\\\x00":     "https://www.example.org/a%22%3Cb%3E%7C%7B%7D%5E%60%5C%00",
	} {
		a := article(0)
		a.URL = given
		d := withArticles(a)
		d.Home, d.Self = given, func(Format) string { return given }
		eachFormat(t, d, func(t *testing.T, feed *gofeed.Feed) {
			if feed.Items[0].Link != want || feed.Link != want || feed.FeedLink != want {
				t.Errorf("links %q, %q, %q; want %q", feed.Items[0].Link, feed.Link, feed.FeedLink, want)
			}
		})
	}
}

func TestRequirement18FiftyHugeArticlesStayBelowFiveMillionOctets(t *testing.T) {
	huge := map[string]func(*news.Article){
		"text":           func(a *news.Article) { a.Body = strings.Repeat("检察", 30_000) },
		"quotes":         func(a *news.Article) { a.Body = strings.Repeat(`"`, 90_000) },
		"line feeds":     func(a *news.Article) { a.Body = strings.Repeat("\n", 90_000) },
		"ampersands":     func(a *news.Article) { a.Body = strings.Repeat("&", 120_000) },
		"one too large":  func(a *news.Article) { a.Body = strings.Repeat("<", 1_200_000) },
		"title":          func(a *news.Article) { a.Title = strings.Repeat("&\"<检", 20_000) },
		"summary":        func(a *news.Article) { a.Summary = strings.Repeat(`"&<>'`, 20_000) },
		"names":          func(a *news.Article) { a.Author, a.Column = strings.Repeat("<", 1e5), strings.Repeat("\"", 1e5) },
		"keywords":       func(a *news.Article) { a.Keywords = strings.Fields(strings.Repeat("&&&&&&&& ", 1e4)) },
		"images":         func(a *news.Article) { a.Images = manyImages(200) },
		"other keywords": func(a *news.Article) { a.Keywords = manyWords(2_000) },
	}
	for name, grow := range huge {
		t.Run(name, func(t *testing.T) {
			d := document(50)
			for i := range d.Articles {
				grow(&d.Articles[i])
			}
			for _, f := range Formats() {
				b := render(t, d, f)
				if len(b) >= 5_000_000 {
					t.Errorf("%s takes %d octets", f, len(b))
				}
				if got := count(b, f); got != 50 {
					t.Errorf("%s holds %d articles, want 50", f, got)
				}
			}
		})
	}
}

func TestRequirement18NoAddressIsTooLong(t *testing.T) {
	d := document(50)
	for i := range d.Articles {
		d.Articles[i].URL += "?" + strings.Repeat("检", 8_000)
	}
	held := map[int]bool{}
	for _, f := range Formats() {
		b := render(t, d, f)
		n := count(b, f)
		if held[n] = true; len(b) >= 5_000_000 || n == 0 || len(held) != 1 {
			t.Errorf("%s takes %d octets and holds %d articles", f, len(b), n)
		}
	}
}

func manyImages(n int) []news.Image {
	images := make([]news.Image, n)
	for i := range images {
		images[i] = news.Image{URL: fmt.Sprintf("https://www.example.org/%d/%s.jpg", i, strings.Repeat("检", 600)), Alt: strings.Repeat("<", 500)}
	}
	return images
}

func manyWords(n int) []string {
	words := make([]string, n)
	for i := range words {
		words[i] = fmt.Sprint("\"<&>\"", i)
	}
	return words
}

// count is the number of articles, found by what no text can hold unescaped:
// parsing megabytes would take most of the test's time.
func count(b []byte, f Format) int {
	mark := map[Format]string{RSS: "\n    <item>\n", Atom: "\n  <entry>\n", JSON: "\n      \"id\": "}[f]
	return bytes.Count(b, []byte(mark))
}
