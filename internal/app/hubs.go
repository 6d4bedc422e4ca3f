package app

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"sync"

	"jianxun/config"
	"jianxun/internal/dial"
	"jianxun/internal/websub"
)

// hubPath is where the embedded hub is.
const hubPath = "/hub"

// hubs is whom a generation tells of changes.
type hubs struct {
	addresses []string
	publisher *websub.Publisher // nil: there is no hub elsewhere
	own       *websub.Hub       // nil: there is none here
}

func (a *App) hubsOf(cfg *config.Config) hubs {
	h := hubs{addresses: slices.Clone(cfg.WebSub.Hubs)}
	client := dial.NewClient(dial.Options{Allow: cfg.WebSub.Allow})
	agent := "jianxun (+" + cfg.URL + ")"
	if len(cfg.WebSub.Hubs) > 0 {
		h.publisher = websub.NewPublisher(websub.PublisherOptions{Hubs: cfg.WebSub.Hubs, Client: client, Agent: agent, Now: a.opt.Now, Log: a.log})
	}
	if cfg.WebSub.Hub {
		address := cfg.URL + hubPath
		h.addresses = append(h.addresses, address)
		h.own = websub.NewHub(websub.HubOptions{Store: a.store, URL: address, Client: client, Agent: agent, Now: a.opt.Now, Log: a.log,
			Topic:   func(topic string) bool { _, _, err := a.web.Topic(topic); return err == nil },
			Content: func(_ context.Context, topic string) ([]byte, string, error) { return a.web.Topic(topic) }})
	}
	return h
}

func (h hubs) handler() http.Handler {
	if h.own == nil {
		return nil // not h.own: a nil *Hub would be a Handler that is not nil
	}
	return h.own
}

// run does what hubs have to do until ctx ends.
func (h hubs) run(ctx context.Context) {
	var wg sync.WaitGroup
	if h.publisher != nil {
		wg.Go(func() { h.publisher.Run(ctx) })
	}
	if h.own != nil {
		wg.Go(func() { h.own.Run(ctx) })
	}
	wg.Wait()
}

// announced is the tags that the hubs of a generation have been told of. What a
// publisher before it had not told yet is told by the next.
type announced struct {
	by   *generation
	tags map[string]string
}

// announce tells the hubs of the documents whose tags are not those that were
// told last, and gives the tags that are. At first none are: what changed while
// nothing ran, or was not told before the end, is told then. Hubs and
// subscribers that have a document already make nothing of it.
func (a *App) announce(ctx context.Context, told announced) announced {
	g := a.gen.Load()
	h := g.hubs
	if len(h.addresses) == 0 {
		return announced{}
	}
	if told.by != g {
		told = announced{by: g}
	}
	tags := a.web.Topics()
	if maps.Equal(tags, told.tags) {
		return told
	}
	var changed []string
	for topic, tag := range tags {
		if told.tags[topic] != tag {
			changed = append(changed, topic)
		}
	}
	slices.Sort(changed)
	if h.own != nil {
		if err := h.own.Publish(ctx, changed); err != nil {
			a.log.Error("the hub could not be told of a change; it is tried again", "error", err)
			return told
		}
	}
	if h.publisher != nil {
		if err := h.publisher.Publish(ctx, changed); err != nil {
			a.log.Warn("not every hub will be told of a change", "error", err)
		}
	}
	return announced{g, tags}
}
