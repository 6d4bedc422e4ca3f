//go:build interop

package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// addAndEdit brings one new article and edits one that the readers have, and
// returns when the feeds show both.
func addAndEdit(t *testing.T, s *site) (added, edited seen) {
	t.Helper()
	newest, old := headline{"刚刚发布的稿件", "2026-03-05 10:00"}, headlines()[0]
	s.savePage("added", newest, "新稿件的正文。")
	s.savePage("page0", old, "改过的正文。")
	s.must("ingest")
	eventually(t, "the feeds show both", func() bool {
		_, body := get(t, s.url("/feeds/all.atom"))
		return strings.Contains(body, newest.title) && strings.Contains(body, "改过的正文")
	})
	all := s.live()
	return titled(t, all, newest.title), titled(t, all, old.title)
}

// TestInteropRequirement30NothingComesTwice lets the two readers that remember
// what they have shown go on reading. One article more is one item more; what
// was edited, or withdrawn and brought back, is known to them under its id.
func TestInteropRequirement30NothingComesTwice(t *testing.T) {
	for _, format := range []string{"rss", "atom"} {
		t.Run(format, func(t *testing.T) {
			s := newsroom(t)
			s.serve()
			w := watch(t, s)
			path := "/feeds/all." + format
			n, r := newNewsboat(t, w.url+path), newRss2email(t, w.url+path)
			n.reload()
			n.reload() // from the third time on it asks for what is newer only
			first := len(s.live())
			if all, _ := n.shows(); len(all) != first {
				t.Fatalf("newsboat has %d articles, want %d", len(all), first)
			}
			if got := r.run(); len(got) != first {
				t.Fatalf("rss2email has mailed %d articles, want %d", len(got), first)
			}
			n.markRead()

			added, edited := addAndEdit(t, s)
			n.reload()
			if got := w.last(); got != path+" 226" {
				t.Errorf("newsboat was answered: %s", got)
			}
			if all, unread := n.shows(); len(all) != first+1 || !slices.Equal(unread, []string{added.Title}) {
				t.Errorf("newsboat has %d articles, new are %q", len(all), unread)
			}
			compare(t, r.run(), []seen{added})
			if got := w.last(); got != path+" 200" {
				t.Errorf("rss2email, which takes 226 for an error, was answered: %s", got)
			}
			n.markRead()

			for _, step := range []string{"withdraw", "restore"} {
				s.must("article", step, edited.commandID())
				n.reload()
				// It keeps what has left a feed: only that nothing is new is ours.
				if all, unread := n.shows(); len(all) != first+1 || len(unread) > 0 {
					t.Errorf("%s: newsboat has %d articles, new are %q", step, len(all), unread)
				}
				if got := r.run(); len(got) > 0 {
					t.Errorf("%s: rss2email has mailed %+v", step, got)
				}
			}
		})
	}
}

// last is the last answer, such as "/feeds/all.rss 304".
func (w *watched) last() string {
	all := w.answers()
	return all[len(all)-1]
}

// TestInteropRequirement28OnlyWhatIsNewer reads again with feedparser: it is
// given what is newer than the version it has (RFC 3229), and everything when it
// comes back again and again with that version, as if it understood nothing.
func TestInteropRequirement28OnlyWhatIsNewer(t *testing.T) {
	s := newsroom(t)
	s.serve()
	tags := map[string]string{}
	for _, format := range []string{"rss", "atom"} {
		tags[format] = feedparse(t, s.url("/feeds/all."+format), "", "").Tag
	}
	added, edited := addAndEdit(t, s)
	for format, tag := range tags {
		address := s.url("/feeds/all." + format)
		newer := feedparse(t, address, tag, "")
		if newer.Bozo || newer.Status != http.StatusIMUsed || newer.IM != "feed" {
			t.Errorf("%s: bozo %v, status %d, IM %q", format, newer.Bozo, newer.Status, newer.IM)
		}
		compare(t, newer.Articles, []seen{added, edited})
		if named := feedparse(t, address, tag, "planet/1.0"); named.Status != http.StatusIMUsed {
			t.Errorf("%s: another reader is answered %d", format, named.Status)
		}
		for range 3 {
			feedparse(t, address, tag, "")
		}
		if all := feedparse(t, address, tag, ""); all.Status != http.StatusOK || len(all.Articles) != len(s.live()) {
			t.Errorf("%s: in the end: status %d, %d entries", format, all.Status, len(all.Articles))
		}
		// The tag is that of the whole feed: there is nothing newer now.
		if again := feedparse(t, address, newer.Tag, ""); again.Status != http.StatusNotModified || len(again.Articles) > 0 {
			t.Errorf("%s: then status %d, %d entries", format, again.Status, len(again.Articles))
		}
	}
}
