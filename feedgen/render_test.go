package feedgen

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/mmcdole/gofeed"

	"jianxun/internal/news"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The golden files are a small feed in the three formats: an ordinary article,
// one with hardly anything, one of a day, edited since, with marks in its title.
func TestGolden(t *testing.T) {
	bare := identified(news.Article{URL: "https://www.example.org/bare", Content: news.Content{Title: "只有标题"}, Published: noon.Add(-time.Hour), Updated: noon.Add(-time.Hour)})
	day := article(2)
	day.Published, day.DateOnly, day.Updated = noon.Truncate(24*time.Hour).Add(-8*time.Hour), true, noon.Add(1500*time.Millisecond)
	day.Title, day.Keywords = "A & B < C ]]> “引号”", []string{"公益诉讼", "未成年人", "公益诉讼"}
	pictured := article(0)
	pictured.Images = []news.Image{{URL: "https://www.example.org/图.jpg", Alt: "走访现场", Type: "image/jpeg", Length: 20480}, {URL: "https://www.example.org/2.png"}}
	d := withArticles(pictured, bare, day)
	d.Source = func(a news.Article) Source { return Source{Title: a.Origin, URL: "https://www.example.org/"} }
	d.Hubs = []string{"https://hub.example.net/"}
	d.Chain.Prev = func(f Format) string { return "https://news.example.org/feeds/yaowen/archive/7." + string(f) }
	for _, f := range Formats() {
		t.Run(string(f), func(t *testing.T) {
			path := filepath.Join("testdata", "feed."+string(f))
			got := render(t, d, f)
			if *update {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%v; it differs from %s:\n%s", err, path, got)
			}
		})
	}
}

// Whoever changes from one format to another must find the same feed.
func TestTheFormatsTellTheSame(t *testing.T) {
	d := document(10)
	for i := range d.Articles {
		d.Articles[i].Updated = d.Articles[i].Updated.Add(time.Duration(i) * time.Minute)
	}
	eachFormat(t, d, func(t *testing.T, feed *gofeed.Feed) {
		if feed.Title != d.Title || feed.Description != d.Description || len(feed.Items) != len(d.Articles) {
			t.Fatalf("feed %q, %q with %d items", feed.Title, feed.Description, len(feed.Items))
		}
		for i, it := range feed.Items {
			a := d.Articles[i]
			if it.GUID != "urn:uuid:"+a.ID || it.Title != a.Title || it.Link != a.URL || it.Content != a.Body || it.Description != a.Text {
				t.Errorf("item %d is %+v", i, it)
			}
			if !it.PublishedParsed.Equal(a.Published) || it.UpdatedParsed != nil && !it.UpdatedParsed.Equal(a.Updated) {
				t.Errorf("item %d: published %v, updated %v", i, it.PublishedParsed, it.UpdatedParsed)
			}
			if len(it.Authors) != 1 || it.Authors[0].Name != a.Author {
				t.Errorf("item %d is by %+v", i, it.Authors)
			}
			if !slices.Equal(it.Categories, []string{"检察要闻", "公益诉讼"}) {
				t.Errorf("item %d has the categories %v", i, it.Categories)
			}
		}
	})
}

func TestAnUnknownFormatIsRefused(t *testing.T) {
	if b, err := Render(document(1), "html"); err == nil {
		t.Errorf("rendered %s", b)
	}
}

func TestRequirement04OPMLIsAListForReaders(t *testing.T) {
	list := []Outline{
		{Title: "检察要闻 & <全部>", Feed: "https://news.example.org/feeds/all.atom", Home: "https://news.example.org/feeds/all"},
		{Title: "\x00坏\uFFFF", Feed: "https://news.example.org/feeds/b.atom", Home: "https://news.example.org/feeds/b"},
	}
	b, err := OPML("检讯 \x0c]]>", list)
	if err != nil {
		t.Fatal(err)
	}
	wellFormed(t, b)
	root := parseXML(t, b)
	if root.XMLName.Local != "opml" || root.attr("version") != "2.0" || !slices.Equal(root.texts("title"), []string{"检讯 ]]>"}) {
		t.Errorf("OPML %s", b)
	}
	outlines := root.all("outline")
	for i, want := range []string{"检察要闻 & ‹全部›", "坏"} {
		o := outlines[i]
		if o.attr("text") != want || o.attr("title") != want || o.attr("type") != "rss" || o.attr("xmlUrl") != list[i].Feed || o.attr("htmlUrl") != list[i].Home {
			t.Errorf("outline %d is %+v", i, o)
		}
	}
	empty, err := OPML("", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := parseXML(t, empty); len(got.all("body")) != 1 {
		t.Errorf("an empty list lacks its body: %s", empty)
	}
}

func BenchmarkRender(b *testing.B) {
	d := document(50)
	for _, f := range Formats() {
		b.Run(string(f), func(b *testing.B) {
			for b.Loop() {
				render(b, d, f)
			}
		})
	}
}
