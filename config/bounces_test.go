package config

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestWhereMailComesBackTo(t *testing.T) {
	t.Setenv("JIANXUN_TEST_PASSWORD", "p@ss:w/o rd")
	dir := t.TempDir()
	for name, c := range map[string]struct {
		yaml string
		want Bounces
	}{
		"nothing":     {"", Bounces{SoftRun: 3, Every: time.Minute}},
		"the address": {"{address: b@example.org}", Bounces{Address: "b@example.org", SoftRun: 3, Every: time.Minute}},
		"maildir": {"{address: b@example.org, maildir: " + dir + ", soft_run: 5, every: 10s}",
			Bounces{Address: "b@example.org", Maildir: dir, SoftRun: 5, Every: 10 * time.Second}},
		"lmtp": {`{address: b@example.org, listen: "lmtp://127.0.0.1:2424"}`,
			Bounces{Address: "b@example.org", Listen: Listen{"127.0.0.1:2424", true}, SoftRun: 3, Every: time.Minute}},
		"smtp": {`{address: b@example.org, listen: "smtp://[::1]:2525"}`,
			Bounces{Address: "b@example.org", Listen: Listen{"[::1]:2525", false}, SoftRun: 3, Every: time.Minute}},
		"lmtp by a socket": {`{address: b@example.org, listen: "lmtp+unix:/run/jianxun/lmtp"}`,
			Bounces{Address: "b@example.org", Listen: Listen{"unix:/run/jianxun/lmtp", true}, SoftRun: 3, Every: time.Minute}},
		"imaps": {`{address: b@example.org, imap: "imaps://u%40example.org@mail.example.org/Junk%20mail", imap_password: "${JIANXUN_TEST_PASSWORD}"}`,
			Bounces{Address: "b@example.org", SoftRun: 3, Every: time.Minute, IMAP: IMAP{"mail.example.org:993", "u@example.org", "p@ss:w/o rd", "Junk mail", "implicit", nil}}},
		"imap": {`{address: b@example.org, imap: "imap://u@mail.example.org", imap_password_file: secret, imap_ca_file: ca}`,
			Bounces{Address: "b@example.org", SoftRun: 3, Every: time.Minute, IMAP: IMAP{"mail.example.org:143", "u", "secret", "INBOX", "starttls", []byte("PEM")}}},
		"imap on this machine": {`{address: b@example.org, imap: "imap://u:p@127.0.0.1:1143/"}`,
			Bounces{Address: "b@example.org", SoftRun: 3, Every: time.Minute, IMAP: IMAP{"127.0.0.1:1143", "u", "p", "INBOX", "none", nil}}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, faults := load(t, map[string]string{"jianxun.yaml": "mail: {from: a@mail.example.org, bounces: " + c.yaml + "}", "secret": "secret\n", "ca": "PEM"})
			if len(faults) != 0 || !reflect.DeepEqual(cfg.Mail.Bounces, c.want) {
				t.Errorf("%+v, %v", cfg.Mail.Bounces, faults)
			}
		})
	}
}

func TestASocketLiesBesideTheFileThatNamesIt(t *testing.T) {
	cfg, faults := load(t, map[string]string{"jianxun.yaml": `mail: {bounces: {address: b@example.org, listen: "lmtp+unix:run/lmtp"}}`})
	if len(faults) != 0 || cfg.Mail.Bounces.Listen.Address != "unix:"+filepath.Join(filepath.Dir(cfg.File), "run/lmtp") {
		t.Errorf("%+v, %v", cfg.Mail.Bounces, faults)
	}
}

func TestRequirement04ReturnPathsAreAlignedWithTheSender(t *testing.T) {
	for address, aligned := range map[string]bool{
		"b@example.org": true, "b@Example.ORG": true, "b@bounces.example.org": true, "b@badexample.org": false, "b@example.com": false,
	} {
		_, faults := load(t, map[string]string{"jianxun.yaml": "mail: {from: a@mail.example.org, bounces: {address: " + address + "}}"})
		if refused := len(faults) == 1 && strings.Contains(faults[0].Err.Error(), "organisation of mail.from"); refused == aligned || len(faults) > 1 {
			t.Errorf("%s: %v", address, faults)
		}
	}
}
