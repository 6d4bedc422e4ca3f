package outbox

import (
	"math/rand/v2"
	"time"
)

// Backoff says how long to wait after a temporary refusal: First, doubled at
// every attempt up to Max, each with a jitter of up to a quarter. What is not
// delivered GiveUp after its first attempt has failed.
type Backoff struct {
	First, Max, GiveUp time.Duration
}

// Delay is the wait after the attempt with the number given, from 0.
func (b Backoff) Delay(attempt int) time.Duration {
	d := b.First
	for range attempt {
		if d >= b.Max {
			break
		}
		d *= 2
	}
	d = min(d, b.Max)
	return d - time.Duration(rand.Int64N(int64(d)/4+1)) //nolint:gosec // spreads load, guards nothing
}
