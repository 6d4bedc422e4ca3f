package config

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

func TestKeysAreReadAsTheyAre(t *testing.T) {
	cfg, faults := load(t, map[string]string{"s1.pem": "rsa key", "s2.pem": "ed key",
		"jianxun.yaml": "mail:\n  from: 检察 <a@Mail.Example.org>\n  return_path: bounces@b.example.org\n  dkim:\n    - {selector: S1, key_file: s1.pem}\n    - {selector: s2, key_file: s2.pem, domain: mail.example.org}\n"})
	if len(faults) != 0 {
		t.Fatal(faults)
	}
	m := cfg.Mail
	if len(m.DKIM) != 2 || m.DKIM[0].Selector != "s1" || m.DKIM[0].Domain != "mail.example.org" || string(m.DKIM[0].PEM) != "rsa key" || string(m.DKIM[1].PEM) != "ed key" || m.ReturnPath != "bounces@b.example.org" {
		t.Errorf("%+v", m)
	}
	if f := m.DKIM[1].Fault(errors.New("broken")); f.Line != 6 || f.Column != 32 || f.Error() != cfg.File+":6:32: broken" || !strings.Contains(f.Excerpt, "s2.pem") {
		t.Errorf("%+v", f)
	}
	if want := filepath.Join(filepath.Dir(cfg.File), "s2.pem"); cfg.Files[len(cfg.Files)-1] != want {
		t.Errorf("watched are %v, not %s", cfg.Files, want)
	}
}

func TestReturnPathIsTheSenderWhenLeftOut(t *testing.T) {
	cfg, faults := load(t, map[string]string{"jianxun.yaml": "mail: {from: 检察 <a@example.org>}"})
	if len(faults) != 0 || cfg.Mail.ReturnPath != "a@example.org" || cfg.Mail.DKIM != nil {
		t.Errorf("%+v, %v", cfg.Mail, faults)
	}
}

func TestOneFaultEachOfKeys(t *testing.T) {
	for _, c := range []struct{ yaml, where, says string }{
		{"dkim: [{key_file: s1.pem}]", "3:11", "selector is missing"},
		{"dkim: [{selector: s_1, key_file: s1.pem}]", "3:21", "not a selector"},
		{"dkim: [{selector: \"s1; x\", key_file: s1.pem}]", "3:21", "not a selector"},
		{"dkim: [{selector: s1, key_file: s1.pem}, {selector: S1, key_file: s1.pem}]", "3:55", "used twice"},
		{"dkim: [{selector: s1}]", "3:11", "key_file is missing"},
		{"dkim: [{selector: s1, key_file: none.pem}]", "3:35", "cannot be read"},
		{"dkim: [{selector: s1, key_file: s1.pem, domain: a..b}]", "3:51", "not a domain"},
		{"dkim: [{selector: s1, key_file: s1.pem}, {selector: s2, key_file: s1.pem, domain: mail.example.org}]", "3:85", "one domain"},
		{"dkim: [{selector: s1, key_file: s1.pem, file: s1.pem}]", "3:43", "known here are selector"},
		{"return_path: bounces", "3:16", "not an address"},
		{"return_path: B <b@example.org>", "3:16", "not an address"},
	} {
		_, faults := load(t, map[string]string{"s1.pem": "key", "jianxun.yaml": "mail:\n  from: 检察 <a@example.org>\n  " + c.yaml})
		if len(faults) == 0 || !strings.HasSuffix(faults[0].Where(), ":"+c.where) || !strings.Contains(faults.Error(), c.says) {
			t.Errorf("%s: %v, want %s %s", c.yaml, faults, c.where, c.says)
		}
	}
}

func TestRequirement04SenderSignatureAndReturnPathAreOfOneOrganisation(t *testing.T) {
	for _, c := range []struct {
		from, signed, path string
		faults             int
	}{
		{"example.org", "example.org", "example.org", 0},
		{"mail.example.org", "example.org", "bounce.example.org", 0},
		{"xx.jcy.gov.cn", "jcy.gov.cn", "mail.jcy.gov.cn", 0},
		{"example.org", "example.net", "example.org", 1},
		{"example.org", "example.org", "example.net", 1},
		{"a.gov.cn", "b.gov.cn", "gov.cn", 2},
		{"a.gov.cn", "gov.cn", "a.gov.cn", 1},
		{"example.org", "org", "notexample.org", 2},
		{"localhost", "localhost", "localhost", 0},
		{"localhost", "local", "localhost", 1},
	} {
		_, faults := load(t, map[string]string{"s1.pem": "key", "jianxun.yaml": "mail:\n  from: a@" + c.from + "\n  return_path: b@" + c.path +
			"\n  dkim:\n    - selector: s1\n      key_file: s1.pem\n      domain: " + c.signed + "\n"})
		if len(faults) != c.faults {
			t.Errorf("%+v: %v", c, faults)
		}
		for _, f := range faults {
			place := "jianxun.yaml:7:15"
			if strings.Contains(f.Error(), "return path") {
				place = "jianxun.yaml:3:16"
			}
			if filepath.Base(f.Where()) != place || !strings.Contains(f.Error(), "mail is from "+c.from) || !strings.Contains(f.Error(), "DMARC") || !strings.Contains(f.Error(), "or remove the key") {
				t.Errorf("%+v: %s", c, f)
			}
		}
	}
}
