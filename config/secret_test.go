package config

import (
	"strings"
	"testing"
)

// Every secret below holds the word hid: no fault may show any part of it.

func TestAnAddressThatIsNoStoreDoesNotShowItsPassword(t *testing.T) {
	for _, store := range []string{
		"postgres://u:hidden@host", "postgres://u:hid/hidden@host/db", "postgres://u:hid#hidden@host/db", "postgres://u:hid?hidden@host/db",
		"postgres://u:hid%hidden@host/db", "postgres://u:hi@hidden@host", "postgres://u:[hidden@host/db", "postgres://u:hidden:x@host:x/db",
		"postgres://u:hid hidden@host/db", "postgres://u:hidden", "postgres://host?password=hidden", "postgres://host/?password=hidden",
		"postgres://u@host?password=x@hidden", "postgres:host=x password=hidden dbname=y", "postgres:u:hidden@host/db", "postgres:/u:hidden@host/db",
		"postgresql:u:hidden", "posgres://u:hidden@host/db", "posgres://u:hidden", "pg:u:hidden@h", "sqlite://u:hidden@host/db", "u:hidden@host/db",
		"u:hid hidden@host/db", "postgres//u:hidden@host/db", "host=x password=hidden", "password=hidden host=x", "POSTGRES://u:hidden@host/db",
		"postgres://u:12/hidden@host/db", "postgres://u:12/x#hidden", "postgres://u:hid'hidden@host", "mysql://u:hidden@host/db",
	} {
		for _, line := range []string{"store: \"" + store + "\"", "store: '" + strings.ReplaceAll(store, "'", "''") + "'", "store: " + store, "{store: \"" + store + "\", listen: 127.0.0.1:1}", "store:\n  " + store} {
			_, faults := load(t, map[string]string{"jianxun.yaml": line})
			if len(faults) == 0 {
				t.Errorf("%s is taken", line)
			}
			hides(t, line, faults)
		}
		t.Setenv("JIANXUN_TEST_STORE", store)
		_, faults := load(t, map[string]string{"jianxun.yaml": "store: ${JIANXUN_TEST_STORE}"})
		hides(t, store, faults)
	}
}

func hides(t *testing.T, text string, faults Faults) {
	t.Helper()
	for _, f := range faults {
		if shown := f.Error() + "\n" + f.Excerpt; strings.Contains(strings.TrimPrefix(shown, f.File), "hid") {
			t.Errorf("%s:\n%s", text, shown)
		}
	}
}

func TestOnlyAddressesWithSlashesAreStoresOnPostgreSQL(t *testing.T) {
	for store, ok := range map[string]bool{
		"postgres://u@h/db": true, "postgresql://u@h:5433/db?sslmode=disable": true, "postgres://u:p%40ss%2F%23@h/db": true, "postgres:///db": true,
		"postgres:u@h/db": false, "postgres:/u@h/db": false, "postgresql:host=h dbname=db": false, "postgres": false, "postgres://h": false,
	} {
		_, faults := load(t, map[string]string{"jianxun.yaml": "store: \"" + store + "\""})
		if ok != (len(faults) == 0) || !ok && !strings.Contains(faults[0].Error(), "sqlite:FILE or postgres://USER@HOST/DATABASE") {
			t.Errorf("%s: %v", store, faults)
		}
	}
}

func TestAFaultOfMailDoesNotShowAPassword(t *testing.T) {
	for _, text := range []string{
		"mail: {from: a@b.cn, relay: \"smtp://u:hidden@h/x\"}",
		"mail:\n  from: a@b.cn\n  relay: smtp://u:hidden@h/x",
		"mail: {from: a@b.cn, relay: \"smtp://u:hidden\"}",
		"mail: {from: a@b.cn, relay: \"smtps://u:hid@hidden@h?x\"}",
		"mail: {from: nobody, relay: \"smtp://u:hidden@localhost\"}",
		"mail: {from: nobody, password: hidden}",
		"mail: {from: nobody, password: 'it''s, hidden', tls: none}",
		"mail: {from: nobody, password: \"say \\\", hidden\", tls: none}",
		"mail: {password: hid,hidden}",
		"mail: {password: hid, hidden: x}",
		"mail: {password=hidden}",
		"mail: {\"password\":\"hidden\", x: 1}",
		"mail:\n  pasword: hidden",
		"mail:\n  pass: hidden",
		"mail:\n  密码: hidden",
		"mail:\n  password：hidden",
		"mail:\n  from: a@b.cn\n  password:hidden",
		"mail:\n\tpassword: hidden",
		"mail:\n  password: hidden\n  password: hidden",
		"mail:\n  password: hid\nhidden\n",
		"mail:\n  password: \"hid\nhidden",
		"mail:\n  password: \"hid\\qhidden\"",
		"mail:\n  password: 'it''s hidden' x",
		"mail:\n  password: |\n    hid\n   hidden",
		"mail:\n  password:\n    - hidden",
		"mail:\n  password: {hidden: x}",
		"mail:\n  password: @hidden",
		"mail:\n  password: hid: hidden",
		"mail:\n  password_file: hidden\n  password_file: hidden",
		"store_password: [hidden]",
		"mail: {bounces: {imap: \"imaps://u:hidden@h/INBOX?x\"}}",
		"mail: {bounces: {imap: \"imap:u:hidden@h\", imap_password: hidden}}",
		"mail:\n  bounces:\n    imap:\n      u:hidden",
		"mail:\n  bounces:\n    imap_pasword: hidden",
		"mail: {bounces: {listen: \"lmtp://u:hidden@h:1\"}}",
		"site: {url: \"ftp://u:hidden@h/\"}",
		"websub: {hubs: [\"http://u:hidden@h/\"]}",
		"sources: [{name: a, kind: page, url: \"http://u:hidden@h:x/\"}]",
	} {
		_, faults := load(t, map[string]string{"jianxun.yaml": text})
		if len(faults) == 0 {
			t.Errorf("%s is taken", text)
		}
		hides(t, text, faults)
	}
}

// A port may be a password whose address has no host yet.
func TestAPortThatIsNoneIsNotShown(t *testing.T) {
	_, faults := load(t, map[string]string{"jianxun.yaml": "mail: {from: a@b.cn, relay: \"smtp://u:7654321\"}"})
	if len(faults) == 0 || strings.Contains(faults.Error()+faults[0].Excerpt, "7654321") {
		t.Errorf("%v\n%s", faults, faults[0].Excerpt)
	}
}

func TestExcerptsShowTheRestAndPointToTheirPlace(t *testing.T) {
	for _, c := range []struct{ text, line, under string }{
		{"listen: here", "listen: here", "here"},
		{"store: sqlite:/var/lib/x.db\nstore_password: p", "store: sqlite:/var/lib/x.db", "sqlite"},
		{"store: mysql://u@h/db", "store: mysql://u@h/db", "mysql"},
		{"site: {url: \"ftp://h:8080/a\"}", "site: {url: \"ftp://h:***\"}", "\"ftp"},
		{"sources: [{name: a, kind: page, url: \"http:/h:8080/a\"}]", "sources: [{name: a, kind: page, url: \"http:/h:8080/a\"}]", "\"http"},
		{"mail: {from: a@b.cn, relay: \"smtp://u:p@relay.example.org\", tls: none}", "mail: {from: a@b.cn, relay: \"smtp://u:***\", tls: none}", "none"},
		{"mail: {from: a@b.cn, relay: \"smtp://u@relay.example.org\", password: \"a long one\", tls: none}", "mail: {from: a@b.cn, relay: \"smtp://u@relay.example.org\", password: \"***\", tls: none}", "none"},
		{"mail: {from: 办公室, password: \"密\"}", "mail: {from: 办公室, password: \"***\"}", "办公室"},
		{"mail: {password: abc, from: nobody}", "mail: {password: ***", "***"}, // where the password ends is not known
	} {
		_, faults := load(t, map[string]string{"jianxun.yaml": c.text})
		if len(faults) != 1 {
			t.Fatalf("%s: %v", c.text, faults)
		}
		first, second, _ := strings.Cut(faults[0].Excerpt, "\n")
		_, line, _ := strings.Cut(first, " | ")
		_, caret, _ := strings.Cut(second, " | ")
		if before, _, _ := strings.Cut(line, c.under); line != c.line || len(caret)-1 != len(before) {
			t.Errorf("%s:\n%s", c.text, faults[0].Excerpt)
		}
	}
}
