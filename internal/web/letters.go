package web

import (
	"context"
	"strings"
	"sync"
	"time"

	"jianxun/internal/news"
	"jianxun/templates"
)

// SignUps keeps requests to be subscribed.
type SignUps interface {
	AskSignUp(ctx context.Context, u news.SignUp, perHour int) (noted news.SignUp, letter bool, err error)
	SignUp(ctx context.Context, id string, asked time.Time) (news.SignUp, error)
	ConfirmSignUp(ctx context.Context, id string, asked time.Time) error
	ForgetSignUp(ctx context.Context, u news.SignUp) error
}

// Letters are mails of the site itself.
type Letters interface {
	Post(ctx context.Context, to, subject, text string) error
}

// confirmWithin is how long the link in a letter is good.
const confirmWithin = 3 * 24 * time.Hour

// Bounds of the letters on their way.
const (
	lettersAtOnce = 2
	letterWithin  = time.Minute
)

// posting sends letters beside the requests that asked for them: how long an
// answer takes must not tell what is known of an address.
type posting struct {
	all  *sync.WaitGroup
	free chan struct{}
}

func newPosting() posting {
	return posting{&sync.WaitGroup{}, make(chan struct{}, lettersAtOnce)}
}

func (p posting) begin(send func(context.Context)) {
	p.all.Go(func() {
		p.free <- struct{}{}
		defer func() { <-p.free }()
		ctx, cancel := context.WithTimeout(context.Background(), letterWithin)
		defer cancel()
		send(ctx)
	})
}

// Posted waits until no letter is on its way.
func (s *Server) Posted() { s.posting.all.Wait() }

// writeTo sends the letter that a request asks for. Who receives mail already is
// told where to choose; who bounced is not written to. When the letter does not
// leave, the request is forgotten, so that it may be made again.
func (s *Server) writeTo(ctx context.Context, st *state, p templates.Printer, u news.SignUp) {
	id := news.SubscriberID(u.Email)
	sub, err := s.opt.People.Subscriber(ctx, id)
	switch {
	case err != nil && news.CodeOf(err) != news.NotFound:
	case sub.State == news.Bounced:
		return
	case sub.State == news.Active && sub.Listed:
		err = s.opt.Letters.Post(ctx, u.Email, p.T("Your subscription to %s", st.Title), paragraphs(
			p.T("Somebody, probably you, asked to subscribe this address to mails of %s. It is subscribed already.", st.Title),
			p.T("What is sent to it is chosen here, and ended:"), st.links.Leave(sub),
			p.T("If it was not you, there is nothing to do.")))
	default:
		err = s.opt.Letters.Post(ctx, u.Email, p.T("Please confirm your subscription to %s", st.Title), paragraphs(
			p.T("Somebody, probably you, asked to subscribe this address to mails of %s.", st.Title),
			p.T("To confirm it, open this page within three days and press the button on it:"), st.links.Confirm(id, u.Asked),
			p.T("If it was not you, there is nothing to do: no mail will come, and the request is forgotten.")))
	}
	if err == nil {
		return
	}
	s.opt.Log.Warn("a letter to confirm a subscription did not leave", "subscriber", id, "error", err)
	if err := s.opt.People.ForgetSignUp(ctx, u); err != nil {
		s.opt.Log.Warn("a request to be subscribed is kept, although its letter did not leave", "subscriber", id, "error", err)
	}
}

func paragraphs(list ...string) string { return strings.Join(list, "\n\n") + "\n" }
