package news

import "time"

// BounceKind is what a mail that came back means for whom it was sent to.
type BounceKind string

// The kinds. NoBounce is kept only of mail that nothing else could be made of.
const (
	HardBounce BounceKind = "hard"      // the address takes nothing, now or later
	SoftBounce BounceKind = "soft"      // this mail could not be delivered, the next may be
	Complaint  BounceKind = "complaint" // the person called it abuse
	NoBounce   BounceKind = "none"
)

// Bounce is a report about a mail of ours. It is matched when it is known which
// delivery it is about; of others the mail itself is kept, for somebody to read.
type Bounce struct {
	ID         int64
	Report     string // identity of the report: read twice it is one
	Received   time.Time
	Kind       BounceKind
	IssueID    int64  // 0: not matched
	Subscriber string // id
	Email      string // of the subscriber, and Issue the issue, when it is listed
	Issue      Issue
	Recipient  string // what follows is as the report says it
	MessageID  string
	Status     string // RFC 3463, such as 5.1.1
	Diagnostic string
	Raw        []byte // the beginning of the mail, of one that is not matched
}

// Matched tells whether it is known which delivery the report is about.
func (b Bounce) Matched() bool { return b.IssueID != 0 }

// Reason is why the person gets no more mail, in the words of the report.
func (b Bounce) Reason() string {
	switch {
	case b.Diagnostic != "":
		return b.Diagnostic
	case b.Status != "":
		return b.Status
	}
	return string(b.Kind)
}

// BounceEffect is what recording a bounce did.
type BounceEffect struct {
	New   bool            // false: it was recorded before
	State SubscriberState // what the person is from now on; empty: as before
}

// SuppressionEvent is what happened to a person's getting mail.
type SuppressionEvent string

// The events.
const (
	WasBounced      SuppressionEvent = "bounced"
	WasComplaint    SuppressionEvent = "complained"
	WasUnsubscribed SuppressionEvent = "unsubscribed"
	WasLifted       SuppressionEvent = "lifted" // mail is sent again, by an admin or the person
)

// Suppression is one entry of the history of who gets no mail, and why.
type Suppression struct {
	Subscriber string // id
	At         time.Time
	What       SuppressionEvent
	Reason     string // the report's or the admin's words
}
