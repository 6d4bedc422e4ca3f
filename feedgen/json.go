package feedgen

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/gorilla/feeds"
)

// jsonFeed is the document of https://www.jsonfeed.org/version/1.1/. It shadows
// the fields of feeds.JSONFeed that are deprecated or left out when empty.
type jsonFeed struct {
	*feeds.JSONFeed
	Author  *struct{}    `json:"author,omitempty"`
	Authors []jsonAuthor `json:"authors,omitempty"`
	Items   []*jsonItem  `json:"items"`
}

type jsonItem struct {
	*feeds.JSONItem
	Author      *struct{}        `json:"author,omitempty"`
	Authors     []jsonAuthor     `json:"authors,omitempty"`
	Published   string           `json:"date_published"`
	Modified    string           `json:"date_modified"`
	Attachments []jsonAttachment `json:"attachments,omitempty"`
}

type jsonAuthor struct {
	Name string `json:"name"`
}

func (d Document) renderJSON() ([]byte, error) {
	base := (&feeds.JSON{Feed: d.base()}).JSONFeed()
	base.Version = "https://jsonfeed.org/version/1.1"
	base.Language, base.FeedUrl, base.HomePageUrl = d.Language, d.self(JSON), Encoded(d.Home)
	if d.Chain.Prev != nil {
		base.NextUrl = Encoded(d.Chain.Prev(JSON)) // next in reading: what is older
	}
	for _, h := range d.Hubs {
		base.Hubs = append(base.Hubs, &feeds.JSONHub{Type: "WebSub", Url: Encoded(h)})
	}
	feed := &jsonFeed{JSONFeed: base, Items: []*jsonItem{}, Authors: []jsonAuthor{{Name: d.Publisher}}}
	for i, a := range d.Articles {
		item := &jsonItem{
			JSONItem:    base.Items[i],
			Published:   a.Published.In(d.Zone).Format(time.RFC3339),
			Modified:    a.Updated.In(d.Zone).Format(rfc3339),
			Attachments: attachmentsOf(a),
		}
		item.Tags, item.Summary, item.ContentHTML, item.ContentText = tags(a), a.Summary, a.Body, ""
		if a.Body == "" { // one of the two must be there
			item.ContentText = a.Summary
		}
		if all := pictures(a); len(all) > 0 {
			item.Image = all[0].URL
		}
		if by := byline(a); by != "" {
			item.Authors = []jsonAuthor{{Name: by}}
		}
		feed.Items = append(feed.Items, item)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(feed)
	return b.Bytes(), err
}
