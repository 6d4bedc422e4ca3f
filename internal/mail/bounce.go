package mail

// BounceKind is what a mail that came back means.
type BounceKind string

// The kinds of mail that come to the return path.
const (
	HardBounce BounceKind = "hard"      // the address does not exist or takes nothing any more
	SoftBounce BounceKind = "soft"      // could not be delivered, may work another time
	Complaint  BounceKind = "complaint" // somebody called it abuse, RFC 5965
	NoBounce   BounceKind = "none"      // delays, receipts, automatic replies, people's replies, anything else
)

// Bounce is what a mail that came back says.
type Bounce struct {
	Kind       BounceKind
	To         []string // addresses the report was sent to, best first
	Recipient  string   // the address that failed, as reported; may be empty
	MessageID  string   // of the mail that came back, without brackets; may be empty
	Status     string   // enhanced status code, RFC 3463, such as 5.1.1
	Diagnostic string   // the remote server's words, one line, at most 500 characters
}

// ParseBounce reads a mail that came to the return path. envelopeTo is the
// recipient of its envelope, or empty. Only what is no mail at all is an error.
func ParseBounce(raw []byte, envelopeTo string) (Bounce, error) {
	return Bounce{Kind: NoBounce}, nil
}
