package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"jianxun/internal/news"
)

func anyCron(spec string, _ *time.Location) error {
	if len(strings.Fields(spec)) != 5 {
		return errors.New("not five fields")
	}
	return nil
}

// load writes files into a folder and loads jianxun.yaml there.
func load(t *testing.T, files map[string]string) (*Config, Faults) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, err := Load(filepath.Join(dir, "jianxun.yaml"), anyCron)
	faults, ok := errors.AsType[Faults](err)
	if err != nil && !ok {
		t.Fatalf("the error is %T, not Faults", err)
	}
	return cfg, faults
}

func TestBuiltInDefaultIsRight(t *testing.T) {
	cfg, err := Load("", anyCron)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.URL != "http://127.0.0.1:8080" || cfg.Zone.String() != "Asia/Shanghai" || cfg.Mail.Host != "" {
		t.Errorf("%+v", cfg)
	}
	if len(cfg.Sources) != 1 || len(cfg.Subscribers) != 3 || len(cfg.Digests) != 1 || len(cfg.Files) != 0 {
		t.Errorf("%d sources, %d subscribers, %d digests, watching %v", len(cfg.Sources), len(cfg.Subscribers), len(cfg.Digests), cfg.Files)
	}
}

func TestEmptyFileGivesDefaults(t *testing.T) {
	cfg, faults := load(t, map[string]string{"jianxun.yaml": "\n# nothing\n"})
	if len(faults) != 0 {
		t.Fatal(faults)
	}
	if cfg.Feeds[0].Slug != news.AllFeed || cfg.Digests[0].Slug != "weekly" || len(cfg.Sources) != 0 || len(cfg.Subscribers) != 0 {
		t.Errorf("%+v", cfg)
	}
	if want := filepath.Join(filepath.Dir(cfg.File), "var", "jianxun.db"); cfg.Store != "sqlite:"+want {
		t.Errorf("store %s, want it beside the file", cfg.Store)
	}
}

func TestOneFaultEach(t *testing.T) {
	for _, c := range []struct{ name, yaml, where, says string }{
		{"unknown key", "site:\n  titel: x", "2:3", `is "title" meant?`},
		{"key far from any", "zzz: 1", "1:1", "known here are site"},
		{"wrong type", "digests: [{slug: a, schedule: 0 8 * * 1, items: [1]}]", "1:49", "a whole number"},
		{"mapping for a scalar", "listen: {a: b}", "1:9", "text"},
		{"scalar for a mapping", "site: 要闻", "1:7", "keys with values"},
		{"scalar for a list", "feeds: yaowen", "1:8", "a list"},
		{"key twice", "listen: 127.0.0.1:1\nlisten: 127.0.0.1:2", "2:1", "in line 1"},
		{"two documents", "listen: 127.0.0.1:1\n---\nlisten: 127.0.0.1:2", "3:7", "more than one document"},
		{"slug twice", "feeds: [{slug: a}, {slug: a}]", "1:27", "used twice"},
		{"bad slug", "feeds: [{slug: A b}]", "1:16", "small letters"},
		{"slug missing", "feeds: [{title: x}]", "1:10", "slug is missing"},
		{"bad cron line", "digests: [{slug: a, schedule: often}]", "1:31", "not a cron line"},
		{"no schedule", "digests: [{slug: a}]", "1:12", "schedule is missing"},
		{"bad zone", "site: {timezone: Mars/Base}", "1:18", "time zone"},
		{"bad sender", "mail: {from: nobody}", "1:14", "not a sender"},
		{"bad address", "listen: here", "1:9", "listen on"},
		{"bad site", "site: {url: ftp://x}", "1:13", "not the address of a site"},
		{"bad relay", "mail: {from: a@b.cn, relay: relay}", "1:29", "not a relay"},
		{"relay without sender", "mail: {relay: \"smtp://relay.example.org:25\"}", "1:8", "needs mail.from"},
		{"mails on a connection", "mail: {mails_per_connection: -1}", "1:30", "at least 1"},
		{"limits that shrink", "mail: {limits: {minute: 20, hour: 10}}", "1:35", "minute ≤ hour ≤ day"},
		{"limit of none", "mail: {limits: {day: 0}}", "1:22", "at least 1"},
		{"domain without names", "mail: {domains: [{minute: 10}]}", "1:19", "names is missing"},
		{"domain that is an address", "mail: {domains: [{names: [a@163.com], minute: 10}]}", "1:26", "after the @"},
		{"domain twice", "mail: {domains: [{names: [163.com], minute: 10}, {names: [163.COM], minute: 9}]}", "1:58", "twice"},
		{"domain without limits", "mail: {domains: [{names: [163.com]}]}", "1:19", "nothing is limited"},
		{"user without password", "mail: {from: a@b.cn, relay: \"smtp://u@relay.example.org\"}", "1:29", "no password"},
		{"admin without a domain", "mail: {admins: [ops@example.org, ops]}", "1:34", "not an e-mail address"},
		{"admin twice", "mail: {admins: [ops@example.org, Ops@example.org]}", "1:34", "twice"},
		{"password in the clear", "mail: {from: a@b.cn, relay: \"smtp://u:p@relay.example.org\", tls: none}", "1:66", "never sent"},
		{"store of another kind", "store: mysql://u@h/db", "1:8", "sqlite:FILE or postgres://"},
		{"server without a database", "store: postgres://u:hidden@h", "1:8", "postgres://u@h\""},
		{"store password twice", "store: postgres://u:p@h/db\nstore_password: p", "1:8", "given twice"},
		{"store password without user", "store: postgres://h/db\nstore_password: p", "1:8", "no user"},
		{"store password for a file", "store: sqlite:a.db\nstore_password: p", "1:8", "PostgreSQL"},
		{"source without kind", "sources: [{name: a}]", "1:12", "kind is missing"},
		{"source of a kind to come", "sources: [{name: a, kind: list, url: \"http://a/\"}]", "1:27", "no source of kind"},
		{"folder that is not there", "sources: [{name: a, kind: directory, path: nowhere}]", "1:44", "cannot be read"},
		{"feed of an unknown source", "feeds: [{slug: a, sources: [b]}]", "1:29", "no source"},
		{"old slug in use", "feeds: [{slug: a, was: [b]}, {slug: b}]", "1:25", "used twice"},
		{"old slug twice", "feeds: [{slug: a, was: [c]}, {slug: b, was: [c]}]", "1:46", "used twice"},
		{"old slug of all", "feeds: [{slug: a, was: [all]}]", "1:25", "used twice"},
		{"bad old slug", "feeds: [{slug: a, was: [A b]}]", "1:25", "small letters"},
		{"slug of searches", "feeds: [{slug: search}]", "1:16", "stands for searches"},
		{"all retired", "feeds: [{slug: all, retired: true}]", "1:30", "cannot be retired"},
		{"yes for true", "feeds: [{slug: a, retired: yes}]", "1:28", "true or false"},
		{"empty keyword", "feeds: [{slug: a, keywords: [\" \"]}]", "1:30", "is empty"},
		{"hub", "websub: {hubs: [hub.example.net]}", "1:17", "not an http or https address"},
		{"network of callbacks", "websub: {allow_private: [ten]}", "1:26", "not a network"},
		{"limit below none", "limits: {feeds: -1}", "1:17", "0, which is none"},
		{"proxy", "limits: {proxies: [proxy]}", "1:20", "not a network"},
		{"return path", "mail: {bounces: {address: bounces}}", "1:27", "not an e-mail address"},
		{"return path with a mark", "mail: {bounces: {address: b+c@example.org}}", "1:27", "without +"},
		{"return path that is long", "mail: {bounces: {address: a-very-long-name-for-bounces@example.org}}", "1:27", "16 characters at most"},
		{"return path of another domain", "mail: {from: a@example.org, bounces: {address: b@example.com}}", "1:48", "organisation of mail.from"},
		{"reports without a return path", "mail: {bounces: {maildir: .}}", "1:18", "without mail.bounces.address"},
		{"no soft run", "mail: {bounces: {address: b@example.org, soft_run: 0}}", "1:52", "from 1 to 100"},
		{"reports looked for too often", "mail: {bounces: {address: b@example.org, every: 1ms}}", "1:49", "every second"},
		{"maildir that is not there", "mail: {bounces: {address: b@example.org, maildir: nowhere}}", "1:51", "cannot be read"},
		{"maildir that is a file", "mail: {bounces: {address: b@example.org, maildir: jianxun.yaml}}", "1:51", "not a folder"},
		{"listener of another kind", "mail: {bounces: {address: b@example.org, listen: \"http://127.0.0.1:1\"}}", "1:50", "not a place to take mail"},
		{"listener without a port", "mail: {bounces: {address: b@example.org, listen: \"lmtp://127.0.0.1\"}}", "1:50", "listen on"},
		{"socket without a path", "mail: {bounces: {address: b@example.org, listen: \"lmtp+unix:\"}}", "1:50", "not a place to take mail"},
		{"mailbox without a user", "mail: {bounces: {address: b@example.org, imap: \"imaps://h/INBOX\"}}", "1:48", "not a mailbox"},
		{"mailbox without a password", "mail: {bounces: {address: b@example.org, imap: \"imaps://u@h/INBOX\"}}", "1:48", "no password"},
		{"mailbox with two passwords", "mail: {bounces: {address: b@example.org, imap: \"imaps://u:p@h\", imap_password: p}}", "1:18", "given twice"},
		{"password of no mailbox", "mail: {bounces: {address: b@example.org, imap_password: p}}", "1:18", "are for a mailbox"},
		{"network", "sources: [{name: a, kind: page, url: \"http://a/\", allow_private: [ten]}]", "1:67", "not a network"},
		{"approvals to come", "digests: [{slug: a, schedule: 0 8 * * 1, approvals: 2}]", "1:53", "without approvals"},
		{"subscribers file", "subscribers: nowhere.yaml", "1:14", "cannot be read"},
		{"variable not set", "site: {title: \"${JIANXUN_NOT_SET}\"}", "1:15", "no variable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, faults := load(t, map[string]string{"jianxun.yaml": c.yaml})
			if len(faults) != 1 {
				t.Fatalf("%d faults: %v", len(faults), faults)
			}
			if got := strings.TrimPrefix(faults[0].Where(), faults[0].File+":"); got != c.where || !strings.Contains(faults[0].Err.Error(), c.says) {
				t.Errorf("%s: %v, want %s: … %s", got, faults[0].Err, c.where, c.says)
			}
			if !strings.Contains(faults[0].Excerpt, "^") {
				t.Errorf("no caret in %q", faults[0].Excerpt)
			}
		})
	}
}

func TestFeedsMovedRetiredAndLimited(t *testing.T) {
	cfg, faults := load(t, map[string]string{"jianxun.yaml": `
feeds:
  - {slug: b, was: [a, aa]}
  - {slug: c, retired: true}
websub: {hubs: ["https://hub.example.net/"], hub: true, allow_private: [10.0.0.0/8]}
limits: {feeds: 0, proxies: []}
`})
	if len(faults) != 0 {
		t.Fatal(faults)
	}
	b, c := cfg.Feeds[1], cfg.Feeds[2]
	if b.Origin() != "a" || len(b.Was) != 2 || b.Retired || !c.Retired || c.Origin() != "c" {
		t.Errorf("%+v and %+v", b, c)
	}
	if !cfg.WebSub.Hub || len(cfg.WebSub.Hubs) != 1 || len(cfg.WebSub.Allow) != 1 {
		t.Errorf("%+v", cfg.WebSub)
	}
	if l := cfg.Limits; l.Feeds != 0 || l.Searches != searchesAMinute || len(l.Proxies) != 0 {
		t.Errorf("%+v", l)
	}
	if cfg, _ := load(t, map[string]string{"jianxun.yaml": ""}); cfg.Limits.Feeds != feedsAMinute || len(cfg.Limits.Proxies) != 2 {
		t.Errorf("left out: %+v", cfg.Limits)
	}
}

func TestSubscriberFaults(t *testing.T) {
	_, faults := load(t, map[string]string{"jianxun.yaml": "subscribers: s.yaml\n", "s.yaml": `subscribers:
  - {email: a@example.org}
  - {email: A@Example.Org}
  - {name: nobody}
  - {email: b@example.org, digests: [weekly, monthly]}
  - {email: c@example.org, format: pdf, until: soon}
`})
	var where []string
	for _, f := range faults {
		where = append(where, strings.TrimPrefix(f.Where(), f.File+":"))
	}
	if got := strings.Join(where, " "); got != "3:13 4:6 5:46 6:36 6:48" {
		t.Errorf("faults at %s: %v", got, faults)
	}
}

func TestSecretsAreTakenFromFileAndEnvironmentAndNeverShown(t *testing.T) {
	t.Setenv("JIANXUN_TEST_PASSWORD", `s3cret", relay: "x`)
	for name, mail := range map[string]string{
		"environment": "mail: {from: a@b.cn, relay: \"smtp://u@relay.example.org:587\", password: \"${JIANXUN_TEST_PASSWORD}\"}",
		"file":        "mail: {from: a@b.cn, relay: \"smtp://u@relay.example.org:587\", password_file: secret}",
	} {
		cfg, faults := load(t, map[string]string{"jianxun.yaml": mail, "secret": "s3cret\", relay: \"x\n"})
		if len(faults) != 0 {
			t.Fatalf("%s: %v", name, faults)
		}
		if cfg.Mail.Password != `s3cret", relay: "x` || cfg.Mail.Port != 587 || cfg.Mail.TLS != "mandatory" {
			t.Errorf("%s: %+v", name, cfg.Mail)
		}
	}
	_, faults := load(t, map[string]string{"jianxun.yaml": "mail: {from: a@b.cn, relay: \"smtp://u:hidden@relay.example.org:587/x\"}"})
	if len(faults) != 1 || strings.Contains(faults[0].Err.Error(), "hidden") {
		t.Errorf("the password is shown: %v", faults)
	}
}

func TestThePasswordOfAStoreIsPutIntoItsAddress(t *testing.T) {
	t.Setenv("JIANXUN_TEST_PASSWORD", "p@ss:w/o rd")
	const want = "postgres://u:p%40ss%3Aw%2Fo%20rd@db.example.org:5433/jx?sslmode=verify-full"
	for name, text := range map[string]string{
		"address":     "store: \"" + want + "\"",
		"environment": "store: \"postgres://u@db.example.org:5433/jx?sslmode=verify-full\"\nstore_password: ${JIANXUN_TEST_PASSWORD}",
		"file":        "store: \"postgres://u@db.example.org:5433/jx?sslmode=verify-full\"\nstore_password_file: secret",
	} {
		cfg, faults := load(t, map[string]string{"jianxun.yaml": text, "secret": "p@ss:w/o rd\n"})
		if len(faults) != 0 || cfg.Store != want {
			t.Errorf("%s: %s, %v", name, cfg.Store, faults)
		}
		if filepath.Base(cfg.Data) != "var" {
			t.Errorf("%s: mail is captured in %s", name, cfg.Data)
		}
	}
}

func TestInitNeverOverwrites(t *testing.T) {
	dir := t.TempDir()
	if _, err := Init(dir); err != nil {
		t.Fatal(err)
	}
	if cfg, err := Load(filepath.Join(dir, "jianxun.yaml"), anyCron); err != nil || len(cfg.Subscribers) != 3 {
		t.Errorf("what init writes does not load: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "jianxun.yaml")); err != nil {
		t.Fatal(err)
	}
	if _, err := Init(dir); news.CodeOf(err) != news.Conflict {
		t.Errorf("init beside a subscribers file: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "jianxun.yaml")); err == nil {
		t.Error("it wrote half")
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(string(DefaultFiles()["jianxun.yaml"]))
	f.Add("feeds: [{slug: a}]\n")
	f.Add("a: &a [*a]")
	f.Fuzz(func(t *testing.T, text string) {
		r := &resolver{cron: anyCron, cfg: &Config{}, read: func(name string) ([]byte, error) {
			if name == "jianxun.yaml" {
				return []byte(text), nil
			}
			return nil, os.ErrNotExist
		}}
		r.load("jianxun.yaml")
		for _, fault := range r.faults {
			if fault.Err == nil || fault.Error() == "" {
				t.Errorf("a fault without words: %+v", fault)
			}
		}
	})
}
