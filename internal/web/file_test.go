package web

import (
	"bytes"
	"io"
	"slices"
	"testing"

	"github.com/andybalholm/brotli"
)

func TestAFileHoldsWhatIsServed(t *testing.T) {
	s := archived(t, 51)
	s.withdraw(page(1))
	s.refresh()
	for target, status := range map[string]int{
		"/feeds/all.rss": 200, "/feeds/all.deleted.atom": 200, "/feeds/all/archive/1.json": 200, "/feeds/all/archive/2-1.atom": 200, "/feeds.opml": 200, "/": 200, "/feeds/all": 200,
		"/articles/" + idOf(page(0)): 200, "/articles/" + idOf(page(1)): 410, "/nothing": 404, "/style.css": 200, "/healthz": 200,
	} {
		f, err := s.File(t.Context(), target)
		if err != nil || f.Status != status || !bytes.Equal(f.Body, body(t, s.get(target))) {
			t.Errorf("%s: status %d, %v, or other octets than are served", target, f.Status, err)
		}
		for coding, c := range map[string]struct {
			octets []byte
			decode func(io.Reader) io.Reader
		}{"gzip": {f.Gzip, gunzip(t)}, "br": {f.Brotli, func(r io.Reader) io.Reader { return brotli.NewReader(r) }}} {
			if len(f.Body) < compressFrom {
				if c.octets != nil {
					t.Errorf("%s is compressed, and has %d octets", target, len(f.Body))
				}
				continue
			}
			decoded, err := io.ReadAll(c.decode(bytes.NewReader(c.octets)))
			if err != nil || !bytes.Equal(decoded, f.Body) {
				t.Errorf("%s in %s decodes to something else: %v", target, coding, err)
			}
			r := s.get(target, "Accept-Encoding: "+coding)
			if r.Header.Get("Content-Encoding") == coding && !bytes.Equal(c.octets, body(t, r)) {
				t.Errorf("%s in %s is not what is served", target, coding)
			}
		}
	}
}

func TestWhichArchiveDocumentsThereAre(t *testing.T) {
	s := archived(t, 0)
	want := func(open string, full ...string) {
		t.Helper()
		gotFull, gotOpen := s.ArchiveNames("all")
		if !slices.Equal(gotFull, full) || gotOpen != open {
			t.Errorf("full %q, open %q; want %q and %q", gotFull, gotOpen, full, open)
		}
	}
	want("")
	for n := range 50 {
		s.save(page(-n - 1))
	}
	s.refresh()
	want("", "1")
	s.publish(page(-51))
	want("2-1", "1")
	if full, open := s.ArchiveNames("none"); len(full) > 0 || open != "" {
		t.Errorf("a feed that is not has %v and %q", full, open)
	}
	for position, name := range map[int64]string{1: "1", 50: "1", 51: "2", 100: "2", 101: "3"} {
		if got := PageOf(position); got != name {
			t.Errorf("position %d is on page %s, want %s", position, got, name)
		}
	}
	ids, behind := s.Collections()
	oldest, err := s.store.Article(t.Context(), idOf(page(9)))
	if err != nil {
		t.Fatal(err)
	}
	positions, err := s.store.Positions(t.Context(), oldest)
	if err != nil || len(ids) != 1 || behind || positions[ids["all"]] != 1 {
		t.Errorf("collections %v, behind: %v, positions %v, %v", ids, behind, positions, err)
	}
}
