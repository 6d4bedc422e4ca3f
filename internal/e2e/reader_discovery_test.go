//go:build interop

package e2e

import (
	"net/url"
	"testing"
)

// discovered is a page and the feeds that its head names.
type discovered struct {
	Status int
	Feeds  []struct {
		Address, Type, Title string
		Status, Items        int
		Served, Trouble      string
	}
}

const discoverScript = `
import feedparser, html.parser, json, sys, urllib.error, urllib.parse, urllib.request

class Head(html.parser.HTMLParser):
    feeds = []
    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        if tag == "link" and "alternate" in a.get("rel", "").split():
            self.feeds.append({"Address": urllib.parse.urljoin(sys.argv[1], a["href"]), "Type": a["type"], "Title": a["title"]})

try:
    page = urllib.request.urlopen(sys.argv[1])
except urllib.error.HTTPError as e:
    page = e
head = Head()
head.feed(page.read().decode())
for f in head.feeds:
    if f["Type"] == "application/feed+json":  # which this feedparser does not know
        got = urllib.request.urlopen(f["Address"])
        f["Status"], f["Served"], f["Items"] = got.status, got.headers.get_content_type(), len(json.load(got)["items"])
    else:
        got = feedparser.parse(f["Address"])
        f["Status"], f["Served"], f["Items"] = got.status, got.headers["content-type"].split(";")[0], len(got.entries)
        f["Trouble"] = str(got.bozo_exception) if got.bozo else ""
print(json.dumps({"Status": page.status, "Feeds": head.feeds}))
`

func discover(t *testing.T, address string) (d discovered) {
	t.Helper()
	python(t, &d, discoverScript, address)
	return d
}

// TestInteropRequirement30PagesLeadToTheirFeeds follows every feed that a page
// names, as browsers and readers do when they are given the page's address. The
// first is what the page itself is about, because most take the first.
func TestInteropRequirement30PagesLeadToTheirFeeds(t *testing.T) {
	s := newsroom(t)
	s.serve()
	word := "?q=" + url.QueryEscape("公益诉讼")
	pages := []struct {
		path   string
		status int
		first  string
	}{
		{"/", 200, "/feeds/all.rss"},
		{"/feeds/all", 200, "/feeds/all.rss"},
		{"/feeds/yaowen", 200, "/feeds/yaowen.rss"},
		{"/articles/" + s.live()[0].commandID(), 200, "/feeds/all.rss"},
		{"/issues/weekly", 200, "/feeds/all.rss"},
		{"/search" + word, 200, "/feeds/search.rss" + word},
		{"/nowhere", 404, "/feeds/all.rss"},
		{"/articles/00000000-0000-0000-0000-000000000000", 404, "/feeds/all.rss"},
	}
	for _, p := range pages {
		t.Run(p.path, func(t *testing.T) {
			found := discover(t, s.url(p.path))
			if found.Status != p.status {
				t.Errorf("status %d, want %d", found.Status, p.status)
			}
			types := map[string]bool{}
			for _, f := range found.Feeds {
				types[f.Type] = true
				if f.Trouble != "" || f.Status != 200 || f.Items == 0 || f.Served != f.Type || f.Title == "" {
					t.Errorf("%+v", f)
				}
			}
			if len(types) != 3 || found.Feeds[0].Address != s.url(p.first) {
				t.Errorf("it names %+v", found.Feeds)
			}
		})
	}
}
