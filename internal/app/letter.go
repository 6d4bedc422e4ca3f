package app

import (
	"context"
	netmail "net/mail"
	"path/filepath"

	"jianxun/internal/mail"
	"jianxun/internal/news"
)

// post hands a letter of the service itself to the relay, or captures it, beside
// the ledger: nothing remembers it, and it is not tried again. trace is told of
// the conversation and may be nil. It gives the name of who took the letter.
func (a *App) post(ctx context.Context, to netmail.Address, subject, text string, trace func(line string)) (where string, err error) {
	g := a.gen.Load()
	m, err := mail.Letter{From: g.composer.From, To: to, Subject: subject, Text: text,
		MessageID: "letter." + newToken() + "@" + g.composer.Domain(), Date: a.opt.Now()}.Message()
	if err == nil {
		m, err = g.outgoing(m)
	}
	if err != nil {
		return "", err
	}
	sent := func() error { return nil }
	if g.relay == nil {
		return filepath.Clean(g.capture.Dir), g.capture.Send(ctx, m, sent)
	}
	relay := *g.relay
	relay.Trace = trace
	c, err := mail.Dial(ctx, relay)
	if err == nil {
		err = c.Send(ctx, m, sent)
		c.Close()
	}
	if err != nil {
		err = news.Errorf(news.Unavailable, "the relay %s did not take the mail: %w; see mail in the configuration", relay.Address(), err)
	}
	return relay.Address(), err
}

// MailTest sends one mail to address through the configured relay, or captures
// it, and gives the conversation without secrets.
func (a *App) MailTest(ctx context.Context, address string) (conversation []string, where string, err error) {
	if err := news.CheckEmail(address); err != nil {
		return nil, "", err
	}
	p := Printer(a.Config().Language)
	where, err = a.post(ctx, netmail.Address{Address: address}, p.T("Test of jianxun"),
		p.T("This mail shows that jianxun can send through the relay that is configured.")+"\n",
		func(line string) { conversation = append(conversation, line) })
	return conversation, where, err
}
