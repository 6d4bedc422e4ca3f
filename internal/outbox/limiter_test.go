package outbox

import (
	"fmt"
	"testing"
	"time"

	"jianxun/internal/mail"
	"jianxun/internal/news"
)

func rows(n int, domain string) (list []news.Delivery) {
	for i := range n {
		address := fmt.Sprintf("p%d@%s", i, domain)
		list = append(list, news.Delivery{IssueID: 1, Subscriber: news.Subscriber{ID: address, Email: address}})
	}
	return list
}

func TestRequirement28ADomainBearsSoManyAtOnce(t *testing.T) {
	now := time.Unix(1000, 0)
	l := newLimiter([]Domain{{Names: []string{"163.com", "126.com"}, Connections: 2}})
	for i, want := range []time.Duration{0, 0, -1} { // the names share the limit
		if got := l.take([]string{"a@163.com", "b@126.com", "c@163.COM"}[i], now); got != want {
			t.Errorf("mail %d: wait %v, want %v", i, got, want)
		}
	}
	if l.take("d@example.org", now) != 0 {
		t.Error("another domain waits too")
	}
	l.leave("b@126.com")
	if l.take("c@163.com", now) != 0 {
		t.Error("what was done makes no room")
	}
}

func TestRequirement28ADomainBearsSoManyAMinute(t *testing.T) {
	l := newLimiter([]Domain{{Names: []string{"163.com"}, Minute: 20}})
	start := time.Unix(1000, 0)
	sent, now := 0, start
	for now.Before(start.Add(3 * time.Minute)) {
		wait := l.take("a@163.com", now)
		if wait == 0 {
			sent++
			l.leave("a@163.com")
			continue
		}
		now = now.Add(wait)
	}
	if sent != 60 {
		t.Errorf("%d mails in three minutes, want 60", sent)
	}
}

// NetEase and QQ Mail say that it is too much, and get less for a while.
func TestServersAreHeeded(t *testing.T) {
	now := time.Unix(1000, 0)
	l := newLimiter(nil)
	l.advise("a@qq.com", mail.Slower, 0, now)
	if wait := l.take("b@qq.com", now); wait != firstRest {
		t.Errorf("the next mail waits %v", wait)
	}
	now = now.Add(firstRest)
	l.advise("a@qq.com", mail.Slower, 0, now)
	if wait := l.take("b@qq.com", now); wait != 2*firstRest {
		t.Errorf("asked again, it waits %v", wait)
	}
	now = now.Add(2 * firstRest)
	l.taken("b@qq.com")
	l.advise("a@qq.com", mail.Slower, 5*time.Minute, now)
	if wait := l.take("b@qq.com", now); wait != 5*time.Minute {
		t.Errorf("asked for five minutes, it waits %v", wait)
	}

	l = newLimiter([]Domain{{Names: []string{"163.com"}, Connections: 8}})
	for range 8 {
		l.take("a@163.com", now)
	}
	l.advise("a@163.com", mail.FewerConnections, 0, now)
	for range 4 {
		l.leave("a@163.com")
	}
	if l.take("a@163.com", now) != -1 {
		t.Error("as many as before are sent at once")
	}
	if l.leave("a@163.com"); l.take("a@163.com", now) != 0 {
		t.Error("not even half of them is sent at once")
	}
	if l.take("a@163.com", now.Add(fewerFor)) != 0 {
		t.Error("it is heeded for ever")
	}
}

// What a domain does not bear soon is put off, each mail to a time of its own, and
// the others are sent meanwhile.
func TestADomainThatBearsLittleKeepsNobodyWaiting(t *testing.T) {
	now := time.Unix(1000, 0)
	l := newLimiter([]Domain{{Names: []string{"163.com"}, Minute: 60}})
	soon, later := l.portion(append(rows(100, "163.com"), rows(50, "example.org")...), now)
	if len(soon) != 50+11 || len(later) != 89 {
		t.Fatalf("%d soon, %d later", len(soon), len(later))
	}
	for i, d := range later {
		if want := now.Add(11*time.Second + time.Duration(i)*time.Second); d.State != news.Deferred || !d.Next.Equal(want) {
			t.Fatalf("mail %d is %s until %v, want %v", i, d.State, d.Next, want)
		}
	}
	l = newLimiter([]Domain{{Names: []string{"163.com"}, Connections: 2}})
	if soon, later = l.portion(rows(100, "163.com"), now); len(soon) != 2*parkedEach || len(later) != 100-2*parkedEach {
		t.Errorf("%d soon, %d later", len(soon), len(later))
	}
}
