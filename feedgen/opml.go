package feedgen

import (
	"encoding/xml"
	"strings"

	"jianxun/internal/news"
)

// Outline is one feed in an OPML list.
type Outline struct{ Title, Feed, Home string }

type opml struct {
	XMLName  struct{}  `xml:"opml"`
	Version  string    `xml:"version,attr"`
	Title    string    `xml:"head>title"`
	Outlines []outline `xml:"body>outline"`
}

type outline struct {
	Text    string `xml:"text,attr"`
	Title   string `xml:"title,attr"`
	Type    string `xml:"type,attr"`
	XMLURL  string `xml:"xmlUrl,attr"`
	HTMLURL string `xml:"htmlUrl,attr"`
}

// OPML lists feeds for import into a reader, see http://opml.org/spec2.opml
// (subscription lists).
func OPML(title string, feeds []Outline) ([]byte, error) {
	// Readers may take a text for HTML, and validators do.
	plain := strings.NewReplacer("<", "‹", ">", "›")
	doc := opml{Version: "2.0", Title: news.OneLine(title)}
	for _, f := range feeds {
		t := plain.Replace(news.OneLine(f.Title))
		doc.Outlines = append(doc.Outlines, outline{Text: t, Title: t, Type: "rss", XMLURL: f.Feed, HTMLURL: f.Home})
	}
	b, err := xml.MarshalIndent(doc, "", "  ")
	return append([]byte(xml.Header), append(b, '\n')...), err
}
