package config

import (
	"slices"
	"strconv"
	"strings"
)

// Subscribe is whether and how people may subscribe themselves.
type Subscribe struct {
	Open    bool
	Digests []string // slugs, in the order of the digests
	PerHour int      // letters to confirm, over all addresses
}

const (
	lettersAnHour     = 20
	lettersAnHourMost = 1000
)

type subscribeSchema struct {
	Open    bool     `yaml:"open"`
	Digests []string `yaml:"digests"`
	PerHour int      `yaml:"per_hour"`
}

func (r *resolver) subscribe(s subscribeSchema) {
	out := Subscribe{Open: s.Open, PerHour: lettersAnHour}
	if r.doc.has("subscribe.per_hour") {
		out.PerHour = s.PerHour
	}
	if out.PerHour < 1 || out.PerHour > lettersAnHourMost {
		r.fault("subscribe.per_hour", "the number of letters an hour must be from 1 to %d", lettersAnHourMost)
	}
	var slugs []string
	for _, d := range r.cfg.Digests {
		slugs = append(slugs, d.Slug)
		if !r.doc.has("subscribe.digests") || slices.Contains(s.Digests, d.Slug) {
			out.Digests = append(out.Digests, d.Slug)
		}
	}
	for i, d := range s.Digests {
		if !slices.Contains(slugs, d) {
			r.fault("subscribe.digests["+strconv.Itoa(i)+"]", "there is no digest %q; there are %s", d, strings.Join(slugs, ", "))
		}
	}
	if s.Open && len(out.Digests) == 0 && len(s.Digests) == 0 {
		r.fault("subscribe", "there is no digest that people may subscribe to; name one under digests")
	}
	r.cfg.Subscribe = out
}
