package app

import (
	"context"
	netmail "net/mail"
	"slices"
	"time"

	"jianxun/internal/news"
	"jianxun/internal/schedule"
	"jianxun/internal/web"
)

// signUpsKept is how long a request to be subscribed is remembered.
const signUpsKept = 7 * 24 * time.Hour

// letters posts the letters of the site.
type letters struct{ app *App }

// Post hands a letter to the relay, or captures it.
func (l letters) Post(ctx context.Context, to, subject, text string) error {
	_, err := l.app.post(ctx, netmail.Address{Address: to}, subject, text, nil)
	return err
}

func (g *generation) subscribe() web.Subscribe {
	s := g.cfg.Subscribe
	return web.Subscribe{Open: s.Open, Digests: s.Digests, PerHour: s.PerHour}
}

// forgetSignUps removes requests that are too old to be confirmed, or all once
// nobody may subscribe themselves any more.
func (a *App) forgetSignUps(ctx context.Context, g *generation) error {
	before := a.opt.Now()
	if g.cfg.Subscribe.Open {
		before = before.Add(-signUpsKept)
	}
	return a.store.ForgetSignUps(ctx, before)
}

// addSignUps schedules the forgetting.
func (a *App) addSignUps(s *schedule.Scheduler, g *generation) {
	if g.cfg.Subscribe.Open {
		a.add(s, schedule.Job{Name: "sign-ups", Spec: "@every 1h", Zone: g.cfg.Zone,
			Run: func(ctx context.Context, _ time.Time) error { return a.forgetSignUps(ctx, g) }})
	}
}

// withSignUps adds the people who have yet to confirm, unless they are known.
func (a *App) withSignUps(ctx context.Context, people map[string]news.Subscriber) error {
	waiting, err := a.store.SignUps(ctx)
	for _, u := range waiting {
		s := u.Subscriber()
		if _, known := people[s.ID]; !known {
			people[s.ID] = s
		}
	}
	return err
}

// Own is what a person chose for themselves, where it differs from the list.
type Own struct {
	Digests []string        `json:"digests"`
	Columns []string        `json:"columns"`
	Format  news.MailFormat `json:"format"`
}

func own(s news.Subscriber) *Own {
	if !s.ChoseOtherwise() {
		return nil
	}
	e := s.Effective()
	return &Own{Digests: append([]string{}, e.Digests...), Columns: append([]string{}, e.Columns...), Format: e.Format}
}

// exceptions are the people of the file who get something else than it says:
// closed get nothing, others chose for themselves.
func exceptions(file, known []news.Subscriber) (closed []string, chose []Subscriber) {
	byID := map[string]news.Subscriber{}
	for _, k := range known {
		byID[k.ID] = k
	}
	for _, s := range file {
		k := byID[news.SubscriberID(s.Email)]
		s.Chosen = k.Chosen
		switch {
		case slices.Contains([]news.SubscriberState{news.Unsubscribed, news.Bounced}, k.State):
			closed = append(closed, s.Email)
		case s.ChoseOtherwise():
			chose = append(chose, Subscriber{Email: s.Email, Own: own(s)})
		}
	}
	return closed, chose
}
