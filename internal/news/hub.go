package news

import "time"

// HubMode is what a subscriber asks of the WebSub hub.
type HubMode string

// The modes of a request to the hub.
const (
	HubSubscribe   HubMode = "subscribe"
	HubUnsubscribe HubMode = "unsubscribe"
)

// HubRequest is a request to the hub that its subscriber has yet to confirm.
// Topic and Callback together say which subscription it is about.
type HubRequest struct {
	ID              int64 // of this request; a later one for the same subscription has another
	Mode            HubMode
	Topic, Callback string
	Host            string // of the callback, by which bounds are counted
	Secret          string // any octets; empty: pushes are not signed
	Lease           time.Duration
	Attempts        int       // failed ones
	Next            time.Time // when to ask again, with HubLater
	Expires         time.Time // end of the subscription, with HubDone
}

// HubPush is the newest content of a topic on its way to one subscriber.
type HubPush struct {
	ID              int64 // of the subscription
	Topic, Callback string
	Secret          string
	Mark            int64  // how often the topic had been marked when the push was claimed
	Document        string // fingerprint of what the subscriber took last; may be empty
	Attempts        int
	Next            time.Time // when to try again, with HubLater
}

// HubVerdict is how an attempt with a request or a push ended.
type HubVerdict string

// The verdicts.
const (
	HubDone    HubVerdict = "done"    // confirmed, or taken
	HubLater   HubVerdict = "later"   // to be tried again
	HubDropped HubVerdict = "dropped" // given up; the subscription stays as it is
	HubGone    HubVerdict = "gone"    // the subscriber ended the subscription
)

// HubBounds are how much the hub keeps at most.
type HubBounds struct {
	Subscriptions int // in all, with those that wait to be confirmed
	PerHost       int // the same for one host of callbacks
	Pending       int // requests that wait to be confirmed
}
