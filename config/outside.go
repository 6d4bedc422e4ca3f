package config

import (
	"net/netip"
	"net/url"
	"strconv"
)

// What readers and hubs elsewhere may do.

const (
	feedsAMinute    = 300
	searchesAMinute = 60
)

func (r *resolver) websub(s websubSchema) {
	for i, h := range s.Hubs {
		if u, err := url.Parse(h); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.Fragment != "" || u.User != nil {
			r.fault("websub.hubs["+strconv.Itoa(i)+"]", "%q is not an http or https address", redactUser(h))
		}
	}
	r.cfg.WebSub = WebSub{Hubs: s.Hubs, Hub: s.Hub, Allow: r.networks("websub.allow_private", s.AllowPrivate)}
}

func (r *resolver) limits(s limitsSchema) {
	if !r.doc.has("limits.feeds") {
		s.Feeds = feedsAMinute
	}
	if !r.doc.has("limits.searches") {
		s.Searches = searchesAMinute
	}
	if !r.doc.has("limits.proxies") {
		s.Proxies = []string{"127.0.0.0/8", "::1/128"}
	}
	for key, n := range map[string]int{"feeds": s.Feeds, "searches": s.Searches} {
		if n < 0 {
			r.fault("limits."+key, "a limit is 0, which is none, or more")
		}
	}
	r.cfg.Limits = Limits{Feeds: s.Feeds, Searches: s.Searches, Proxies: r.networks("limits.proxies", s.Proxies)}
}

// networks reads a list of networks.
func (r *resolver) networks(path string, list []string) []netip.Prefix {
	var all []netip.Prefix
	for i, n := range list {
		p, err := netip.ParsePrefix(n)
		if err != nil {
			r.fault(path+"["+strconv.Itoa(i)+"]", "%q is not a network such as 10.0.0.0/8", n)
		}
		all = append(all, p)
	}
	return all
}
