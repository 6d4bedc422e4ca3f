package news

import "time"

// DeliveryState is where the mail of one issue to one subscriber stands.
type DeliveryState string

// The states of a delivery; the arrows between them are those of the ledger
// in docs/decisions/0003-ledger.md.
const (
	Queued     DeliveryState = "queued"
	Leased     DeliveryState = "leased"
	Committing DeliveryState = "committing"
	Delivered  DeliveryState = "sent"
	Deferred   DeliveryState = "deferred"
	Failed     DeliveryState = "failed"
	Uncertain  DeliveryState = "uncertain"
	Suppressed DeliveryState = "suppressed"
)

// Delivery is one row of the ledger.
type Delivery struct {
	IssueID    int64
	Subscriber Subscriber
	State      DeliveryState
	Attempts   int
	FirstTried time.Time // zero before the first attempt
	Next       time.Time // not before this, when deferred
	Reply      string    // the server's last words
	Changed    time.Time
}

// Step is what the holder of a lease records of a delivery: Committing says that
// its final dot is about to be sent, any other state how it ended for now.
type Step struct {
	Delivery
	Tried int // attempts to count: 1, or 0 when the relay was not asked
}

// Holder is who holds leases.
type Holder struct {
	Token  string        // tells the leases from others'
	Lease  time.Duration // how long rows stay with a holder that gives no sign of life
	Relay  string        // where mails go; holders with the same one share its quotas
	Quotas []Quota
}

// Quota bounds the mails that a relay is handed in any time as long as Window.
type Quota struct {
	Window time.Duration
	Mails  int
}

// Tally counts the deliveries of an issue by state.
type Tally map[DeliveryState]int

// Open is the number of deliveries that may still move by themselves.
func (t Tally) Open() int { return t[Queued] + t[Leased] + t[Committing] + t[Deferred] }
