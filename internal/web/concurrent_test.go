package web

import (
	"fmt"
	"slices"
	"sync"
	"testing"
)

// Many ask while articles come and go and settings change: every answer is of
// one version. The race detector looks on.
func TestReadersAreServedWhileTheSiteChanges(t *testing.T) {
	s := archived(t, 12)
	tag := s.tag("/feeds/all.atom")
	var readers sync.WaitGroup
	for _, target := range []string{"/feeds/all.atom", "/feeds/all/archive/1-2.rss", "/feeds/all/archive/1.json", "/feeds/search.json?q=检察", "/search?q=第1篇", "/"} {
		readers.Go(func() {
			for range 40 {
				r := s.get(target, "A-IM: feed", "If-None-Match: "+tag, "Accept-Encoding: gzip")
				if !slices.Contains([]int{200, 226, 304, 302}, r.StatusCode) {
					t.Errorf("%s is answered %d", target, r.StatusCode)
				}
			}
		})
	}
	for n := range 2 {
		s.publish(page(-n - 1))
		s.withdraw(page(10 + n))
		s.publish(revised(n))
		s.settings.Title = fmt.Sprint("检讯", n)
		s.reload()
	}
	readers.Wait()
}
