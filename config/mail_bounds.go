package config

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"jianxun/internal/news"
)

// bounds reads what the relay and the receivers' domains bear.
func (r *resolver) bounds(s mailSchema, m *Mail) {
	if m.PerConnection = orInt(s.PerConnection, 100); m.PerConnection < 1 {
		r.fault("mail.mails_per_connection", "the number of mails on a connection must be at least 1")
	}
	smaller := 0
	for _, limit := range []struct {
		key    string
		mails  int
		window time.Duration
	}{{"minute", s.Limits.Minute, time.Minute}, {"hour", s.Limits.Hour, time.Hour}, {"day", s.Limits.Day, 24 * time.Hour}} {
		if !r.doc.has("mail.limits." + limit.key) {
			continue
		}
		if limit.mails < 1 || limit.mails < smaller {
			r.fault("mail.limits."+limit.key, "the limits must be at least 1 and grow: minute ≤ hour ≤ day")
		}
		smaller = limit.mails
		m.Limits = append(m.Limits, news.Quota{Window: limit.window, Mails: limit.mails})
	}
	seen := map[string]bool{}
	for i, d := range s.Domains {
		r.mailDomain(fmt.Sprintf("mail.domains[%d]", i), d, seen)
		m.Domains = append(m.Domains, MailDomain(d))
	}
}

// domainName is a name of two labels or more in ASCII (RFC 1035 section 2.3.1).
const domainName = `^(?i)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$`

func (r *resolver) mailDomain(path string, d domainSchema, seen map[string]bool) {
	if len(d.Names) == 0 {
		r.fault(path, "names is missing: the domains that share these limits, such as [163.com, 126.com]")
	}
	valid := regexp.MustCompile(domainName)
	for _, name := range d.Names {
		switch lower := strings.ToLower(name); {
		case !valid.MatchString(name):
			r.fault(path+".names", "%q is not a domain such as 163.com; write the part of addresses after the @", name)
		case seen[lower]:
			r.fault(path+".names", "the domain %s stands here twice", name)
		default:
			seen[lower] = true
		}
	}
	if d.Connections < 0 || d.PerConnection < 0 || d.Minute < 0 || d.Minute > 60_000 {
		r.fault(path, "the numbers must not be negative, and minute at most 60000")
	}
	if d.Connections+d.PerConnection+d.Minute == 0 {
		r.fault(path, "nothing is limited; give connections, mails_per_connection or minute")
	}
}
