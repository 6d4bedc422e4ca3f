package dial

import (
	"math/rand/v2"
	"time"
)

// Backoff is how long to wait after a failure: First, doubled at every attempt
// up to Max, each with a jitter of up to a quarter.
type Backoff struct{ First, Max time.Duration }

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
