package ingest

import (
	"net/http"
	"net/url"
	"reflect"
	"testing"
	"time"

	"jianxun/internal/news"
)

func TestEnclosuresOfAnUpstreamFeedAreImages(t *testing.T) {
	const doc = `<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/"><channel><title>省院</title><item>
		<title>走访</title><link>https://www.example.org/1.html</link><pubDate>Mon, 28 Sep 2026 09:00:00 +0800</pubDate>
		<description>&lt;p&gt;文&lt;img src="https://www.example.org/b.jpg"&gt;&lt;/p&gt;</description>
		<enclosure url="https://www.example.org/a.jpg" length="2048" type="image/jpeg"/>
		<media:content url="https://www.example.org/b.jpg" type="image/jpeg" fileSize="77"/>
		<media:content url="https://www.example.org/c.mp4" type="video/mp4" fileSize="77"/>
		<media:content url="https://www.example.org/d.jpg" type="image/jpeg"/>
	</item></channel></rss>`
	base, err := url.Parse("https://www.example.org/rss.xml")
	if err != nil {
		t.Fatal(err)
	}
	list, _, err := ParseFeed(doc, base, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	want := []news.Image{{URL: "https://www.example.org/a.jpg", Type: "image/jpeg", Length: 2048}, {URL: "https://www.example.org/b.jpg", Type: "image/jpeg", Length: 77}}
	if !reflect.DeepEqual(list[0].Images, want) {
		t.Errorf("images %+v, want %+v", list[0].Images, want)
	}
}

func TestMeasureAsksWithoutFetching(t *testing.T) {
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodHead {
			t.Errorf("asked with %s", r.Method)
		}
		switch r.URL.Path {
		case "/p.jpg":
			w.Header().Set("Content-Type", "image/jpeg")
			w.Header().Set("Content-Length", "2048")
		case "/page":
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("Content-Length", "2048")
		case "/endless.jpg":
			w.Header().Set("Content-Type", "image/jpeg")
		case "/busy.jpg":
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	})
	in, allow := New(Options{}), []string{"127.0.0.0/8"}
	got, err := in.Measure(t.Context(), address+"/p.jpg", allow)
	if want := (news.Image{URL: address + "/p.jpg", Type: "image/jpeg", Length: 2048}); err != nil || got != want {
		t.Errorf("measured %+v, %v", got, err)
	}
	for path, want := range map[string]news.ErrorCode{"/page": news.Invalid, "/endless.jpg": news.Invalid, "/none.jpg": news.Invalid, "/busy.jpg": news.Unavailable} {
		if _, err := in.Measure(t.Context(), address+path, allow); news.CodeOf(err) != want {
			t.Errorf("%s: %v, want %s", path, err, want)
		}
	}
	if _, err := in.Measure(t.Context(), address+"/p.jpg", nil); !isRefused(err) {
		t.Errorf("a private address: %v", err)
	}
}
