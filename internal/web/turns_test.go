package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"jianxun/internal/news"
)

// The clock of these tests stands still until everybody waits, and then goes on
// to the next thing that happens.

// crowd is clients that want to work, each as long as it is let.
type crowd struct {
	*turns
	t       *testing.T
	working chan string // who began
	release chan struct{}
	done    chan error
}

func newCrowd(t *testing.T) *crowd {
	return &crowd{turns: newTurns(), t: t, working: make(chan string, 2*waiting), release: make(chan struct{}), done: make(chan error, 2*waiting)}
}

// come lets a client want n turns at once.
func (c *crowd) come(client string, n int) {
	for range n {
		go func() {
			c.done <- c.do(c.t.Context(), client, func(context.Context) error {
				c.working <- client
				<-c.release
				return nil
			})
		}()
	}
	synctest.Wait()
}

// wantWorking expects that so many have begun since it was asked last.
func (c *crowd) wantWorking(client string, n int) {
	c.t.Helper()
	began := map[string]int{}
	for range len(c.working) {
		began[<-c.working]++
	}
	if began[client] != n || len(began) > 1 {
		c.t.Errorf("%v began to work, want %d of %s", began, n, client)
	}
}

// wantEnds expects that the next n end with the code, "" for success.
func (c *crowd) wantEnds(n int, code news.ErrorCode) {
	c.t.Helper()
	for range n {
		if err := <-c.done; (err == nil) != (code == "") || err != nil && news.CodeOf(err) != code {
			c.t.Errorf("ends with %v, want code %q", err, code)
		}
	}
}

// wantNobody expects that all have left and nothing is kept of them.
func (c *crowd) wantNobody() {
	c.t.Helper()
	synctest.Wait()
	if c.all != 0 || len(c.each) != 0 || len(c.free) != 0 {
		c.t.Errorf("%d are counted, %d clients known, %d turns taken", c.all, len(c.each), len(c.free))
	}
}

func TestRequirement27OneClientCannotHaveAllTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t)
		c.come("a", 9)
		c.wantWorking("a", workersOfOne)
		c.come("b", 1)
		c.wantWorking("b", 1)
		c.come("", 9) // all who are not named are one
		c.wantWorking("", 1)
		c.come("d", 1)
		c.wantWorking("d", 0) // all turns are taken
		close(c.release)
		c.wantEnds(20, "")
		c.wantNobody()
	})
}

func TestRequirement27WaitingIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t)
		for n := range waiting / waitingOfOne {
			c.come(fmt.Sprint(n), waitingOfOne)
			c.come(fmt.Sprint(n), 1)
			c.wantEnds(1, news.TooMany)
		}
		c.come("one more", 1)
		c.wantEnds(1, news.Busy)
		close(c.release)
		c.wantEnds(waiting, "")
		c.wantNobody()
		c.come("one more", 1) // there is room again
		c.wantEnds(1, "")
	})
}

func TestRequirement27NobodyWaitsForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t)
		c.come("a", workersOfOne)
		c.come("a", 3)
		c.wantEnds(3, news.Busy)
		c.wantWorking("a", workersOfOne)
		close(c.release)
		c.wantEnds(workersOfOne, "")
		c.wantNobody()
	})
}

func TestRequirement27WhoeverIsGoneWaitsNoLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t)
		c.come("a", workersOfOne)
		ctx, leave := context.WithCancel(t.Context())
		go func() {
			c.done <- c.do(ctx, "a", func(context.Context) error { return errors.New("it was not its turn") })
		}()
		synctest.Wait()
		leave()
		c.wantEnds(1, news.Busy)
		close(c.release)
		c.wantEnds(workersOfOne, "")
		c.wantNobody()
	})
}

func TestRequirement27WorkThatTakesTooLongIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t)
		err := c.do(t.Context(), "a", func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		})
		if news.CodeOf(err) != news.Busy {
			t.Errorf("ends with %v", err)
		}
		if err := c.do(t.Context(), "a", func(context.Context) error { return errBroken }); !errors.Is(err, errBroken) {
			t.Errorf("a fault of the work is told as %v", err)
		}
		c.wantNobody()
	})
}

func TestRequirement27WhoeverIsSentAwayIsToldWhenToComeBack(t *testing.T) {
	s := archived(t, 1)
	ctx, leave := context.WithCancel(t.Context())
	leave() // the work is given up, as it is when it takes too long
	for _, target := range []string{"/search?q=检察", "/feeds/search.atom?q=机关", "/feeds/all/archive/1-1.rss"} {
		r := s.send(httptest.NewRequestWithContext(ctx, http.MethodGet, target, nil))
		html(t, r, 503)
		if r.Header.Get("Retry-After") != "60" || r.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: header %v", target, r.Header)
		}
		wantStatus(t, s.get(target), 200) // what failed is not kept
	}
}

// TestRequirement27ASearchIsATurn is the same seen from outside.
func TestRequirement27ASearchIsATurn(t *testing.T) {
	s := filled(t, 3, limited(0, 0))
	s.articles.begun, s.articles.hold = make(chan string), make(chan struct{})
	answers := make(chan *http.Response)
	ask := func(remote, target string) { go func() { answers <- s.from(remote, target) }() }
	ask(reader, "/search?q=a1")
	ask(reader, "/feeds/search.rss?q=a2")
	<-s.articles.begun
	<-s.articles.begun
	ask(reader, "/search?q=a3")
	ask(neighbour, "/search?q=b1")
	if began := <-s.articles.begun; began != "b1" {
		t.Errorf("%s began before it was its turn", began)
	}
	wantStatus(t, s.from(reader, "/feeds/all.rss"), 200) // what lies ready needs no turn
	s.articles.hold <- struct{}{}
	s.articles.hold <- struct{}{}
	s.articles.hold <- struct{}{}
	if began := <-s.articles.begun; began != "a3" {
		t.Errorf("%s began, want a3", began)
	}
	s.articles.hold <- struct{}{}
	for range 4 {
		wantStatus(t, <-answers, 200)
	}
}
