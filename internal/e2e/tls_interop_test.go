//go:build interop

package e2e

import (
	"encoding/pem"
	"strings"
	"testing"
)

// TestInteropRequirement30Postfix: where TLS is mandatory nothing leaves in the
// clear or to a server that cannot show who it is, nothing is lost, and all of
// it leaves once the server is the right one.
func TestInteropRequirement30Postfix(t *testing.T) {
	for _, c := range []struct {
		name  string
		clear bool
		spoil func(p *postfix, config string) string
		says  string
	}{
		{"no STARTTLS", true, func(_ *postfix, config string) string { return config }, "STARTTLS"},
		{"an authority that is not ours", false, func(p *postfix, config string) string {
			other, _ := p.certificate("other", nil, nil)
			write(t, p.path("other.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: other.Raw})))
			return strings.Replace(config, p.ca, p.path("other.pem"), 1)
		}, "certificate"},
		{"another name", false, func(_ *postfix, config string) string {
			return strings.Replace(config, "smtp://127.0.0.1", "smtp://localhost", 1)
		}, "certificate"},
	} {
		t.Run(c.name, func(t *testing.T) {
			people := accounts(3)
			p := newPostfix(t, postfixOf{accounts: people, clear: c.clear})
			o := newOffice(t, p, "检察要闻周报", subscribersOf(people), "")
			good := read(t, o.dir+"/jianxun.yaml")
			o.draft()
			o.write("jianxun.yaml", c.spoil(p, good))
			_, errs, code := o.run("issue", "send", "weekly")
			if code != 1 || !strings.Contains(errs, c.says) {
				t.Errorf("exit %d: %s", code, errs)
			}
			p.idle()
			// Postfix notes the client of every mail that is begun.
			if log := read(t, p.path("mail.log")); strings.Contains(log, "client=") || !strings.Contains(log, "ehlo=1") {
				t.Errorf("a mail was begun, or nobody came: %s", log)
			}
			if is := o.issue(); is.Deliveries.Queued != 3 {
				t.Errorf("%+v", is)
			}
			if c.clear {
				good = strings.Replace(good, "tls: mandatory", "tls: none", 1)
			}
			o.write("jianxun.yaml", good)
			o.must("issue", "send", "weekly")
			p.idle()
			for _, who := range people {
				o.only(who)
			}
		})
	}
}
