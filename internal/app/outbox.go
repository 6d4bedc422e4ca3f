package app

import (
	"context"
	"net"
	"strconv"

	"jianxun/config"
	"jianxun/internal/mail"
	"jianxun/internal/news"
	"jianxun/internal/outbox"
)

// outbox makes a Relay for this generation's mail.
func (a *App) outbox(g *generation, token string, settled func(news.Delivery)) *outbox.Relay {
	m := g.cfg.Mail
	opt := outbox.Options{
		Ledger: a.store, Composer: g.composer, Token: token, Lease: a.opt.Lease, Now: a.opt.Now, Log: a.log, Settled: settled,
		Connections: m.Connections, PerConnection: m.PerConnection, Domains: domainsOf(m),
		Retry: outbox.Backoff{First: m.RetryFirst, Max: m.RetryMax, GiveUp: m.GiveUp},
		Dial:  g.dial, Down: a.alarms.relayDown, Up: a.alarms.relayUp,
	}
	if g.relay != nil {
		opt.Name, opt.Quotas = relayName(m), m.Limits
	}
	return outbox.New(opt)
}

// relayName is what the mails handed to a relay are counted under.
func relayName(m config.Mail) string {
	return m.User + "@" + net.JoinHostPort(m.Host, strconv.Itoa(m.Port))
}

func domainsOf(m config.Mail) []outbox.Domain {
	domains := make([]outbox.Domain, len(m.Domains))
	for i, d := range m.Domains {
		domains[i] = outbox.Domain(d)
	}
	return domains
}

func (g *generation) dial(ctx context.Context) (outbox.Transport, error) {
	if g.relay == nil {
		return g.capture, nil
	}
	c, err := mail.Dial(ctx, *g.relay)
	if err != nil {
		return nil, err // not c: a nil *Client would be a Transport that is not nil
	}
	return c, nil
}
