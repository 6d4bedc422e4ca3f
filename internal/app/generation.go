package app

import (
	"crypto/x509"
	netmail "net/mail"
	"path/filepath"
	"sync"

	"jianxun/config"
	"jianxun/digest"
	"jianxun/internal/ingest"
	"jianxun/internal/mail"
	"jianxun/internal/news"
	"jianxun/internal/web"
	"jianxun/templates"
)

// generation is everything that one configuration makes. A reload builds the
// next one whole and swaps it in.
type generation struct {
	cfg      *config.Config
	links    web.Links
	ingester *ingest.Ingester
	drafter  digest.Drafter
	composer *digest.Composer
	relay    *mail.Relay  // nil: mail is captured
	signer   *mail.Signer // nil: mail is not signed
	hubs     hubs
	bounces  bounces
	capture  mail.Capture

	mu   sync.Mutex
	said map[string]string // by source: the refusals that were logged last
}

// says tells whether a source's refusals are news, and remembers them.
func (g *generation) says(source, refusals string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	before := g.said[source]
	g.said[source] = refusals
	return refusals != before
}

func (a *App) generation(cfg *config.Config) (*generation, error) {
	signer, err := signerOf(cfg.Mail.DKIM)
	if err != nil {
		return nil, err
	}
	g := &generation{
		signer:  signer,
		cfg:     cfg,
		links:   web.Links{URL: cfg.URL, Key: a.hostKey},
		drafter: digest.Drafter{Store: a.store},
		capture: mail.Capture{Dir: filepath.Join(cfg.Data, "mail")},
		said:    map[string]string{},
	}
	if g.bounces, err = a.bouncesOf(cfg); err != nil {
		return nil, err
	}
	g.ingester = ingest.New(ingest.Options{
		Saver: a.store, Zone: cfg.Zone, Agent: "jianxun (+" + cfg.URL + ")", Open: openFolder, Builtin: a.samples,
	})
	g.composer = &digest.Composer{
		Templates: a.templates,
		View:      g.view(Printer(cfg.Language)),
		From:      netmail.Address{Name: cfg.Mail.From.Name, Address: cfg.Mail.From.Address},
		Now:       a.opt.Now,
		Issue:     a.store.IssueByID,
		Changes:   a.store.Head,
		Leave:     g.links.Leave,
		Sender:    g.sender,
		Sign:      signer.Message,
		Web:       func(is news.Issue) string { return cfg.URL + digest.WebPath(is) },
		More:      cfg.URL + "/feeds/" + news.AllFeed,
	}
	g.hubs = a.hubsOf(cfg)
	if cfg.Mail.Host == "" {
		return g, nil
	}
	m := cfg.Mail
	g.relay = &mail.Relay{Host: m.Host, Port: m.Port, TLS: mail.TLSMode(m.TLS), User: m.User, Password: m.Password}
	if m.CA != nil {
		g.relay.Roots = x509.NewCertPool()
		if !g.relay.Roots.AppendCertsFromPEM(m.CA) {
			return nil, config.Faults{{File: cfg.File, Err: news.Errorf(news.Invalid, "the file under mail.ca_file holds no certificate")}}
		}
	}
	return g, nil
}

func (g *generation) view(p templates.Printer) digest.View {
	return digest.View{Printer: p, Zone: g.cfg.Zone, Link: func(it news.Item) string { return g.links.Article(it.ArticleID, it.URL) }}
}

// webIssue is an issue as the web shows it: all of it, to everybody.
func (a *App) webIssue(is news.Issue, p templates.Printer) templates.Issue {
	return a.gen.Load().view(p).Issue(is, digest.Choice{}, digest.FullLead, len(is.Items))
}

func (g *generation) settings(loopback bool) web.Settings {
	s := web.Settings{Title: g.cfg.Title, URL: g.cfg.URL, Language: g.cfg.Language, Zone: g.cfg.Zone, Feeds: g.cfg.Feeds,
		Sources: g.cfg.Sources, Hubs: g.hubs.addresses, Hub: g.hubs.handler(), Digests: g.cfg.Digests, Subscribe: g.subscribe(), Folder: g.capture.Dir,
		Limits: web.Limits{Feeds: g.cfg.Limits.Feeds, Searches: g.cfg.Limits.Searches, Proxies: g.cfg.Limits.Proxies}}
	if loopback && g.relay == nil {
		s.Mailbox = mailbox{g.capture}
	}
	return s
}

// mailbox shows captured mail to the web package in its own words.
type mailbox struct{ capture mail.Capture }

func (m mailbox) Letters(limit int) ([]web.Letter, error) {
	list, err := m.capture.List(limit)
	letters := make([]web.Letter, len(list))
	for i, c := range list {
		letters[i] = letterOf(c)
	}
	return letters, err
}

func (m mailbox) Letter(name string) (web.Letter, error) {
	c, err := m.capture.Read(name)
	return letterOf(c), err
}

func (m mailbox) Raw(name string) ([]byte, error) { return m.capture.Raw(name) }

func letterOf(c mail.Captured) web.Letter {
	l := web.Letter{Name: c.Name, Subject: c.Subject, To: c.To, Date: c.Date, HTML: c.HTML, Text: c.Text}
	for _, f := range c.Header {
		l.Header = append(l.Header, templates.Header{Name: f.Name, Value: f.Value})
	}
	return l
}
