package outbox

import (
	"time"

	"jianxun/internal/dial"
)

// Backoff says how long to wait after a temporary refusal, see dial.Backoff.
// What is not delivered GiveUp after its first attempt has failed.
type Backoff struct {
	First, Max, GiveUp time.Duration
}

// Delay is the wait after the attempt with the number given, from 0.
func (b Backoff) Delay(attempt int) time.Duration {
	return dial.Backoff{First: b.First, Max: b.Max}.Delay(attempt)
}
