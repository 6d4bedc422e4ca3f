package feedgen

import (
	"path"
	"strconv"
	"strings"

	"jianxun/internal/news"
)

// mediaContent is an element of https://www.rssboard.org/media-rss.
type mediaContent struct {
	URL         string `xml:"url,attr"`
	Medium      string `xml:"medium,attr"`
	Type        string `xml:"type,attr,omitempty"`
	Size        int64  `xml:"fileSize,attr,omitempty"`
	Description string `xml:"media:description,omitempty"`
}

type rssEnclosure struct {
	URL    string `xml:"url,attr"`
	Length string `xml:"length,attr"`
	Type   string `xml:"type,attr"`
}

// jsonAttachment has the keys of the standard; gorilla's lacks size_in_bytes.
type jsonAttachment struct {
	URL   string `json:"url"`
	Type  string `json:"mime_type"`
	Title string `json:"title,omitempty"`
	Size  int64  `json:"size_in_bytes,omitempty"`
}

// pictures are the images of an article that a reader can load, each once, with
// their type where it is known or plain to see.
func pictures(a news.Article) []news.Image {
	var list []news.Image
	seen := map[string]bool{}
	for _, im := range a.Images {
		if im.URL = Encoded(im.URL); seen[im.URL] || !strings.HasPrefix(im.URL, "https://") && !strings.HasPrefix(im.URL, "http://") {
			continue
		}
		seen[im.URL] = true
		if !strings.HasPrefix(im.Type, "image/") {
			im.Type = imageType(im.URL)
		}
		im.Alt = clip(im.Alt, maxName)
		if list = append(list, im); len(list) == maxImages {
			break
		}
	}
	return list
}

func imageType(address string) string {
	address, _, _ = strings.Cut(address, "?")
	switch strings.ToLower(path.Ext(address)) {
	case ".jpg", ".jpeg":
		return "image/jpeg"
	case ".png":
		return "image/png"
	case ".gif":
		return "image/gif"
	case ".webp":
		return "image/webp"
	case ".bmp":
		return "image/bmp"
	case ".svg":
		return "image/svg+xml"
	}
	return ""
}

func mediaOf(a news.Article) []mediaContent {
	var list []mediaContent
	for _, im := range pictures(a) {
		list = append(list, mediaContent{URL: im.URL, Medium: "image", Type: im.Type, Size: im.Length, Description: im.Alt})
	}
	return list
}

// enclosureOf is the first image of which type and length are known: readers
// take one enclosure, and take it only when it is complete.
func enclosureOf(a news.Article) *rssEnclosure {
	for _, im := range pictures(a) {
		if im.Type != "" && im.Length > 0 {
			return &rssEnclosure{URL: im.URL, Length: strconv.FormatInt(im.Length, 10), Type: im.Type}
		}
	}
	return nil
}

func attachmentsOf(a news.Article) []jsonAttachment {
	var list []jsonAttachment
	for _, im := range pictures(a) {
		if im.Type != "" { // it must be there
			list = append(list, jsonAttachment{URL: im.URL, Type: im.Type, Title: im.Alt, Size: im.Length})
		}
	}
	return list
}
