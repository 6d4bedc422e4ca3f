package web

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"regexp"
	"testing"

	"jianxun/feedgen"
)

// told is what a feed document says, in whichever format it says it.
type told struct {
	id, updated               string // of Atom
	self, current, prev, next string // prev is JSON Feed's next_url
	archive                   bool
	hubs, items, titles       []string
	changed                   map[string]string // by item: updated, not of RSS
	deleted                   map[string]string // by item: when
	sources                   []credit
}

// credit is the publication that an item is said to come from. Feed is the
// address of its feed, Home that of its site.
type credit struct{ Title, Feed, Home string }

// xmlFeed is an Atom feed or the channel of RSS.
type xmlFeed struct {
	ID      string     `xml:"http://www.w3.org/2005/Atom id"`
	Updated string     `xml:"http://www.w3.org/2005/Atom updated"`
	Links   []xmlLink  `xml:"http://www.w3.org/2005/Atom link"`
	Archive []struct{} `xml:"http://purl.org/syndication/history/1.0 archive"`
	Deleted []struct {
		Ref  string `xml:"ref,attr"`
		When string `xml:"when,attr"`
	} `xml:"http://purl.org/atompub/tombstones/1.0 deleted-entry"`
	Entries []struct {
		ID      string      `xml:"http://www.w3.org/2005/Atom id"`
		Title   string      `xml:"http://www.w3.org/2005/Atom title"`
		Updated string      `xml:"http://www.w3.org/2005/Atom updated"`
		Source  []xmlSource `xml:"http://www.w3.org/2005/Atom source"`
	} `xml:"http://www.w3.org/2005/Atom entry"`
	Items []struct {
		ID     string `xml:"guid"`
		Title  string `xml:"title"`
		Source []struct {
			URL   string `xml:"url,attr"`
			Title string `xml:",chardata"`
		} `xml:"source"`
	} `xml:"item"`
}

type xmlLink struct {
	Rel  string `xml:"rel,attr"`
	Href string `xml:"href,attr"`
}

type xmlSource struct {
	Title string  `xml:"http://www.w3.org/2005/Atom title"`
	Link  xmlLink `xml:"http://www.w3.org/2005/Atom link"`
}

// read expects a feed document at the address.
func (s *site) read(target string, fields ...string) told {
	s.t.Helper()
	r := s.get(target, fields...)
	wantStatus(s.t, r, http.StatusOK)
	return parse(s.t, r)
}

// parse reads the answer by its type. It must be well-formed.
func parse(t testing.TB, r *http.Response) told {
	t.Helper()
	b, kind := body(t, r), r.Header.Get("Content-Type")
	switch kind {
	case feedgen.JSON.ContentType():
		return parseJSON(t, b)
	case feedgen.RSS.ContentType():
		var root struct {
			Channel xmlFeed `xml:"channel"`
		}
		if err := xml.Unmarshal(b, &root); err != nil {
			t.Fatalf("%v in %s", err, b)
		}
		return root.Channel.told()
	case feedgen.Atom.ContentType():
		var root xmlFeed
		if err := xml.Unmarshal(b, &root); err != nil {
			t.Fatalf("%v in %s", err, b)
		}
		return root.told()
	}
	t.Fatalf("status %d, type %q: no feed", r.StatusCode, kind)
	return told{}
}

func (f xmlFeed) told() told {
	d := told{id: f.ID, updated: f.Updated, archive: len(f.Archive) == 1, changed: map[string]string{}, deleted: map[string]string{}}
	for _, l := range f.Links {
		switch l.Rel {
		case "self":
			d.self = l.Href
		case "current":
			d.current = l.Href
		case "prev-archive":
			d.prev = l.Href
		case "next-archive":
			d.next = l.Href
		case "hub":
			d.hubs = append(d.hubs, l.Href)
		}
	}
	for _, e := range f.Entries {
		d.items, d.titles, d.changed[e.ID] = append(d.items, e.ID), append(d.titles, e.Title), e.Updated
		for _, c := range e.Source {
			if c.Link.Rel == "self" {
				d.sources = append(d.sources, credit{Title: c.Title, Feed: c.Link.Href})
			} else {
				d.sources = append(d.sources, credit{Title: c.Title, Home: c.Link.Href})
			}
		}
	}
	for _, e := range f.Items {
		d.items, d.titles = append(d.items, e.ID), append(d.titles, e.Title)
		for _, c := range e.Source {
			d.sources = append(d.sources, credit{Title: c.Title, Feed: c.URL})
		}
	}
	for _, e := range f.Deleted {
		d.deleted[e.Ref] = e.When
	}
	return d
}

func parseJSON(t testing.TB, b []byte) told {
	t.Helper()
	var f struct {
		FeedURL string `json:"feed_url"`
		NextURL string `json:"next_url"`
		Hubs    []struct {
			URL string `json:"url"`
		} `json:"hubs"`
		Items []struct {
			ID       string `json:"id"`
			Title    string `json:"title"`
			Modified string `json:"date_modified"`
		} `json:"items"`
	}
	if err := json.Unmarshal(b, &f); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	d := told{self: f.FeedURL, prev: f.NextURL, changed: map[string]string{}}
	for _, h := range f.Hubs {
		d.hubs = append(d.hubs, h.URL)
	}
	for _, it := range f.Items {
		d.items, d.titles, d.changed[it.ID] = append(d.items, it.ID), append(d.titles, it.Title), it.Modified
	}
	return d
}

var linkValue = regexp.MustCompile(`<([^>]*)>; rel="([a-z-]+)"`)

// linked are the addresses of the header field Link (RFC 8288), by relation.
func linked(r *http.Response) map[string][]string {
	all := map[string][]string{}
	for _, field := range r.Header["Link"] {
		for _, m := range linkValue.FindAllStringSubmatch(field, -1) {
			all[m[2]] = append(all[m[2]], m[1])
		}
	}
	return all
}
