//go:build interop

package e2e

import (
	"encoding/json"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mmcdole/gofeed"
)

// python runs a script with Debian's interpreter, which has its feedparser, and
// decodes what it prints.
func python(t *testing.T, into any, script string, args ...string) {
	t.Helper()
	const interpreter = "/usr/bin/python3"
	if err := exec.Command(interpreter, "-c", "import feedparser").Run(); err != nil {
		tool(t, "python3-feedparser") // fails, or names what is missing
	}
	out := command(t, "", interpreter, append([]string{"-c", script}, args...)...)
	if err := json.Unmarshal([]byte(out), into); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// parsed is what feedparser says of a feed.
type parsed struct {
	Bozo     bool
	Status   int
	Address  string
	Tag, IM  string
	Articles []seen
}

const parseScript = `
import calendar, feedparser, json, sys
f = feedparser.parse(sys.argv[1], etag=sys.argv[2], agent=sys.argv[3])
print(json.dumps({"Bozo": bool(f.bozo), "Status": f.status, "Address": f.href, "Tag": f.get("etag"), "IM": f.headers.get("im"),
  "Articles": [{"ID": e.id, "Title": e.title, "Link": e.link, "Date": calendar.timegm(e.published_parsed), "Tags": "|".join(t.term for t in e.tags)} for e in f.entries]}))
`

// feedparse reads a feed with feedparser, which says A-IM: feed each time. tag is
// of an earlier reading, or empty; agent is the program that it reads for, or
// empty for its own name.
func feedparse(t *testing.T, address, tag, agent string) parsed {
	t.Helper()
	var p struct {
		parsed
		Articles []struct {
			seen
			Date int64
		}
	}
	python(t, &p, parseScript, address, tag, agent)
	for _, e := range p.Articles {
		e.seen.Date = utc(time.Unix(e.Date, 0))
		p.parsed.Articles = append(p.parsed.Articles, e.seen)
	}
	return p.parsed
}

func readWithFeedparser(t *testing.T, address string) []seen {
	t.Helper()
	p := feedparse(t, address, "", "")
	if p.Bozo || p.Status != 200 {
		t.Errorf("feedparser: bozo %v, status %d", p.Bozo, p.Status)
	}
	return p.Articles
}

// readWithSfeed reads sfeed's columns: time, title, link, content, its type,
// id, author, enclosure, categories.
func readWithSfeed(t *testing.T, address string) []seen {
	t.Helper()
	program := tool(t, "sfeed")
	_, body := get(t, address)
	var all []seen
	for line := range strings.Lines(command(t, body, program)) {
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		at, err := strconv.ParseInt(f[0], 10, 64)
		if err != nil || len(f) != 9 {
			t.Fatalf("%v: %q", err, line)
		}
		all = append(all, seen{ID: f[5], Title: f[1], Link: f[2], Date: utc(time.Unix(at, 0)), Tags: f[8]})
	}
	return all
}

func readWithGofeed(t *testing.T, address string) []seen {
	t.Helper()
	_, body := get(t, address)
	feed, err := gofeed.NewParser().ParseString(body)
	if err != nil {
		t.Fatal(err)
	}
	var all []seen
	for _, it := range feed.Items {
		if it.PublishedParsed == nil {
			t.Fatalf("%s has no date", it.GUID)
		}
		all = append(all, seen{ID: it.GUID, Title: it.Title, Link: it.Link, Date: utc(*it.PublishedParsed), Tags: strings.Join(it.Categories, "|")})
	}
	return all
}
