package websub

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"jianxun/internal/dial"
	"jianxun/internal/news"
)

// PublisherOptions are what a Publisher needs.
type PublisherOptions struct {
	Hubs   []string     // addresses of hubs elsewhere
	Client *http.Client // from dial.NewClient
	Agent  string       // User-Agent
	Now    func() time.Time
	After  func(time.Duration) <-chan time.Time // nil: time.After
	Log    *slog.Logger
}

// Bounds of a Publisher.
const (
	maxNotices    = 1000 // that wait for one hub
	noticeTries   = 8
	noticeTimeout = 10 * time.Second
)

// Publisher tells hubs elsewhere that feeds have changed. What waits is in
// memory only: after a restart the hubs learn of the next change.
type Publisher struct {
	opt   PublisherOptions
	lines []*line
}

// NewPublisher makes a Publisher. It tells nobody anything before Run runs.
func NewPublisher(opt PublisherOptions) *Publisher {
	if opt.After == nil {
		opt.After = time.After
	}
	p := &Publisher{opt: opt}
	for _, hub := range opt.Hubs {
		p.lines = append(p.lines, &line{
			hub: hub, opt: opt, wire: newWire(opt.Client, opt.Agent, noticeTimeout), log: opt.Log.With("hub", hub),
			retry: dial.Backoff{First: 10 * time.Second, Max: time.Hour}, wake: make(chan struct{}, 1),
		})
	}
	return p
}

// Publish has every hub told that the topics have changed. It does not wait
// for them; a topic that already waits for a hub waits once. It fails with
// TooLarge when too much waits.
func (p *Publisher) Publish(_ context.Context, topics []string) error {
	var errs []error
	for _, l := range p.lines {
		for _, topic := range topics {
			if !l.add(notice{topic: topic, due: p.opt.Now()}) {
				errs = append(errs, news.Errorf(news.TooLarge, "too many changes wait for the hub %s", l.hub))
				break
			}
		}
	}
	return errors.Join(errs...)
}

// Run tells the hubs until ctx ends, each by itself: one that hangs delays no
// other.
func (p *Publisher) Run(ctx context.Context) {
	var all sync.WaitGroup
	for _, l := range p.lines {
		all.Go(func() { l.run(ctx) })
	}
	all.Wait()
}

// line is the way to one hub.
type line struct {
	hub     string
	opt     PublisherOptions
	wire    wire
	log     *slog.Logger
	retry   dial.Backoff
	wake    chan struct{}
	failing bool // of run alone

	mu      sync.Mutex
	waiting []notice // one a topic, in order of their coming
}

// notice is a change that a hub is to be told of.
type notice struct {
	topic string
	tries int
	due   time.Time
}

// add lets a notice wait unless one of its topic does: that one keeps its time
// and, when the new one is a new change, has all its tries before it. It gives
// false when there is no room.
func (l *line) add(n notice) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, w := range l.waiting {
		if w.topic == n.topic {
			l.waiting[i].tries = min(w.tries, n.tries)
			return true
		}
	}
	if len(l.waiting) >= maxNotices {
		return false
	}
	l.waiting = append(l.waiting, n)
	signal(l.wake)
	return true
}

// take gives the notice that has been due longest, or how long to wait for the
// next, which is negative when there is none.
func (l *line) take(now time.Time) (n notice, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.wake: // what came so far is looked at now
	default:
	}
	first := -1
	for i, w := range l.waiting {
		if first < 0 || w.due.Before(l.waiting[first].due) {
			first = i
		}
	}
	if first < 0 {
		return n, -1
	}
	n = l.waiting[first]
	if wait = n.due.Sub(now); wait > 0 {
		return n, wait
	}
	l.waiting = append(l.waiting[:first], l.waiting[first+1:]...)
	return n, 0
}

func (l *line) run(ctx context.Context) {
	for ctx.Err() == nil {
		n, wait := l.take(l.opt.Now())
		if wait == 0 {
			l.settle(ctx, n, l.tell(ctx, n.topic))
			continue
		}
		var due <-chan time.Time
		if wait > 0 {
			due = l.opt.After(wait)
		}
		select {
		case <-ctx.Done():
		case <-l.wake:
		case <-due:
		}
	}
}

// tell sends one notice a topic: some hubs read no more than one. hub.url is
// what hubs commonly ask for, hub.topic is the word of the Recommendation.
func (l *line) tell(ctx context.Context, topic string) error {
	form := url.Values{"hub.mode": {"publish"}, "hub.url": {topic}, "hub.topic": {topic}}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	status, _, err := l.wire.do(ctx, http.MethodPost, l.hub, header, strings.NewReader(form.Encode()), 0)
	switch {
	case err != nil:
		return err
	case status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout:
		return news.Errorf(news.Unavailable, "the answer is %d", status)
	case status < 200 || status > 299:
		return news.Errorf(news.Invalid, "the answer is %d", status)
	}
	return nil
}

// settle queues a notice again that may still succeed, and logs how things
// change rather than every attempt.
func (l *line) settle(ctx context.Context, n notice, err error) {
	switch {
	case err == nil:
		if l.failing {
			l.log.Info("a hub takes changes again")
		}
		l.failing = false
		return
	case ctx.Err() != nil: // we stop; nobody failed
		return
	case news.CodeOf(err) != news.Unavailable || n.tries+1 >= noticeTries:
		l.log.Warn("a hub was not told of a change", "topic", n.topic, "error", err)
	default:
		if !l.failing {
			l.log.Warn("a hub cannot be told of changes yet; it is tried again", "error", err)
		}
		l.add(notice{topic: n.topic, tries: n.tries + 1, due: l.opt.Now().Add(l.retry.Delay(n.tries))})
	}
	l.failing = true
}
