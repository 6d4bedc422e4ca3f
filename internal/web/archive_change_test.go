package web

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"jianxun/feedgen"
	"jianxun/internal/news"
)

func TestRequirement19AnEditLeavesTheArchiveAsItWas(t *testing.T) {
	s := archived(t, 55)
	documents := slices.Concat(archives(feedgen.RSS, "1", "1-1", "2-5"), archives(feedgen.Atom, "1", "2-5"), archives(feedgen.JSON, "1", "2-5"))
	before := map[string]string{}
	for _, target := range documents {
		before[target] = string(body(t, s.get(target)))
	}
	s.set(s.clock().Add(time.Hour))
	for _, n := range []int{64, 40, 12} {
		edited := page(n)
		edited.Title, edited.Text = "更正", "更正后的正文。"
		s.save(edited)
	}
	s.refresh()
	for name, at := range map[string]*site{"here": s, "after a restart": s.another()} {
		for _, target := range documents {
			if got := string(body(t, at.get(target))); got != before[target] {
				t.Errorf("%s, %s is not what it was", name, target)
			}
		}
	}
	// The article itself reads as it does now.
	if got := texts(html(t, s.get("/articles/"+idOf(page(40))), 200), "article h1"); !slices.Equal(got, []string{"更正"}) {
		t.Errorf("its page says %q", got)
	}
}

func TestRequirement20AWithdrawnArticleLeavesTheArchiveAndComesBack(t *testing.T) {
	s := archived(t, 55)
	documents := map[string]news.Article{"1": page(40), "1-49": page(40), "2-5": page(12)}
	eachDocument := func(check func(target string, was answered, a news.Article)) {
		for name, a := range documents {
			for _, format := range feedgen.Formats() {
				target := archives(format, name)[0]
				r := s.get(target)
				tag := r.Header.Get("Etag")
				check(target, answered{body(t, r), tag}, a)
			}
		}
	}
	before := map[string]answered{}
	eachDocument(func(target string, was answered, _ news.Article) { before[target] = was })
	s.set(s.clock().Add(time.Hour))
	s.withdraw(page(40))
	s.withdraw(page(12))
	s.refresh()
	eachDocument(func(target string, is answered, a news.Article) {
		if bytes.Contains(is.body, []byte(idOf(a))) || bytes.Contains(is.body, []byte(a.Title)) {
			t.Errorf("%s still holds it", target)
		}
		wantStatus(t, s.get(target, "If-None-Match: "+before[target].tag), 200) // a reader with the old one is given this
		if was, now := itemsIn(before[target].body), itemsIn(is.body); now != was-1 {
			t.Errorf("%s held %d items and now %d", target, was, now)
		}
	})
	s.set(s.clock().Add(time.Hour))
	s.restore(page(40))
	s.restore(page(12))
	s.refresh()
	eachDocument(func(target string, is answered, a news.Article) {
		was, now := s.parsed(target, before[target].body), s.parsed(target, is.body)
		if !slices.Equal(was.items, now.items) {
			t.Errorf("%s holds %v, want %v as before", target, now.titles, was.titles)
		}
		if at := now.changed[urn(a)]; at != "" && at <= was.changed[urn(a)] {
			t.Errorf("%s: the restored article is of %s, as before", target, at)
		}
	})
}

// itemsIn counts the articles of a document in any format.
func itemsIn(document []byte) int {
	return bytes.Count(document, []byte("<item>")) + bytes.Count(document, []byte("<entry>")) + bytes.Count(document, []byte(`"date_published"`))
}

// parsed reads a document that the target was once answered with.
func (s *site) parsed(target string, document []byte) told {
	r := s.get(target)
	r.Body = readAgain(document)
	return parse(s.t, r)
}

// A reader is sent by one replica to a document that another has not heard of.
func TestAReplicaThatIsBehindFindsWhatItsNeighbourNames(t *testing.T) {
	s := archived(t, 55)
	other := s.another()
	s.save(page(-1))
	if !s.refresh() {
		t.Fatal("the article is not seen")
	}
	wantStatus(t, other.get(archives(feedgen.Atom, "2-7")[0]), 404)
	again := s.another()
	s.save(page(-2))
	s.refresh()
	want, got := s.get(archives(feedgen.Atom, "2-7")[0]), again.get(archives(feedgen.Atom, "2-7")[0])
	wantStatus(t, got, 200)
	if got.Header.Get("ETag") != want.Header.Get("ETag") {
		t.Errorf("the replicas differ: %s, %s", got.Header.Get("ETag"), want.Header.Get("ETag"))
	}
	wantStatus(t, again.get(archives(feedgen.Atom, "9")[0]), 404)
}
