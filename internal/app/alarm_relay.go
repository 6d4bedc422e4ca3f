package app

import (
	"crypto/tls"
	"errors"
	"time"

	"jianxun/internal/mail"
	"jianxun/internal/outbox"
)

// outage is since when something cannot be used.
type outage struct {
	since time.Time
	err   error
	kind  string // of the letter about it, once there is one
}

// relayDown is told at each turn in which the relay could not be used.
func (l *alarms) relayDown(since time.Time, err error) {
	if !outbox.IsRelayDown(err) {
		return // it is the store, which is asked itself
	}
	kind := kindRelay
	if refusesUs(err) {
		kind = kindLogin
	}
	l.mu.Lock()
	l.relay.since, l.relay.err = since, err
	worth := l.relay.kind == "" && (kind == kindLogin || l.now().Sub(since) >= relayFor)
	if worth {
		l.relay.kind = kind
	}
	l.mu.Unlock()
	if !worth {
		return
	}
	l.raise(kind, func(d desk) (string, string) {
		subject := d.p.T("jianxun: the relay cannot be used")
		if kind == kindLogin {
			subject = d.p.T("jianxun: the relay refuses the login, or shows a certificate that is not trusted")
		}
		return subject, d.p.T("The relay has not been usable since %s: %v", since.In(d.zone).Format(time.DateTime), err) + "\n" +
			d.p.T("No mail is lost: what is queued is sent when it works again. See mail in the configuration, and: %s", "jianxun mail test ADDRESS")
	})
}

// relayUp is told when the relay takes mail. Letters that wait are tried at once.
func (l *alarms) relayUp() {
	l.mu.Lock()
	over := l.relay
	l.relay = outage{}
	delete(l.waiting, over.kind) // what follows tells the same, and more
	if !over.since.IsZero() {
		for _, m := range l.waiting {
			m.next = time.Time{}
		}
	}
	l.mu.Unlock()
	if over.kind == "" {
		return
	}
	l.raise(over.kind, func(d desk) (string, string) {
		return d.p.T("jianxun: the relay works again"),
			d.p.T("The relay could not be used from %s to %s: %v", over.since.In(d.zone).Format(time.DateTime), l.now().In(d.zone).Format(time.DateTime), over.err) + "\n" +
				d.p.T("No mail is lost: what is queued is being sent.")
	})
}

// refusesUs tells whether waiting does not help: the relay does not accept the
// login (RFC 4954 section 6), or we do not accept its certificate.
func refusesUs(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	e, ok := errors.AsType[*mail.Error](err)
	return ok && (e.Code == 530 || e.Code == 534 || e.Code == 535 || e.Code == 538)
}
