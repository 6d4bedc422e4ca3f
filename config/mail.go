package config

import (
	"net"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"time"
)

func (r *resolver) mail(s mailSchema) {
	m := Mail{TLS: s.TLS, Connections: orInt(s.Connections, 4), RetryFirst: orTime(s.Retry.First, time.Minute),
		RetryMax: orTime(s.Retry.Max, time.Hour), GiveUp: orTime(s.Retry.GiveUp, 48*time.Hour), Password: s.Password}
	defer func() { r.cfg.Mail = m }()
	from, err := mail.ParseAddress(or(s.From, r.cfg.Title+" <digest@example.org>"))
	if err != nil {
		r.fault("mail.from", "%q is not a sender such as 检察要闻周报 <digest@example.org>", s.From)
	} else {
		m.From = *from
	}
	r.identity(s, &m)
	m.Bounces = r.bounces(s.Bounces, m.From)
	if m.Connections < 1 || m.Connections > 100 {
		r.fault("mail.connections", "the number of connections must be from 1 to 100")
	}
	if m.RetryFirst <= 0 || m.RetryMax < m.RetryFirst || m.GiveUp < m.RetryFirst {
		r.fault("mail.retry", "the times must grow: first ≤ max, and first ≤ give_up")
	}
	r.bounds(s, &m)
	m.Admins = r.admins(s.Admins)
	if s.Relay == "" {
		if r.doc.has("mail.relay") {
			r.fault("mail.relay", "the relay is empty; write smtp://HOST:PORT or remove the key to capture mail")
		}
		return
	}
	r.relay(s, &m)
	r.secret(s, &m)
}

func (r *resolver) relay(s mailSchema, m *Mail) {
	u, err := url.Parse(s.Relay)
	if err != nil || u.Hostname() == "" || u.Scheme != "smtp" && u.Scheme != "smtps" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		r.fault("mail.relay", "%q is not a relay such as smtp://user@relay.example.org:587 or smtps://relay.example.org", redact(s.Relay))
		return
	}
	m.Host, m.User = u.Hostname(), u.User.Username()
	if p, ok := u.User.Password(); ok {
		m.Password = p
	}
	if m.Port = 25; u.Scheme == "smtps" {
		m.Port = 465
	} else if m.User != "" {
		m.Port = 587
	}
	if p := u.Port(); p != "" {
		if m.Port, err = strconv.Atoi(p); err != nil || m.Port < 1 || m.Port > 65535 {
			r.fault("mail.relay", "the port of the relay must be from 1 to 65535") // not which: after smtp://user: it may be a password
		}
	}
	local := m.Host == "localhost" || net.ParseIP(m.Host).IsLoopback()
	if s.From == "" && !local {
		r.fault("mail", "a relay needs mail.from: the sender that it may send for")
	}
	switch {
	case u.Scheme == "smtps":
		if m.TLS = or(m.TLS, "implicit"); m.TLS != "implicit" {
			r.fault("mail.tls", "smtps:// is TLS from the first octet; remove mail.tls or write smtp://")
		}
	case m.TLS == "" && local:
		m.TLS = "opportunistic"
	case m.TLS == "":
		m.TLS = "mandatory"
	case m.TLS != "mandatory" && m.TLS != "opportunistic" && m.TLS != "none":
		r.fault("mail.tls", "%q is not a mode; write mandatory, opportunistic or none", m.TLS)
	}
	if m.User != "" && !local && (m.TLS == "none" || m.TLS == "opportunistic") {
		r.fault("mail.tls", "a password is never sent over a connection that may be unencrypted; write mandatory")
	}
}

func (r *resolver) secret(s mailSchema, m *Mail) {
	if s.PasswordFile != "" {
		if m.Password != "" {
			r.fault("mail.password_file", "the password is given twice; keep one of password, password_file and the address of the relay")
		}
		if text, ok := r.open(r.abs(s.PasswordFile), "mail.password_file"); ok {
			m.Password = strings.TrimRight(text, "\r\n")
		}
	}
	if m.User != "" && m.Password == "" && s.PasswordFile == "" {
		r.fault("mail.relay", "the relay has a user but there is no password; give password_file, password: ${VARIABLE} or neither")
	}
	if s.CAFile != "" {
		if text, ok := r.open(r.abs(s.CAFile), "mail.ca_file"); ok {
			m.CA = []byte(text)
		}
	}
}
