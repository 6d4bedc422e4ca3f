package app

import (
	"context"
	"time"

	"jianxun/internal/news"
)

// What commands do with mail that came back.

// Bounce is a report about a mail that came back, as commands print it.
type Bounce struct {
	ID         int64           `json:"id"`
	Received   time.Time       `json:"received"`
	Kind       news.BounceKind `json:"kind"`
	Matched    bool            `json:"matched"`
	Issue      string          `json:"issue,omitempty"` // DIGEST/NUMBER
	Email      string          `json:"email,omitempty"` // of the subscriber
	Recipient  string          `json:"recipient"`       // as the report says, and so what follows
	MessageID  string          `json:"message_id"`
	Status     string          `json:"status"`
	Diagnostic string          `json:"diagnostic"`
	Mail       string          `json:"mail,omitempty"` // its beginning, of one that is not matched; without what may steer a terminal
}

// Bounces lists reports, the newest first: all, or those about no mail that is known.
func (a *App) Bounces(ctx context.Context, unmatched bool, limit int) ([]Bounce, error) {
	list, err := a.store.Bounces(ctx, unmatched, limit)
	views := make([]Bounce, len(list))
	for i, b := range list {
		views[i] = a.bounceView(b)
	}
	return views, err
}

// Bounce finds one report.
func (a *App) Bounce(ctx context.Context, id int64) (Bounce, error) {
	b, err := a.store.Bounce(ctx, id)
	return a.bounceView(b), err
}

func (a *App) bounceView(b news.Bounce) Bounce {
	v := Bounce{ID: b.ID, Received: b.Received.In(a.Config().Zone), Kind: b.Kind, Matched: b.Matched(), Email: b.Email, Recipient: b.Recipient,
		MessageID: b.MessageID, Status: b.Status, Diagnostic: b.Diagnostic, Mail: news.CleanText(string(b.Raw))}
	if b.Matched() {
		v.Issue = b.Issue.Digest + "/" + b.Issue.Ref()
	}
	return v
}

// maxReason bounds a reason, in characters.
const maxReason = 500

// Lift has a person whose mail bounced written to again, for a reason.
func (a *App) Lift(ctx context.Context, email, reason string) error {
	if reason = news.OneLine(reason); reason == "" {
		return news.Errorf(news.Invalid, "the reason is empty; write why mail will arrive now")
	}
	if len([]rune(reason)) > maxReason {
		return news.Errorf(news.TooLarge, "the reason may have %d characters at most", maxReason)
	}
	if err := news.CheckEmail(email); err != nil {
		return err
	}
	return a.store.Lift(ctx, news.SubscriberID(email), reason)
}
