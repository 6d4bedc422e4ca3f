package outbox

import (
	"strings"
	"sync"
	"time"

	"jianxun/internal/mail"
	"jianxun/internal/news"
)

// Domain is what the mail servers of some domains bear from this process.
// What is 0 is not bounded.
type Domain struct {
	Names         []string // of addresses, after the @
	Connections   int      // mails to it at once
	PerConnection int      // mails to it on one connection
	Minute        int      // mails to it in any minute
}

// limiter keeps to what domains bear, and to what their servers ask for.
type limiter struct {
	mu     sync.Mutex
	states map[string]*domain // by name; several names may share one
}

// domain is one that is bounded, or whose servers asked for less.
type domain struct {
	Domain
	open    int           // mails being sent to it
	next    time.Time     // not before this another one
	fewer   int           // connections that its servers asked for, 0: as configured
	until   time.Time     // how long that holds
	rest    time.Duration // the last one that its servers asked for
	parked  int           // rows in hand
	horizon time.Time     // up to when rows have been put off
}

func newLimiter(domains []Domain) *limiter {
	l := &limiter{states: map[string]*domain{}}
	for _, d := range domains {
		state := &domain{Domain: d}
		for _, name := range d.Names {
			l.states[strings.ToLower(name)] = state
		}
	}
	return l
}

// domainOf is what stands after the @.
func domainOf(address string) string {
	return strings.ToLower(address[strings.LastIndexByte(address, '@')+1:])
}

// take begins a mail to the address when its domain bears it now, which 0 says.
// Else it gives how long to wait, or -1: until another mail is done.
func (l *limiter) take(address string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	d := l.states[domainOf(address)]
	if d == nil {
		return 0
	}
	if wait := d.next.Sub(now); wait > 0 {
		return wait
	}
	if limit := d.connections(now); limit > 0 && d.open >= limit {
		return -1
	}
	d.open++
	d.parked = max(0, d.parked-1)
	if d.Minute > 0 {
		d.next = now.Add(d.interval())
	}
	return 0
}

func (d *domain) connections(now time.Time) int {
	if d.fewer > 0 && now.Before(d.until) {
		return d.fewer
	}
	return d.Connections
}

func (d *domain) interval() time.Duration { return time.Minute / time.Duration(d.Minute) }

// leave ends a mail that take began.
func (l *limiter) leave(address string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if d := l.states[domainOf(address)]; d != nil {
		d.open = max(0, d.open-1)
	}
}

// perConnection is how many mails to the domain of the address one connection may
// carry, 0 for any. Names that share this are counted together, under the first.
func (l *limiter) perConnection(address string) (first string, bears int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	name := domainOf(address)
	if d := l.states[name]; d != nil {
		return d.Names[0], d.PerConnection
	}
	return name, 0
}

const (
	firstRest  = time.Minute // of a domain whose servers say "too fast"
	longRest   = 30 * time.Minute
	fewerFor   = 10 * time.Minute // how long fewer connections are kept to
	parkable   = 10 * time.Second // what is due so soon stays in hand
	parkedEach = 8                // rows in hand for each connection to a bounded domain
)

// advise heeds what a server asked for when it refused a mail to the address.
func (l *limiter) advise(address string, advice mail.Advice, after time.Duration, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	name := domainOf(address)
	d := l.states[name]
	if d == nil {
		d = &domain{Domain: Domain{Names: []string{name}}, open: 1} // the mail in question
		l.states[name] = d
	}
	switch advice {
	case mail.Slower:
		if !now.Before(d.next) { // refusals of one moment are one
			d.rest = min(max(firstRest, 2*d.rest), longRest)
		}
		d.next = now.Add(max(after, d.rest))
	case mail.FewerConnections:
		d.fewer, d.until = max(1, d.open/2), now.Add(fewerFor)
	}
}

// emptied tells that no row is in hand any more.
func (l *limiter) emptied() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range l.states {
		d.parked, d.open = 0, 0
	}
}

// unpark tells that a row left the hand without being sent.
func (l *limiter) unpark(address string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if d := l.states[domainOf(address)]; d != nil {
		d.parked = max(0, d.parked-1)
	}
}

// rests tells whether the domain of the address bears nothing for long.
func (l *limiter) rests(address string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	d := l.states[domainOf(address)]
	return d != nil && d.next.Sub(now) > parkable
}

// taken tells that a mail to the address went through: its domain bears mail again.
func (l *limiter) taken(address string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if d := l.states[domainOf(address)]; d != nil {
		d.rest = 0
	}
}

// portion keeps of the rows what their domains will bear soon. The others are put
// off, each to a time of its own, so that a domain that bears little keeps nobody
// else from being sent their mail.
func (l *limiter) portion(rows []news.Delivery, now time.Time) (soon, later []news.Delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, row := range rows {
		d := l.states[domainOf(row.Subscriber.Email)]
		if d == nil {
			soon = append(soon, row)
			continue
		}
		if wait := d.wait(now); wait > parkable {
			row.State, row.Next = news.Deferred, d.putOff(now.Add(wait))
			later = append(later, row)
			continue
		}
		d.parked++
		soon = append(soon, row)
	}
	return soon, later
}

// wait is about how long one more row would wait in hand.
func (d *domain) wait(now time.Time) time.Duration {
	wait := max(0, d.next.Sub(now))
	if d.Minute > 0 {
		wait += time.Duration(d.parked) * d.interval()
	}
	if limit := d.connections(now); limit > 0 && d.parked >= limit*parkedEach {
		wait += parkable + time.Second
	}
	return wait
}

// putOff gives the next free time from then on.
func (d *domain) putOff(then time.Time) time.Time {
	if d.horizon.Before(then) {
		d.horizon = then
	}
	free := d.horizon
	step := 100 * time.Millisecond
	if d.Minute > 0 {
		step = d.interval()
	}
	d.horizon = free.Add(step)
	return free
}
