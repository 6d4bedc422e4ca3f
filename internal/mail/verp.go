package mail

// VERP makes and reads return paths that name the delivery.
type VERP struct {
	Address string // what return paths are made of: bounces@example.org
	Key     []byte // of the HMAC
}

// Sender is the return path of the delivery of an issue to a subscriber, whose
// id is a UUID. It is Address itself when no return path can be made.
func (v VERP) Sender(issue int64, subscriber string) string { return v.Address }

// Parse reads a return path that Sender made. Everything else is not ok.
func (v VERP) Parse(address string) (issue int64, subscriber string, ok bool) { return 0, "", false }
