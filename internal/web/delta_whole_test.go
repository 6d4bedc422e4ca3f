package web

import (
	"slices"
	"testing"
	"time"

	"jianxun/internal/news"
)

// TestRequirement28TheWholeIsGivenWhereAPartWouldMislead goes through all that a
// part cannot tell, or that this process cannot know.
func TestRequirement28TheWholeIsGivenWhereAPartWouldMislead(t *testing.T) {
	for name, c := range map[string]struct {
		change func(s *site)
		items  int
	}{
		"an article of theirs was withdrawn": {func(s *site) { s.withdraw(page(1)); s.publish(page(-1)) }, 3},
		"withdrawn two versions ago":         {func(s *site) { s.withdraw(page(1)); s.publish(page(-1)); s.publish(page(-2)) }, 4},
		"everything is new":                  {func(s *site) { s.publish(revised(0), revised(1), revised(2)) }, 3},
		"nothing is new but the title":       {func(s *site) { s.settings.Feeds[0].Title = "别名"; s.reload() }, 3},
		"the site reads otherwise": {func(s *site) {
			s.settings.Feeds[0].Full = false // in every article, and no time of theirs shows it
			s.reload()
			s.publish(page(-1))
		}, 4},
		"the site has another address": {func(s *site) {
			s.settings.URL = "https://www.example.net"
			s.publish(page(-1))
			s.reload()
			s.publish(page(-2))
		}, 5},
		"the daemon was started anew": {func(s *site) { s.publish(page(-1)); s.open() }, 4},
	} {
		s := filled(t, 3, func(set *Settings) { set.Feeds = set.Feeds[:1] })
		tags := map[string]string{}
		for _, target := range yaowenAndAll[:3] {
			tags[target] = s.tag(target)
		}
		c.change(s)
		for _, target := range yaowenAndAll[:3] {
			r := s.newer(target, tags[target])
			if d := parse(t, r); r.StatusCode != 200 || len(d.items) != c.items || r.Header.Get("Cache-Control") != cachePublic {
				t.Errorf("%s, %s: status %d with %v, Cache-Control %s", name, target, r.StatusCode, d.titles, r.Header.Get("Cache-Control"))
			}
		}
	}
}

// TestRequirement28WhatDoesNotConcernTheReaderIsNoReasonForTheWhole: the part
// is enough.
func TestRequirement28WhatDoesNotConcernTheReaderIsNoReasonForTheWhole(t *testing.T) {
	for name, c := range map[string]struct {
		change func(s *site)
		titles []string
	}{
		"an article they never had was withdrawn": {func(s *site) { s.publish(page(-1), page(-2)); s.withdraw(page(-1)); s.refresh() }, []string{page(-2).Title}},
		"one of theirs was withdrawn and restored": {func(s *site) {
			s.withdraw(page(1))
			s.refresh()
			s.set(s.clock().Add(time.Minute))
			s.restore(page(1))
			s.refresh()
		}, []string{page(1).Title}},
		"one of theirs left for the archive": {func(s *site) { s.publish(page(-1)) }, []string{page(-1).Title}},
		"one of theirs left the column": {func(s *site) {
			a := page(1)
			a.Column = "通知公告"
			s.publish(a, page(-1))
		}, []string{page(-1).Title}},
		"the settings were read again": {func(s *site) { s.publish(page(-1)); s.reload(); s.publish(page(-2)) }, []string{page(-2).Title, page(-1).Title}},
	} {
		s := filled(t, 3, func(set *Settings) { set.Feeds = set.Feeds[1:2]; set.Feeds[0].Items = 3 })
		tag := s.tag("/feeds/yaowen.atom")
		c.change(s)
		if r := s.newer("/feeds/yaowen.atom", tag); r.StatusCode != 226 {
			t.Errorf("%s: status %d, want 226", name, r.StatusCode)
		} else if d := parse(t, r); !slices.Equal(d.titles, c.titles) {
			t.Errorf("%s: the newer ones are %v, want %v", name, d.titles, c.titles)
		}
	}
}

// A future article comes with its day, without any change of the store.
func TestRequirement28AnArticleWhoseDayHasComeIsNewer(t *testing.T) {
	s := filled(t, 3)
	var coming []news.Article
	for n := range 2 {
		a := page(-n - 1)
		a.Published = s.clock().Add(time.Duration(n+1) * time.Hour)
		coming = append(coming, a)
	}
	s.publish(coming...)
	tag := s.tag("/feeds/all.rss")
	s.set(coming[0].Published)
	s.refresh()
	s.wantNewer(s.newer("/feeds/all.rss", tag), coming[0].Title)
	s.set(coming[1].Published)
	s.refresh()
	s.wantNewer(s.newer("/feeds/all.rss", tag), coming[1].Title, coming[0].Title)
}
