package web

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"jianxun/internal/news"
)

// Limits are what one client may ask for in a minute. 0 is any number.
type Limits struct {
	Feeds    int            // feed documents without a condition
	Searches int            // that are not answered from memory
	Proxies  []netip.Prefix // whose X-Forwarded-For is believed
}

// counter counts what each client asks for in the present minute, or longer.
type counter struct {
	minutes int64 // that are counted together; 0 is 1
	mu      sync.Mutex
	period  int64
	counts  map[string]int
}

// clientsKept bounds the memory that many addresses can take.
const clientsKept = 100_000

// allow counts one more and tells whether it is within the limit.
func (c *counter) allow(client string, limit int, now time.Time) bool {
	if limit <= 0 || client == "" {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if period := now.Unix() / (60 * max(c.minutes, 1)); period != c.period || len(c.counts) >= clientsKept {
		c.period, c.counts = period, map[string]int{}
	}
	c.counts[client]++
	return c.counts[client] <= limit
}

func tooMany() error {
	return news.Errorf(news.TooMany, "that were many requests in a minute; please wait a moment")
}

// retryAfter is the number of seconds until the next minute.
func retryAfter(now time.Time) int { return 60 - now.Second() }

// client is the network that a request comes from: an IPv4 address or an IPv6
// network of 64 bits. It is empty when a proxy, or somebody on this machine,
// does not say for whom it asks.
func (l Limits) client(r *http.Request) string {
	remote, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	ip := remote.Addr().Unmap()
	forwarded := r.Header["X-Forwarded-For"]
	for i := len(forwarded) - 1; i >= 0; i-- {
		hops := strings.Split(forwarded[i], ",")
		for j := len(hops) - 1; j >= 0; j-- {
			if !l.trusted(ip) {
				return network(ip)
			}
			hop, ok := parseHop(hops[j])
			if !ok {
				return ""
			}
			ip = hop
		}
	}
	if l.trusted(ip) {
		return ""
	}
	return network(ip)
}

// parseHop reads an address, as some proxies write it with its port.
func parseHop(hop string) (netip.Addr, bool) {
	hop = strings.TrimSpace(hop)
	if withPort, err := netip.ParseAddrPort(hop); err == nil {
		return withPort.Addr().Unmap(), true
	}
	ip, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(hop, "["), "]"))
	return ip.Unmap(), err == nil
}

func (l Limits) trusted(ip netip.Addr) bool {
	return slices.ContainsFunc(l.Proxies, func(p netip.Prefix) bool { return p.Contains(ip) })
}

func network(ip netip.Addr) string {
	if ip.Is4() {
		return ip.String()
	}
	p, err := ip.WithZone("").Prefix(64)
	if err != nil { // every IPv6 address has one
		return ip.String()
	}
	return p.String()
}

// Bounds of work that a request causes beyond serving what lies ready.
const (
	workers       = 4 // at the same time
	workersOfOne  = 2 // of them for one client
	waiting       = 256
	waitingOfOne  = 32
	waitAtMost    = 5 * time.Second
	workAtMost    = 10 * time.Second
	clientUnnamed = "?"
)

// turns hands out turns to work, so that no client can have all of them.
type turns struct {
	free chan struct{}
	mu   sync.Mutex
	all  int
	each map[string]*turnsOfOne
}

type turnsOfOne struct {
	free chan struct{}
	n    int
}

func newTurns() *turns {
	return &turns{free: make(chan struct{}, workers), each: map[string]*turnsOfOne{}}
}

// do runs work when it is the client's turn.
func (t *turns) do(ctx context.Context, client string, work func(context.Context) error) error {
	if client == "" {
		client = clientUnnamed
	}
	own, err := t.join(client)
	if err != nil {
		return err
	}
	defer t.leave(client)
	queue, cancel := context.WithTimeout(ctx, waitAtMost)
	defer cancel()
	for _, free := range []chan struct{}{own.free, t.free} {
		select {
		case free <- struct{}{}:
			defer func() { <-free }()
		case <-queue.Done():
			return news.Errorf(news.Busy, "there is too much to do at the moment; please try again")
		}
	}
	working, cancel := context.WithTimeout(ctx, workAtMost)
	defer cancel()
	if err := work(working); err == nil || working.Err() == nil {
		return err
	}
	return news.Errorf(news.Busy, "there is too much to do at the moment; please try again") // or the client has gone
}

func (t *turns) join(client string) (*turnsOfOne, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	own, ok := t.each[client]
	if ok && own.n >= waitingOfOne {
		return nil, news.Errorf(news.TooMany, "too many requests at the same time; please wait for the answers")
	}
	if t.all >= waiting {
		return nil, news.Errorf(news.Busy, "there is too much to do at the moment; please try again")
	}
	if !ok {
		own = &turnsOfOne{free: make(chan struct{}, workersOfOne)}
		t.each[client] = own
	}
	own.n++
	t.all++
	return own, nil
}

func (t *turns) leave(client string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all--
	if own := t.each[client]; own.n == 1 {
		delete(t.each, client)
	} else {
		own.n--
	}
}
