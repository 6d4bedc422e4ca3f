// Package config reads the files an admin edits, and holds the ones that are
// used when there are none.
//
// Reading is strict: an unknown key, a wrong type or an impossible value is a
// Fault with its place and what would be right, and all of them are found in
// one go. A Config without faults can be run as it is. Files are only ever
// read, never written.
package config

import (
	"embed"
	"errors"
	"io/fs"
	"net/mail"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"jianxun/internal/news"
)

//go:embed jianxun.yaml subscribers.yaml samples/*.txt
var defaults embed.FS

// Config is the configuration in force.
type Config struct {
	File        string // where it was read; empty for the built-in default
	Title       string
	URL         string // of the site, without a slash at its end
	Language    string
	Zone        *time.Location
	Listen      string
	OpsListen   string // empty: off
	Store       string // sqlite:FILE with FILE absolute, or postgres://… with its password
	Data        string // the folder that captured mail and previews go to
	Sources     []news.Source
	Feeds       []news.Feed // "all" comes first
	Digests     []news.Digest
	Mail        Mail
	WebSub      WebSub
	Limits      Limits
	Subscribers []news.Subscriber
	Subscribe   Subscribe
	Files       []string // everything that was read, to be watched
}

// Mail is how mail leaves.
type Mail struct {
	From        mail.Address
	ReturnPath  string // who is told that a mail cannot be delivered
	DKIM        []DKIM // all of one domain; none: mail is not signed
	Host        string // of the relay; empty: mail is captured
	Port        int
	TLS         string // implicit, mandatory, opportunistic, none
	CA          []byte // PEM of the authorities that sign the relay's certificate; nil: the system's
	User        string
	Password    string
	Connections int
	RetryFirst  time.Duration
	RetryMax    time.Duration
	GiveUp      time.Duration

	Bounces       Bounces
	Admins        []string // who is told by mail what goes wrong; none: nobody
	PerConnection int      // mails, after which a connection is closed
	Limits        []news.Quota
	Domains       []MailDomain
}

// MailDomain is what the servers of some domains bear; 0 is any number.
type MailDomain struct {
	Names         []string
	Connections   int
	PerConnection int
	Minute        int
}

// WebSub is who is told when a feed changes.
type WebSub struct {
	Hubs  []string // others' hubs
	Hub   bool     // be one, at /hub
	Allow []netip.Prefix
}

// Limits are what one client may ask for in a minute; 0 is any number.
type Limits struct {
	Feeds, Searches int
	Proxies         []netip.Prefix // whose X-Forwarded-For is believed
}

// CronCheck tells what is wrong with a cron line.
type CronCheck func(spec string, zone *time.Location) error

// Find is the configuration file to use when none is named: ./jianxun.yaml,
// then /etc/jianxun/jianxun.yaml, then none, which is the built-in default.
func Find() string {
	for _, f := range []string{"jianxun.yaml", "/etc/jianxun/jianxun.yaml"} {
		if _, err := os.Stat(f); err == nil || !errors.Is(err, fs.ErrNotExist) {
			return f
		}
	}
	return ""
}

// Load reads the configuration in file, or the built-in default when file is
// empty. Its error is always Faults; the Config beside it then has only Files.
func Load(file string, cron CronCheck) (*Config, error) {
	r := &resolver{cron: cron, read: os.ReadFile, cfg: &Config{File: file}}
	if file == "" {
		r.read = defaults.ReadFile
		file = "jianxun.yaml"
		r.builtin = true
	}
	r.load(file)
	if len(r.faults) > 0 {
		return &Config{File: r.cfg.File, Files: r.cfg.Files}, r.faults.sorted()
	}
	return r.cfg, nil
}

// Samples are the sample pages the program carries.
func Samples() (fs.FS, error) { return fs.Sub(defaults, "samples") }

// DefaultFiles are the commented files that Init writes.
func DefaultFiles() map[string][]byte {
	files := map[string][]byte{}
	for _, name := range []string{"jianxun.yaml", "subscribers.yaml"} {
		b, err := defaults.ReadFile(name)
		if err != nil { // they are part of the program
			panic(err)
		}
		files[name] = b
	}
	return files
}

// Init writes the commented files into dir and gives their paths. Files that
// are there already are never touched: then nothing is written at all.
func Init(dir string) ([]string, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, news.Errorf(news.Unavailable, "cannot make the folder: %w", err)
	}
	files := DefaultFiles()
	var paths []string
	for _, name := range []string{"jianxun.yaml", "subscribers.yaml"} {
		path := filepath.Join(dir, name)
		if _, err := os.Lstat(path); err == nil {
			return nil, news.Errorf(news.Conflict, "%s is there already and is left as it is", path)
		}
		paths = append(paths, path)
	}
	for _, path := range paths {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
		if err != nil {
			return nil, news.Errorf(news.Unavailable, "cannot write: %w", err)
		}
		_, err = f.Write(files[filepath.Base(path)])
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, news.Errorf(news.Unavailable, "cannot write: %w", err)
		}
	}
	return paths, nil
}
