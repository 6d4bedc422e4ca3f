package ingest

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"

	"jianxun/internal/news"
)

const rssFeed = `<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>
<title>云河检察</title><link>https://www.yunhe.example/</link><description>要闻</description>
<item><title>公益诉讼&amp;lt;护河&amp;gt;</title><link>/a/1.html?utm_source=rss</link><pubDate>Sun, 26 Sep 2021 08:30:15 CST</pubDate>
 <author>news@yunhe.example (吴三)</author><category>检察要闻</category><category>公益诉讼</category><dc:source>清源日报</dc:source>
 <description>&lt;b&gt;摘要&lt;/b&gt;</description>
 <content:encoded><![CDATA[<p>　　正文<img src="1.jpg" onerror="x()"><script>x()</script></p>]]></content:encoded></item>
<item><title>没有日期</title><link>/a/2.html</link><description>文</description></item>
<item><link>/a/3.html</link><pubDate>2021-09-26</pubDate><description>没有标题</description></item>
<item><title>没有网址</title><pubDate>2021-09-26</pubDate><description>文</description></item>
</channel></rss>`

const atomFeed = `<feed xmlns="http://www.w3.org/2005/Atom"><title>清源检察</title><id>urn:x</id><updated>2022-01-02T03:04:05Z</updated>
<entry><id>urn:1</id><title type="html">&lt;em&gt;检察&lt;/em&gt;开放日</title><link href="https://Qingyuan.example:443/1"/><updated>2022-01-02T03:04:05Z</updated>
<author><name>褚八</name></author><content type="html">&lt;p&gt;正文&lt;/p&gt;</content></entry>
<entry><id>urn:2</id><title>没有日期</title><link href="https://qingyuan.example/2"/></entry></feed>`

const jsonFeed = `{"version":"https://jsonfeed.org/version/1.1","title":"东港检察","items":[
{"id":"1","url":"https://donggang.example/1","title":"渔港检察站","date_published":"2023-09-12T15:20:00+08:00","content_html":"<p>正文</p>","authors":[{"name":"冯七"}],"tags":["检察要闻"]},
{"id":"2","url":"https://donggang.example/2","title":"没有日期","content_text":"文"}]}`

func TestParseFeedRSS(t *testing.T) {
	articles, refused := parseFeed(t, rssFeed)
	if len(articles) != 2 || len(refused) != 2 {
		t.Fatalf("got %d articles and %v", len(articles), refused)
	}
	a := articles[0]
	if a.Title != "公益诉讼<护河>" || a.URL != "https://www.yunhe.example/a/1.html" || a.Column != "检察要闻" || a.Origin != "清源日报" || a.Summary != "摘要" {
		t.Errorf("got %+v", a)
	}
	if a.Published.In(beijing()).Format(time.RFC3339) != "2021-09-26T08:30:15+08:00" || a.DateOnly {
		t.Errorf("published %s, date only %t", a.Published, a.DateOnly)
	}
	if want := "<p>正文<img src=\"https://www.yunhe.example/a/1.jpg\" alt=\"\"/></p>\n"; a.Body != want || a.Text != "正文" || len(a.Images) != 1 {
		t.Errorf("got %q, %q, %v", a.Body, a.Text, a.Images)
	}
	if len(a.Keywords) != 1 || a.Keywords[0] != "公益诉讼" || a.Author == "" {
		t.Errorf("keywords %v, author %q", a.Keywords, a.Author)
	}
	if b := articles[1]; b.URL != "" || b.Title != "没有网址" || b.Column != "云河检察" || !b.DateOnly {
		t.Errorf("an item without an address became %+v", b) // not the feed's own address: all such items would be one
	}
	for i, want := range []string{"no date", "no title"} {
		if !strings.Contains(refused[i].Error(), want) || news.CodeOf(refused[i].Reason) != news.Invalid {
			t.Errorf("refused %v, want %q", refused[i], want)
		}
	}
}

func TestParseFeedAtomAndJSON(t *testing.T) {
	for doc, want := range map[string]news.Article{
		atomFeed: {URL: "https://qingyuan.example/1", Published: time.Date(2022, 1, 2, 3, 4, 5, 0, time.UTC),
			Content: news.Content{Title: "检察开放日", Author: "褚八", Column: "清源检察", Origin: "清源检察", Body: "<p>正文</p>\n"}},
		jsonFeed: {URL: "https://donggang.example/1", Published: time.Date(2023, 9, 12, 7, 20, 0, 0, time.UTC),
			Content: news.Content{Title: "渔港检察站", Author: "冯七", Column: "检察要闻", Origin: "东港检察", Body: "<p>正文</p>\n"}},
	} {
		articles, refused := parseFeed(t, doc)
		if len(articles) != 1 || len(refused) != 1 || !strings.Contains(refused[0].Error(), "no date") {
			t.Fatalf("got %v and %v", articles, refused)
		}
		a := articles[0]
		if a.URL != want.URL || a.Title != want.Title || a.Author != want.Author || a.Column != want.Column || a.Origin != want.Origin || a.Body != want.Body || !a.Published.Equal(want.Published) {
			t.Errorf("got %+v\nwant %+v", a, want)
		}
	}
}

func TestParseFeedDecodedFromGBK(t *testing.T) {
	for _, declaration := range []string{`<?xml version="1.0" encoding="GBK"?>`, "\n<?xml version='1.0' encoding='gb2312'?>", "\ufeff" + `<?xml version="1.0" encoding="gb18030"?>`} {
		doc := strings.Replace(rssFeed, `<?xml version="1.0" encoding="UTF-8"?>`, declaration, 1)
		if !strings.HasPrefix(doc, "\ufeff") { // as a server gives it
			text, _, err := DecodeCharset([]byte(encoded(t, simplifiedchinese.GBK, doc)), "text/xml")
			if err != nil {
				t.Fatal(err)
			}
			doc = text
		}
		articles, _ := parseFeed(t, doc)
		if len(articles) != 2 || articles[0].Title != "公益诉讼<护河>" {
			t.Errorf("%q: got %+v", declaration, articles)
		}
	}
}

func TestParseFeedRefusesWhatIsNone(t *testing.T) {
	for _, doc := range []string{"", "<html><body>404</body></html>", "{}", "{", "<rss><channel><item>"} {
		articles, _, err := ParseFeed(doc, nil, beijing())
		if news.CodeOf(err) != news.Invalid || len(articles) > 0 {
			t.Errorf("%q: got %v, %v", doc, articles, err)
		}
	}
}

func parseFeed(t *testing.T, doc string) ([]news.Article, []Refusal) {
	t.Helper()
	articles, refused, err := ParseFeed(doc, mustURL(t, "https://www.yunhe.example/rss/all.xml"), beijing())
	if err != nil {
		t.Fatal(err)
	}
	return articles, refused
}

func FuzzParseFeed(f *testing.F) {
	f.Add(rssFeed)
	f.Add(atomFeed)
	f.Add(jsonFeed)
	f.Add(`<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"><item><title>甲</title></item></rdf:RDF>`)
	f.Fuzz(func(t *testing.T, doc string) {
		articles, _, err := ParseFeed(doc, nil, beijing())
		if err != nil && len(articles) > 0 {
			t.Errorf("articles beside the error %v", err)
		}
		for _, a := range articles {
			if a.Title == "" || a.Published.IsZero() {
				t.Errorf("%+v lacks something", a)
			}
			checkClean(t, a)
		}
	})
}
