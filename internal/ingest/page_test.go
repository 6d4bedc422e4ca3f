package ingest

import (
	"encoding/json"
	"flag"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"jianxun/internal/news"
)

var update = flag.Bool("update", false, "write the golden files anew")

func beijing() *time.Location { return time.FixedZone("+08:00", 8*60*60) }

// golden is how a parsed page is kept, so that a change of it can be read.
type golden struct {
	URL       string       `json:"url"`
	Title     string       `json:"title"`
	Column    string       `json:"column"`
	Author    string       `json:"author"`
	Origin    string       `json:"origin"`
	Published string       `json:"published"`
	DateOnly  bool         `json:"date_only"`
	Summary   string       `json:"summary"`
	Keywords  []string     `json:"keywords"`
	Images    []news.Image `json:"images"`
	Text      []string     `json:"text"`
	Body      []string     `json:"body"`
}

func goldenOf(a news.Article) golden {
	return golden{a.URL, a.Title, a.Column, a.Author, a.Origin, a.Published.Format(time.RFC3339), a.DateOnly,
		a.Summary, a.Keywords, a.Images, strings.Split(a.Text, "\n"), strings.Split(a.Body, "\n")}
}

func TestParsePageOfEachPlatform(t *testing.T) {
	for name, address := range map[string]string{
		"jcy":           "http://www.yunhe.example/jwgk/gggs/201503/t20150310_1586231.shtml", // not the day shown
		"spp":           "https://www.yunhe.example/zdgz/202206/t20220608_559431.shtml",
		"hnjsjcy":       "http://www.yancheng.example/zhdt/tzgg/71.html",
		"ecdomain":      "http://10.20.1.5/ecdomain/framework/baishi/detail.jsp?infoid=77&jsessionid=AB12",
		"trs":           "https://www.yunhe.example/jcyw/202304/t20230407_1.html",
		"trs_paper":     "https://www.yunhe.example/jcyw/202405/t20240530_2.html?utm_source=wx#top",
		"jpaas":         "", // it names its own address
		"jpaas_markers": "http://www.beiyuan.example/art/2022/2/15/art_3_9.html",
		"vsb":           "http://www.nanling.example/info/1021/3003.htm",
		"meta":          "https://www.xichuan.example/news/5.html",
	} {
		t.Run(name, func(t *testing.T) {
			doc, err := os.ReadFile(filepath.Join("testdata", name+".html"))
			if err != nil {
				t.Fatal(err)
			}
			var base *url.URL
			if address != "" {
				base = mustURL(t, address)
			}
			a, err := ParsePage(string(doc), base, beijing())
			if err != nil {
				t.Fatal(err)
			}
			compareGolden(t, name, goldenOf(a))
		})
	}
}

func compareGolden(t *testing.T, name string, got any) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(got); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// around puts head and body into a page; the body's container is known.
func around(title, above, body string) string {
	return "<html><head><title>" + title + "</title></head><body>" + above + `<div id="zoom">` + body + "</div></body></html>"
}

func TestParsePageChoosesTheTitle(t *testing.T) {
	const dated = "<div>时间：2021-09-26</div>"
	for name, tc := range map[string]struct{ doc, want string }{
		"a heading":                          {around("题目一号-云河检察", "<h1>题目一号</h1>"+dated, "文"), "题目一号"},
		"the site's name is a heading too":   {around(`题目一号_云河省人民检察院</title><meta name=SiteName content="云河省人民检察院"><title>`, "<h1>云河省人民检察院</h1><p>题目一号</p>"+dated, "文"), "题目一号"},
		"the line above the labelled one":    {around("云河检察网", "<p>题目一号</p>"+dated, "文"), "题目一号"},
		"the document's title, site removed": {around("题目一号题目一号|要闻|云河检察", dated, "文"), "题目一号题目一号"},
		"spaces of the heading do not count": {around("题目 一号-云河", "<h2>题目一号</h2>"+dated, "文"), "题目一号"},
	} {
		if a, err := ParsePage(tc.doc, nil, beijing()); err != nil || a.Title != tc.want {
			t.Errorf("%s: got %q, %v; want %q", name, a.Title, err, tc.want)
		}
	}
}

func TestParsePageChoosesTheDate(t *testing.T) {
	for name, tc := range map[string]struct{ doc, want string }{
		"not today's date in the banner":   {around("题", "<div>2026年1月1日 星期四</div><h1>题</h1><div>发布时间：2021-09-26 来源：云河</div>", "文"), "2021-09-26"},
		"a bare date when there is none":   {around("题", "<h1>题</h1><div>2021-09-26</div>", "文"), "2021-09-26"},
		"the meta tag before the line":     {around("题", "<meta name=pubdate content=2021-09-25><h1>题</h1><div>时间：2021-09-26</div>", "文"), "2021-09-25"},
		"the line when the tag is no date": {around("题", "<meta name=PubDate content=未知><h1>题</h1><div>时间：2021-09-26</div>", "文"), "2021-09-26"},
	} {
		if a, err := ParsePage(tc.doc, nil, beijing()); err != nil || a.Published.Format(time.DateOnly) != tc.want {
			t.Errorf("%s: got %s, %v; want %s", name, a.Published, err, tc.want)
		}
	}
}

func TestParsePageKnowsItsOwnAddress(t *testing.T) {
	doc := strings.Replace(around("题", "<h1>题</h1><p>时间：2021-09-26</p>", `<a href="2.html">二</a>文`), "<head>",
		`<head><link rel="canonical" href="HTTPS://www.yunhe.example/a/1.html?utm_source=x">`, 1)
	a, err := ParsePage(doc, nil, beijing())
	if err != nil || a.URL != "https://www.yunhe.example/a/1.html" || !strings.Contains(a.Body, `"https://www.yunhe.example/a/2.html"`) {
		t.Errorf("got %q, %q, %v", a.URL, a.Body, err)
	}
	a, err = ParsePage(doc, mustURL(t, "http://10.0.0.1/b/1.html"), beijing())
	if err != nil || a.URL != "http://10.0.0.1/b/1.html" {
		t.Errorf("as fetched: got %q, %v", a.URL, err)
	}
}

func TestParsePageTakesTheSurestContainerThatHoldsSomething(t *testing.T) {
	doc := `<html><title>题</title><h1>题</h1><p>时间：2021-09-26</p><div id="fontzoom"><style>p{}</style><p>&nbsp;</p></div>` +
		`<div class="article-content other">别处</div><div class="x TRS_Editor">正文</div></html>`
	if a, err := ParsePage(doc, nil, beijing()); err != nil || a.Text != "正文" {
		t.Errorf("got %q, %v", a.Text, err)
	}
}

func TestParsePageSaysWhatIsMissing(t *testing.T) {
	for doc, reason := range map[string]string{
		"": "no date",
		around("题", "<h1>题</h1>", "没有日期"):                          "no date",
		around("", "<p>时间：2021-09-26</p>", "没有标题"):                 "no title",
		around("题", "<h1>题</h1><p>时间：2021-09-26</p>", ""):          "no text",
		around("题", "<h1>题</h1><p>时间：2021-09-26</p>", "<p>打印</p>"): "no text",
		strings.Repeat("<div>", 10000):                             "not readable",
	} {
		if _, err := ParsePage(doc, nil, beijing()); news.CodeOf(err) != news.Invalid || !strings.Contains(err.Error(), reason) {
			t.Errorf("%.80q: %v, want %q", doc, err, reason)
		}
	}
}

func FuzzParsePage(f *testing.F) {
	files, err := filepath.Glob("testdata/*.html")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		doc, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(doc))
	}
	f.Add(`<title>题</title><p>时间：2021-09-26<table><tr><td>正文<!--content.begin--><p>　　甲&#x202e;`)
	f.Fuzz(func(t *testing.T, doc string) {
		a, err := ParsePage(doc, nil, beijing())
		if err != nil {
			return
		}
		if a.Title == "" || a.Published.IsZero() || a.Text == "" && len(a.Images) == 0 {
			t.Errorf("%q is taken but lacks something: %+v", doc, a)
		}
		checkClean(t, a)
	})
}

// TestHeadWithinTheContainer: some templates put title, labels and text into
// one container.
func TestHeadWithinTheContainer(t *testing.T) {
	a, err := ParsePage(`<html><head><title>戊院开展走访_戊院网</title></head><body><div id="zoom"><h1>戊院开展走访</h1>
<p>时间：2026-05-06  来源：戊院 【字号：大 中 小】</p><p>　　戊院检察官走进社区。</p></div></body></html>`, nil, beijing())
	if err != nil {
		t.Fatal(err)
	}
	if a.Title != "戊院开展走访" || a.Origin != "戊院" || a.Text != "戊院检察官走进社区。" || a.Published.Format("2006-01-02") != "2026-05-06" {
		t.Errorf("%+v", a)
	}
}
