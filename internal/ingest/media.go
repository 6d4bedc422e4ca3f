package ingest

import (
	"context"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/mmcdole/gofeed"

	"jianxun/internal/dial"
	"jianxun/internal/news"
)

// enclosed are the images that an upstream item gives with their type and
// length, besides those in its text.
func enclosed(item *gofeed.Item) []news.Image {
	var list []news.Image
	add := func(url, kind, length string) {
		if n, err := strconv.ParseInt(length, 10, 64); err == nil && n > 0 && strings.HasPrefix(kind, "image/") && url != "" {
			list = append(list, news.Image{URL: url, Type: kind, Length: n})
		}
	}
	for _, e := range item.Enclosures {
		add(e.URL, e.Type, e.Length)
	}
	for _, m := range item.Extensions["media"]["content"] {
		add(m.Attrs["url"], m.Attrs["type"], m.Attrs["fileSize"])
	}
	return list
}

// withEnclosed tells the images of a text what is known of them, and puts those
// in front that are not in it.
func withEnclosed(images, known []news.Image) []news.Image {
	var before []news.Image
next:
	for _, k := range known {
		for i := range images {
			if images[i].URL == k.URL {
				images[i].Type, images[i].Length = k.Type, k.Length
				continue next
			}
		}
		for _, b := range before {
			if b.URL == k.URL {
				continue next
			}
		}
		before = append(before, k)
	}
	return append(before, images...)
}

// measureTimeout is how long asking for the length of an image may take.
const measureTimeout = 15 * time.Second

// Measure asks for the type and the length of an image, without fetching it.
// Networks in allow may be private.
func (in *Ingester) Measure(ctx context.Context, address string, allow []string) (news.Image, error) {
	networks, err := prefixes(allow)
	if err != nil {
		return news.Image{}, err
	}
	client := dial.NewClient(dial.Options{Allow: networks, Timeout: measureTimeout, Redirects: maxRedirects})
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, address, nil)
	if err != nil {
		return news.Image{}, news.Errorf(news.Invalid, "%q is not an http or https address", address)
	}
	req.Header.Set("User-Agent", in.opt.Agent)
	req.Header.Set("Accept-Encoding", "identity") // the length is that of the image, not of the transfer
	resp, err := client.Do(req)
	if err != nil {
		return news.Image{}, news.Errorf(dial.Code(err), "%s did not answer: %w", address, err)
	}
	_ = resp.Body.Close() // HEAD has none
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch {
	case resp.StatusCode >= http.StatusInternalServerError || resp.StatusCode == http.StatusTooManyRequests:
		return news.Image{}, news.Errorf(news.Unavailable, "%s answered %s", address, resp.Status)
	case resp.StatusCode != http.StatusOK || err != nil || !strings.HasPrefix(kind, "image/") || resp.ContentLength <= 0:
		return news.Image{}, news.Errorf(news.Invalid, "%s is no image of a known length", address)
	}
	return news.Image{URL: address, Type: kind, Length: resp.ContentLength}, nil
}
