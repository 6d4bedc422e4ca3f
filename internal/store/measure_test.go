package store

import (
	"testing"
	"time"

	"jianxun/internal/news"
)

const picture = "https://www.example.org/p.jpg"

func pictured(n int, images ...news.Image) news.Article {
	a := page(n)
	a.Images = images
	return a
}

func (s fixture) unmeasured(t testing.TB) []string {
	t.Helper()
	list, err := s.ClaimUnmeasured(t.Context(), s.clock.now().Add(time.Hour), 9)
	if err != nil {
		t.Fatal(err)
	}
	return titles(list)
}

func TestAnImageOfUnknownLengthIsAskedForUntilItIsKnown(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		a := s.save(t, pictured(1, news.Image{URL: picture, Alt: "图"}, news.Image{URL: picture + "?2"}))
		s.save(t, pictured(2))                                                                 // none
		s.save(t, pictured(3, news.Image{URL: picture, Type: "image/jpeg", Length: 9}))        // known
		s.save(t, pictured(4, news.Image{URL: "data:image/png;base64,AA", Type: "image/png"})) // not to be asked for
		if got := s.unmeasured(t); len(got) != 1 || got[0] != title(1) {
			t.Fatalf("claimed %q", got)
		}
		if got := s.unmeasured(t); len(got) > 0 {
			t.Errorf("claimed again: %q", got)
		}
		s.clock.pass(time.Minute)
		if err := s.Measured(t.Context(), a, news.Image{URL: picture, Type: "image/jpeg", Length: 2048}); err != nil {
			t.Fatal(err)
		}
		now := s.get(t, a.ID)
		if im := now.Images[0]; im.Length != 2048 || im.Type != "image/jpeg" || im.Alt != "图" {
			t.Errorf("the image is %+v", im)
		}
		if now.Seq <= a.Seq || now.Revision != a.Revision || !now.Updated.Equal(a.Updated) {
			t.Errorf("seq %d, revision %d, updated %v: want a change that is no revision", now.Seq, now.Revision, now.Updated)
		}
		if r := s.saveAll(t, []news.Article{pictured(1, news.Image{URL: picture, Alt: "图"}, news.Image{URL: picture + "?2"})}); r[0] != news.SavedSame {
			t.Errorf("read again it is %s", r[0])
		}
		s.clock.pass(2 * time.Hour)
		if got := s.unmeasured(t); len(got) > 0 {
			t.Errorf("claimed although it is known: %q", got)
		}
	})
}

func TestAnImageIsGivenUpAfterSomeTries(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.save(t, pictured(1, news.Image{URL: picture}))
		for range triesToMeasure {
			if got := s.unmeasured(t); len(got) != 1 {
				t.Fatalf("claimed %q", got)
			}
			s.clock.pass(2 * time.Hour)
		}
		if got := s.unmeasured(t); len(got) > 0 {
			t.Errorf("claimed after all tries: %q", got)
		}
	})
}

func TestARevisionIsMeasuredAnew(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		before := s.save(t, pictured(1, news.Image{URL: picture}))
		s.unmeasured(t)
		after := s.save(t, pictured(1, news.Image{URL: picture + "?new"}))
		if err := s.Measured(t.Context(), before, news.Image{URL: picture, Type: "image/jpeg", Length: 1}); err != nil {
			t.Fatal(err)
		}
		if got := s.get(t, after.ID).Images[0]; got.Length != 0 || got.URL != picture+"?new" {
			t.Errorf("the answer for the old image went to %+v", got)
		}
		if got := s.unmeasured(t); len(got) != 1 {
			t.Errorf("claimed %q, want the revised article", got)
		}
	})
}

func TestMeasuringLeavesArchivesAsTheyAre(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		old := s.save(t, pictured(9, news.Image{URL: picture}))
		s.saveAll(t, pages(3))
		s.wantCollected(t, everything(), named(0, 1, 2), named(9))
		if err := s.Measured(t.Context(), old, news.Image{URL: picture, Type: "image/jpeg", Length: 1}); err != nil {
			t.Fatal(err)
		}
		c, err := s.Collect(t.Context(), []news.Feed{everything()}, s.clock.now())
		if err != nil {
			t.Fatal(err)
		}
		list, err := s.Archived(t.Context(), c[0].ID, 1, 1)
		if err != nil || len(list) != 1 || list[0].Images[0].Length != 0 {
			t.Errorf("archived %+v, %v", list, err)
		}
	})
}
