package config

import (
	"slices"
	"strings"
	"testing"
)

const twoDigests = "digests: [{slug: weekly, schedule: 0 8 * * 1}, {slug: daily, schedule: 0 8 * * *}]\n"

func TestNobodySubscribesThemselvesUnlessItIsOpened(t *testing.T) {
	for text, want := range map[string]Subscribe{
		"":                        {Digests: []string{"weekly", "daily"}, PerHour: 20},
		"subscribe: {}":           {Digests: []string{"weekly", "daily"}, PerHour: 20},
		"subscribe: {open: true}": {Open: true, Digests: []string{"weekly", "daily"}, PerHour: 20},
		"subscribe: {open: true, digests: [daily, weekly], per_hour: 3}": {Open: true, Digests: []string{"weekly", "daily"}, PerHour: 3},
		"subscribe: {open: true, digests: [daily]}":                      {Open: true, Digests: []string{"daily"}, PerHour: 20},
	} {
		cfg, faults := load(t, map[string]string{"jianxun.yaml": twoDigests + text})
		if len(faults) != 0 {
			t.Errorf("%q: %v", text, faults)
			continue
		}
		if got := cfg.Subscribe; got.Open != want.Open || got.PerHour != want.PerHour || !slices.Equal(got.Digests, want.Digests) {
			t.Errorf("%q gives %+v, want %+v", text, got, want)
		}
	}
}

func TestFaultsOfSubscribe(t *testing.T) {
	for text, want := range map[string]string{
		"subscribe: {open: perhaps}":              "2:19 ",
		"subscribe: {close: true}":                "2:13 ",
		"subscribe: {digests: [weekly, monthly]}": "2:31 there is no digest \"monthly\"",
		"subscribe: {per_hour: 0}":                "2:23 the number of letters an hour",
		"subscribe: {per_hour: 1001}":             "2:23 the number of letters an hour",
		"subscribe: {open: true, digests: []}":    "2:13 there is no digest that people may subscribe to",
	} {
		_, faults := load(t, map[string]string{"jianxun.yaml": twoDigests + text})
		if len(faults) != 1 {
			t.Errorf("%q: %d faults: %v", text, len(faults), faults)
			continue
		}
		if got := strings.TrimPrefix(faults[0].Where(), faults[0].File+":") + " " + faults[0].Err.Error(); !strings.HasPrefix(got, want) {
			t.Errorf("%q: %s, want %s…", text, got, want)
		}
	}
}
