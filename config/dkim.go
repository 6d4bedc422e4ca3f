package config

import (
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/net/publicsuffix"

	"jianxun/internal/news"
)

type dkimSchema struct {
	Selector string `yaml:"selector"`
	KeyFile  string `yaml:"key_file"`
	Domain   string `yaml:"domain"`
}

// DKIM is a key that mail is signed with.
type DKIM struct {
	Domain, Selector string
	PEM              []byte // the private key, as its file has it
	at               Fault
}

// Fault tells what is wrong with the key, with the place of its key_file.
func (d DKIM) Fault(err error) Fault {
	d.at.Err = err
	return d.at
}

// dnsName is a domain, and a selector is one too.
var dnsName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$`)

// identity is who mail says it is from: the return path and the DKIM domain must
// be of the sender's organisation, or DMARC counts them for nothing.
func (r *resolver) identity(s mailSchema, m *Mail) {
	r.returnPath(s.ReturnPath, m)
	seen := map[string]bool{}
	for i, k := range s.DKIM {
		path := "mail.dkim[" + strconv.Itoa(i) + "]"
		d := DKIM{Selector: strings.ToLower(k.Selector), Domain: strings.ToLower(or(k.Domain, domainOf(m.From.Address)))}
		switch {
		case k.Selector == "":
			r.fault(path, "the selector is missing; write one such as s1, the name under which the DNS has the key")
		case !dnsName.MatchString(d.Selector):
			r.fault(path+".selector", "%q is not a selector such as s1", k.Selector)
		case seen[d.Selector]:
			r.fault(path+".selector", "the selector %q is used twice; each key needs its own", k.Selector)
		}
		seen[d.Selector] = true
		r.dkimDomain(path+".domain", d.Domain, m)
		if k.KeyFile == "" {
			r.fault(path, "key_file is missing; make a key with: jianxun mail dkim-key FILE")
		} else if text, ok := r.open(r.abs(k.KeyFile), path+".key_file"); ok {
			d.PEM, d.at = []byte(text), r.doc.later(path+".key_file")
		}
		m.DKIM = append(m.DKIM, d)
	}
}

func (r *resolver) dkimDomain(path, name string, m *Mail) {
	from := domainOf(m.From.Address)
	switch {
	case from == "": // a fault already
	case !dnsName.MatchString(name):
		r.fault(path, "%q is not a domain such as example.org", name)
	case organisation(name) != organisation(from):
		r.fault(path, "mail is from %s but signed for %s, another organisation, so receivers do not count the signature (DMARC); write a domain of %s, or remove the key domain", from, name, organisation(from))
	case len(m.DKIM) > 0 && m.DKIM[0].Domain != name:
		r.fault(path, "the first key signs for %s and this one for %s; let all keys sign for one domain", m.DKIM[0].Domain, name)
	}
}

func (r *resolver) returnPath(s string, m *Mail) {
	m.ReturnPath = or(s, m.From.Address)
	if s == "" {
		return
	}
	from := domainOf(m.From.Address)
	switch {
	case news.CheckEmail(s) != nil:
		r.fault("mail.return_path", "%q is not an address such as bounces@example.org", s)
	case from != "" && organisation(domainOf(s)) != organisation(from):
		r.fault("mail.return_path", "mail is from %s but its return path is of %s, another organisation, so receivers do not count SPF (DMARC); write an address of %s, or remove the key return_path", from, domainOf(s), organisation(from))
	}
}

func domainOf(address string) string {
	return strings.ToLower(address[strings.LastIndexByte(address, '@')+1:])
}

// organisation is the organisational domain of RFC 7489 section 3.2: what was
// registered, whatever stands in front of it.
func organisation(domain string) string {
	if org, err := publicsuffix.EffectiveTLDPlusOne(domain); err == nil {
		return org
	}
	return domain
}

// later makes the fault of a value that others judge.
func (d *document) later(path string) Fault {
	p := d.places[path]
	return Fault{File: d.file, Line: p.line, Column: p.column, Excerpt: d.excerpt(p)}
}
