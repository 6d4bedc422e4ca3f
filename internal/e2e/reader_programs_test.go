//go:build interop

package e2e

import (
	"fmt"
	"mime"
	"net/http"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// newsboat is that program with one feed: it removes duplicates over all the
// feeds of a cache.
type newsboat struct {
	t            *testing.T
	program, dir string
}

func newNewsboat(t *testing.T, address string) newsboat {
	t.Helper()
	n := newsboat{t: t, program: tool(t, "newsboat"), dir: t.TempDir()}
	write(t, n.dir+"/urls", address+"\n")
	write(t, n.dir+"/config", "")
	return n
}

func (n newsboat) run(args ...string) string {
	n.t.Helper()
	return command(n.t, "", n.program, append([]string{"-u", n.dir + "/urls", "-c", n.dir + "/cache.db", "-C", n.dir + "/config"}, args...)...)
}

func (n newsboat) reload() {
	n.t.Helper()
	n.run("-x", "reload")
}

// The order is the one in which newsboat itself takes articles from its cache.
const newsboatScript = `
import json, sqlite3, sys
rows = sqlite3.connect(sys.argv[1]).execute("SELECT guid, title, url, pubDate, unread FROM rss_item WHERE deleted = 0 ORDER BY pubDate DESC, id DESC")
print(json.dumps([dict(zip(["ID", "Title", "Link", "At", "Unread"], r)) for r in rows]))
`

// shows gives all articles, and the titles of those that are new to the reader.
func (n newsboat) shows() (all []seen, unread []string) {
	n.t.Helper()
	var rows []struct {
		seen
		At, Unread int64
	}
	python(n.t, &rows, newsboatScript, n.dir+"/cache.db")
	for _, r := range rows {
		r.Date = utc(time.Unix(r.At, 0))
		all = append(all, r.seen)
		if r.Unread != 0 {
			unread = append(unread, r.Title)
		}
	}
	return all, unread
}

// markRead marks everything as read.
func (n newsboat) markRead() {
	n.t.Helper()
	all, _ := n.shows()
	var ids strings.Builder
	for _, e := range all {
		ids.WriteString(e.ID + "\n")
	}
	write(n.t, n.dir+"/read", ids.String())
	n.run("-I", n.dir+"/read")
}

func readWithNewsboat(t *testing.T, address string) []seen {
	t.Helper()
	n := newNewsboat(t, address)
	n.reload()
	all, _ := n.shows()
	return all
}

// rss2email is that program with one feed. It mails each article once, and
// keeps in a file which ones.
type rss2email struct {
	t                  *testing.T
	program, dir, feed string
	relay              *sink
}

const rss2emailConfig = `[DEFAULT]
from = r2e@example.org
to = reader@example.org
email-protocol = smtp
smtp-server = %s
date-header = True
date-header-order = issued
verbose = warning
[feed.news]
url = %s
`

func newRss2email(t *testing.T, address string) *rss2email {
	t.Helper()
	r := &rss2email{t: t, program: tool(t, "r2e"), dir: t.TempDir(), feed: address, relay: newSink(t, "")}
	write(t, r.config(), fmt.Sprintf(rss2emailConfig, r.relay.addr, address))
	return r
}

func (r *rss2email) config() string { return filepath.Join(r.dir, "config") }

// run reads the feed and gives what was mailed, the newest first. It exits with
// 0 whatever happens; what it says is how one knows.
func (r *rss2email) run() []seen {
	r.t.Helper()
	// By a time it shows that it is not another program that uses feedparser. In
	// the second of a change none is given.
	eventually(r.t, "the feed has a time", func() bool {
		resp, _ := get(r.t, r.feed) // it may have moved
		return resp.StatusCode != http.StatusOK || resp.Header.Get("Last-Modified") != ""
	})
	before := len(r.relay.all())
	cmd := exec.Command(r.program, "-c", r.config(), "-d", filepath.Join(r.dir, "seen.json"), "run")
	cmd.Env = append(os.Environ(), "HOME="+r.dir, "XDG_CONFIG_HOME="+r.dir, "XDG_DATA_HOME="+r.dir)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		r.t.Errorf("rss2email: %v\n%s", err, out)
	}
	var all []seen
	for _, m := range r.relay.all()[before:] {
		all = append(all, mailed(r.t, m))
	}
	slices.Reverse(all) // the oldest is mailed first
	return all
}

func mailed(t *testing.T, m received) seen {
	t.Helper()
	msg, err := mail.ReadMessage(strings.NewReader(m.data))
	if err != nil {
		t.Fatal(err)
	}
	date, err := msg.Header.Date()
	if err != nil {
		t.Fatal(err)
	}
	field := func(name string) string {
		text, err := new(mime.WordDecoder).DecodeHeader(msg.Header.Get(name))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	return seen{ID: field("X-RSS-ID"), Title: field("Subject"), Link: field("X-RSS-URL"), Date: utc(date), Tags: strings.ReplaceAll(field("X-RSS-TAGS"), ",", "|")}
}

func readWithRss2email(t *testing.T, address string) []seen {
	t.Helper()
	return newRss2email(t, address).run()
}
