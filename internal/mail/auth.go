package mail

import (
	"errors"
	"fmt"

	"github.com/wneessen/go-mail/log"
	"github.com/wneessen/go-mail/smtp"
)

// tracer passes the lines of a conversation on; go-mail leaves secrets out.
type tracer func(line string)

func (t tracer) Debugf(l log.Log) {
	arrow := "C: "
	if l.Direction == log.DirServerToClient {
		arrow = "S: "
	}
	t(arrow + fmt.Sprintf(l.Format, l.Messages...))
}
func (t tracer) Infof(l log.Log)  { t.Debugf(l) }
func (t tracer) Warnf(l log.Log)  { t.Debugf(l) }
func (t tracer) Errorf(l log.Log) { t.Debugf(l) }

// auth takes the best mechanism the server offers. A password never goes over
// a connection that is not encrypted, unless it stays on this machine.
type auth struct {
	user, password, host string
	chosen               smtp.Auth
}

func (a *auth) Start(server *smtp.ServerInfo) (string, []byte, error) {
	offered := map[string]bool{}
	for _, m := range server.Auth {
		offered[m] = true
	}
	switch {
	case offered["SCRAM-SHA-256"]:
		a.chosen = smtp.ScramSHA256Auth(a.user, a.password)
	case offered["SCRAM-SHA-1"]:
		a.chosen = smtp.ScramSHA1Auth(a.user, a.password)
	case offered["PLAIN"]:
		a.chosen = smtp.PlainAuth("", a.user, a.password, a.host, false)
	case offered["LOGIN"]:
		a.chosen = smtp.LoginAuth(a.user, a.password, a.host, false)
	case offered["CRAM-MD5"]:
		a.chosen = smtp.CRAMMD5Auth(a.user, a.password)
	default:
		return "", nil, errors.New("the relay offers no way to authenticate that is known here (SCRAM, PLAIN, LOGIN, CRAM-MD5)")
	}
	return a.chosen.Start(server)
}

func (a *auth) Next(fromServer []byte, more bool) ([]byte, error) {
	return a.chosen.Next(fromServer, more)
}
