package app

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	netmail "net/mail"
	"slices"
	"strings"
	"sync"
	"time"

	"jianxun/internal/dial"
	"jianxun/internal/mail"
	"jianxun/internal/store"
	"jianxun/templates"
)

// alarms tells the admins by mail what goes wrong. What happens is told to it at
// once and costs nobody time; its letters leave from a loop of its own.
//
// At most one letter of a kind leaves in an hour, and 20 in a day, over all
// replicas; what was left out is counted in the next. A letter that cannot be
// sent now waits in memory, at most the last of each kind.
type alarms struct {
	store  *store.Store
	token  string
	now    func() time.Time
	log    *slog.Logger
	admins func() []string
	desk   func() desk
	post   func(ctx context.Context, to netmail.Address, subject, text string) error
	ping   func(context.Context) error // of the store
	wake   chan struct{}

	mu      sync.Mutex // guards what follows
	waiting map[string]*letter
	leftOut int
	relay   outage
	away    outage         // of the store
	failing map[string]int // by digest: how often its due issue could not be published
}

// desk is how letters are written by the configuration in force.
type desk struct {
	p       templates.Printer
	zone    *time.Location
	from    string // the site and the machine
	secrets []string
}

// letter waits to be sent.
type letter struct {
	at            time.Time // what it tells of happened then
	subject, text string
	tries         int
	next          time.Time // not before
}

const (
	alarmEvery   = 5 * time.Second
	ofAKind      = time.Hour // one letter of a kind
	aDay         = 24 * time.Hour
	inADay       = 20
	alarmRetry   = time.Minute
	alarmLastTry = 15 * time.Minute // the longest wait for a relay
	postWithin   = time.Minute
	maxAlarm     = 16 << 10 // octets of a letter's text
)

// run sends letters until ctx ends.
func (l *alarms) run(ctx context.Context) {
	tick := time.NewTicker(alarmEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		l.step(ctx)
		select {
		case <-ctx.Done():
		case <-l.wake:
		case <-tick.C:
		}
	}
}

// step looks for what nobody tells of, and sends what is due.
func (l *alarms) step(ctx context.Context) {
	if len(l.admins()) == 0 || !l.storeAnswers(ctx) {
		return
	}
	if err := l.lookForEnded(ctx); err != nil && ctx.Err() == nil {
		l.log.Warn("it cannot be asked which issues have ended", "error", err)
	}
	for _, kind := range l.due() {
		l.deliver(ctx, kind)
	}
}

// raise has a letter of the kind written and sent. One that waits is replaced.
func (l *alarms) raise(kind string, write func(d desk) (subject, text string)) {
	if len(l.admins()) == 0 {
		return
	}
	d := l.desk()
	subject, text := write(d)
	if len(text) > maxAlarm {
		text = strings.ToValidUTF8(text[:maxAlarm], "") + "…"
	}
	hide := hiding(d.secrets)
	l.mu.Lock()
	if l.waiting[kind] != nil {
		l.leftOut++
	}
	l.waiting[kind] = &letter{at: l.now(), subject: hide.Replace(subject), text: hide.Replace(text)}
	l.mu.Unlock()
	nudge(l.wake)
}

// recall takes back a letter that waits and is no longer true.
func (l *alarms) recall(kind string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.waiting, kind)
}

// due are the kinds whose letters may be tried now.
func (l *alarms) due() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.DeleteFunc(slices.Sorted(maps.Keys(l.waiting)), func(kind string) bool { return l.waiting[kind].next.After(l.now()) })
}

// deliver sends the letter of a kind, if its turn has come.
func (l *alarms) deliver(ctx context.Context, kind string) {
	l.mu.Lock()
	m, others := l.waiting[kind], l.leftOut
	l.mu.Unlock()
	if m == nil || ctx.Err() != nil {
		return
	}
	turns, err := l.turns(ctx, kind, m.at)
	switch {
	case err != nil:
		l.later(m, err)
		return
	case turns == nil:
		l.settle(kind, m, func() { l.leftOut++ })
		l.log.Info("a letter to the admins is left out, as there were enough of them", "kind", kind)
		return
	}
	begun, firm := l.now(), context.WithoutCancel(ctx) // while stopping, what was done is recorded still
	if err := l.send(ctx, m, others); err != nil {
		l.giveBack(firm, turns)
		l.later(m, err)
		return
	}
	l.settle(kind, m, func() { l.leftOut -= others })
	l.finish(firm, turns, begun)
}

// settle forgets a letter, unless another of its kind has taken its place.
func (l *alarms) settle(kind string, m *letter, count func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if count(); l.waiting[kind] == m {
		delete(l.waiting, kind)
	}
}

func (l *alarms) later(m *letter, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	wait := dial.Backoff{First: alarmRetry, Max: alarmLastTry}.Delay(m.tries)
	m.tries++
	m.next = l.now().Add(wait)
	l.log.Warn("a letter to the admins waits", "subject", m.subject, "again_in", wait.Round(time.Second), "error", err)
}

// send hands the letter to the relay for each of the admins. It fails when the
// relay took it for none of them and may do so later.
func (l *alarms) send(ctx context.Context, m *letter, others int) error {
	d := l.desk()
	ctx, cancel := context.WithTimeout(ctx, postWithin)
	defer cancel()
	text := m.text + "\n\n" + d.p.T("Time: %s", m.at.In(d.zone).Format(time.DateTime)) + "\n" + d.p.T("From: %s", d.from) + "\n"
	if others > 0 {
		text += "\n" + d.p.T("Letters left out before this one: %d. No more than one of a kind is sent in an hour, and %d in a day.", others, inADay) + "\n"
	}
	var later error
	sent := false
	for _, admin := range l.admins() {
		err := l.post(ctx, netmail.Address{Address: admin}, m.subject, text)
		e, _ := errors.AsType[*mail.Error](err)
		switch class := cmp.Or(e, &mail.Error{}).Class; {
		case err == nil, class == mail.Uncertain:
			sent = true
		case class == mail.Permanent:
			l.log.Error("the relay refuses a letter to an admin", "to", admin, "error", err)
		default:
			later = err
		}
	}
	if sent {
		return nil
	}
	return later
}

// hiding puts stars in the place of secrets.
func hiding(secrets []string) *strings.Replacer {
	var pairs []string
	for _, s := range secrets {
		if s != "" {
			pairs = append(pairs, s, "***")
		}
	}
	return strings.NewReplacer(pairs...)
}
