package web

import (
	"net/http"
	"testing"
)

func TestRequirement24RangesAreForGETAlone(t *testing.T) {
	s := filled(t, 3)
	whole := s.do(http.MethodHead, "/feeds/all.rss")
	part := s.do(http.MethodHead, "/feeds/all.rss", "Range: bytes=0-9")
	if part.StatusCode != 200 || part.Header.Get("Content-Length") != whole.Header.Get("Content-Length") || part.Header.Get("Content-Range") != "" {
		t.Errorf("HEAD with a range is %d, %v", part.StatusCode, part.Header)
	}
}

func TestRequirement21WhoeverWantsAnotherVersionIsToldSo(t *testing.T) {
	s := filled(t, 3)
	r := s.get("/feeds/all.rss")
	tag, at := r.Header.Get("Etag"), r.Header.Get("Last-Modified")
	const before = "Mon, 28 Sep 2020 00:00:00 GMT"
	for _, c := range []struct {
		fields []string
		want   int
	}{
		{[]string{"If-Match: " + tag}, 200}, {[]string{"If-Match: *"}, 200}, {[]string{`If-Match: "x", ` + tag}, 200}, {[]string{`If-Match: "x"`}, 412}, {[]string{"If-Match: W/" + tag}, 412},
		{[]string{"If-Unmodified-Since: " + before}, 412}, {[]string{"If-Unmodified-Since: " + at}, 200}, {[]string{"If-Unmodified-Since: nonsense"}, 200},
		{[]string{"If-Match: " + tag, "If-Unmodified-Since: " + before}, 200},
		{[]string{`If-Match: "x"`, "If-None-Match: " + tag}, 412}, {[]string{"If-Match: " + tag, "If-None-Match: " + tag}, 304},
		{[]string{`If-Match: "x"`, "Range: bytes=0-9"}, 412}, {[]string{"If-Match: " + tag, "Range: bytes=0-9"}, 206},
	} {
		if got := s.get("/feeds/all.rss", c.fields...); got.StatusCode != c.want {
			t.Errorf("%q: %d, want %d", c.fields, got.StatusCode, c.want)
		}
	}
	if r := s.get("/feeds/all.rss", `If-Match: "x"`); r.Header.Get("Etag") != "" || len(body(t, r)) > 0 {
		t.Errorf("a refusal describes the document: %v", r.Header)
	}
}

func TestRequirement22AWeightOfNothingInLargeLettersIsNothing(t *testing.T) {
	s := filled(t, 3)
	if r := s.get("/feeds/all.rss", "Accept-Encoding: gzip;Q=0"); r.Header.Get("Content-Encoding") != "" {
		t.Errorf("it came in %s", r.Header.Get("Content-Encoding"))
	}
}

func TestRequirement27ArchivesThatMustBeMadeCountToo(t *testing.T) {
	s := archived(t, 300, limited(2, 0))
	for i, want := range []int{200, 200, 429} {
		wantStatus(t, s.from(reader, "/feeds/all/archive/"+[]string{"1", "2", "3"}[i]+".atom"), want)
	}
	wantStatus(t, s.from(reader, "/feeds/all/archive/1.atom"), 200) // it lies ready
	wantStatus(t, s.from(neighbour, "/feeds/all/archive/3.atom"), 200)
}

type countingHub struct{ asked int }

func (h *countingHub) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	h.asked++
	w.WriteHeader(http.StatusAccepted)
}

func TestRequirement29OneClientCannotFillTheHub(t *testing.T) {
	hub := &countingHub{}
	s := newSite(t, limited(0, 0), func(set *Settings) { set.Hub = hub })
	for range hubRequests + 5 {
		s.from(reader, "/hub")
	}
	wantStatus(t, s.from(reader, "/hub"), 429)
	wantStatus(t, s.from(neighbour, "/hub"), 202)
	if hub.asked != hubRequests+1 {
		t.Errorf("the hub was asked %d times", hub.asked)
	}
}

// A withdrawal is told where the article was shown, also when an edit has taken
// it out since; and a server that begins later tells the same.
func TestRequirement20AnArticleThatMovedOnIsToldOfWhereItWas(t *testing.T) {
	s := filled(t, 3)
	moved := page(1)
	moved.Column = "通知公告"
	s.save(moved)
	s.refresh()
	s.withdraw(page(1))
	s.refresh()
	late := page(1)
	late.Column = "别的栏目"
	s.save(late)
	s.refresh()
	tags := map[string]string{}
	for _, slug := range []string{"all", "yaowen", "tongzhi"} {
		target := "/feeds/" + slug + deletedSuffix
		if got := s.read(target).deleted; len(got) != 1 || got["urn:uuid:"+idOf(page(1))] == "" {
			t.Errorf("%s tells of %q", target, got)
		}
		tags[target] = s.tag(target)
	}
	s.open()
	for target, tag := range tags {
		if got := s.tag(target); got != tag {
			t.Errorf("%s has another tag after a restart", target)
		}
	}
	s.restore(page(1))
	s.refresh()
	for target := range tags {
		if got := s.read(target).deleted; len(got) > 0 {
			t.Errorf("%s tells of %q after the restoration", target, got)
		}
	}
}
