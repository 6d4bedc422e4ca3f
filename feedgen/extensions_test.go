package feedgen

import (
	"slices"
	"testing"
	"time"

	"github.com/mmcdole/gofeed"

	"jianxun/internal/news"
)

const (
	mediaNS   = "http://search.yahoo.com/mrss/"
	historyNS = "http://purl.org/syndication/history/1.0"
	deletedNS = "http://purl.org/atompub/tombstones/1.0"
)

func TestRequirement13TheSourceIsCredited(t *testing.T) {
	d := document(2)
	d.Source = func(a news.Article) Source {
		if a.ID == d.Articles[1].ID {
			return Source{Title: "无处可寻"}
		}
		return Source{Title: "检察日报 & <网>", URL: "https://www.example.org/检.xml", Feed: true}
	}
	items := parseXML(t, render(t, d, RSS)).all("item")
	if s := items[0].all("source"); len(s) != 1 || s[0].Text != "检察日报 & <网>" || s[0].attr("url") != "https://www.example.org/%E6%A3%80.xml" {
		t.Errorf("RSS credits %+v", s)
	}
	entries := parseXML(t, render(t, d, Atom)).all("entry")
	s := entries[0].all("source")
	if len(s) != 1 || s[0].texts("title")[0] != "检察日报 & <网>" || s[0].texts("id")[0] != "https://www.example.org/%E6%A3%80.xml" || s[0].all("link")[0].attr("rel") != "self" {
		t.Errorf("Atom credits %+v", s)
	}
	if len(items[1].all("source")) > 0 || len(entries[1].all("source")) > 0 {
		t.Error("a source without an address is credited")
	}
}

func TestRequirement17OneCompleteEnclosureAndAllImagesAsMedia(t *testing.T) {
	d := document(2)
	d.Articles[0].Images = []news.Image{
		{URL: "https://www.example.org/a.jpg"},                                  // its length is not known
		{URL: "https://www.example.org/b.png?x=1", Alt: "图 & 说明", Length: 2048}, // its type is plain to see
		{URL: "https://www.example.org/c", Type: "image/webp", Length: 1},       // one enclosure is enough
		{URL: "https://www.example.org/a.jpg"},                                  // seen
		{URL: "data:image/png;base64,AAAA", Type: "image/png", Length: 4},       // not to be fetched
		{URL: "https://www.example.org/d.mp4", Type: "video/mp4", Length: 4096}, // no image by its type
	}
	wantMedia := []string{"https://www.example.org/a.jpg", "https://www.example.org/b.png?x=1", "https://www.example.org/c", "https://www.example.org/d.mp4"}
	for f, name := range map[Format]string{RSS: "item", Atom: "entry"} {
		for i, item := range parseXML(t, render(t, d, f)).all(name) {
			var enclosures []element
			for _, l := range append(item.all("enclosure"), item.all("link")...) {
				if l.XMLName.Local == "enclosure" || l.attr("rel") == "enclosure" {
					enclosures = append(enclosures, l)
				}
			}
			var media []string
			for _, m := range item.all(mediaNS + " content") {
				media = append(media, m.attr("url"))
			}
			if i == 1 {
				if len(enclosures)+len(media) > 0 {
					t.Errorf("%s: an article without images has %v, %v", f, enclosures, media)
				}
				continue
			}
			if !slices.Equal(media, wantMedia) {
				t.Errorf("%s: media %q, want %q", f, media, wantMedia)
			}
			if len(enclosures) != 1 || enclosures[0].attr("length") != "2048" || enclosures[0].attr("type") != "image/png" {
				t.Errorf("%s: enclosures %+v", f, enclosures)
			}
		}
	}
	eachFormat(t, d, func(t *testing.T, feed *gofeed.Feed) {
		if len(feed.Items[1].Enclosures) > 0 {
			t.Errorf("%+v", feed.Items[1].Enclosures)
		}
		if all := feed.Items[0].Enclosures; !slices.ContainsFunc(all, func(e *gofeed.Enclosure) bool { return e.URL == wantMedia[1] && e.Type == "image/png" }) {
			t.Errorf("%+v", all)
		}
	})
}

func TestRequirement19DocumentsNameTheirNeighbours(t *testing.T) {
	at := func(name string) func(Format) string {
		return func(f Format) string { return "https://news.example.org/feeds/yaowen/" + name + "." + string(f) }
	}
	subscription, archive := document(1), document(1)
	subscription.Chain.Prev = at("archive/2")
	archive.Chain = Chain{Archive: true, Current: at("current"), Prev: at("archive/1"), Next: at("archive/3")}
	for _, c := range []struct {
		d    Document
		want map[string]string
	}{
		{document(1), map[string]string{}},
		{subscription, map[string]string{"prev-archive": "archive/2"}},
		{archive, map[string]string{"prev-archive": "archive/1", "next-archive": "archive/3", "current": "current"}},
	} {
		for f, space := range map[Format]string{RSS: atomNS + " ", Atom: ""} {
			root := parseXML(t, render(t, c.d, f))
			for _, rel := range []string{"current", "prev-archive", "next-archive"} {
				want := ""
				if c.want[rel] != "" {
					want = at(c.want[rel])(f)
				}
				got := ""
				for _, l := range root.all(space + "link") {
					if l.attr("rel") == rel {
						got = l.attr("href")
					}
				}
				if got != want {
					t.Errorf("%s: %s is %q, want %q", f, rel, got, want)
				}
			}
			if marked := len(root.all(historyNS+" archive")) == 1; marked != c.d.Chain.Archive {
				t.Errorf("%s: marked as an archive: %t", f, marked)
			}
		}
	}
	if got := parseJSON(t, render(t, subscription, JSON)).NextURL; got != at("archive/2")(JSON) {
		t.Errorf("JSON goes on at %q", got)
	}
}

func TestRequirement20WithdrawalsAreToldWhereAskedFor(t *testing.T) {
	d := document(1)
	gone := article(7)
	gone.Withdrawn = noon.Add(90 * time.Minute).UTC()
	d.Withdrawn = []news.Article{gone}
	if list := parseXML(t, render(t, d, Atom)).all(deletedNS + " deleted-entry"); len(list) > 0 {
		t.Errorf("told without being asked: %+v", list)
	}
	d.Tombstones = true
	list := parseXML(t, render(t, d, Atom)).all(deletedNS + " deleted-entry")
	if len(list) != 1 || list[0].attr("ref") != "urn:uuid:"+gone.ID || list[0].attr("when") != "2026-09-28T13:30:00+08:00" {
		t.Errorf("told: %+v", list)
	}
}

func TestRequirement29DocumentsNameTheirHubs(t *testing.T) {
	d := document(1)
	d.Hubs = []string{"https://hub.example.net/", "https://news.example.org/hub"}
	for f, space := range map[Format]string{RSS: atomNS + " ", Atom: ""} {
		var hubs []string
		for _, l := range parseXML(t, render(t, d, f)).all(space + "link") {
			if l.attr("rel") == "hub" {
				hubs = append(hubs, l.attr("href"))
			}
		}
		if !slices.Equal(hubs, d.Hubs) {
			t.Errorf("%s: hubs %q", f, hubs)
		}
	}
	if got := parseJSON(t, render(t, d, JSON)).Hubs; len(got) != 2 || got[0]["type"] != "WebSub" || got[1]["url"] != d.Hubs[1] {
		t.Errorf("JSON: hubs %v", got)
	}
}
