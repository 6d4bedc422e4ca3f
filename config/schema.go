package config

import "time"

// The shape of jianxun.yaml and subscribers.yaml, as their keys are written.
// What it means is decided in resolve.go.

type fileSchema struct {
	Site   siteSchema `yaml:"site"`
	Listen string     `yaml:"listen"`
	Ops    opsSchema  `yaml:"ops"`
	Store  string     `yaml:"store"`

	StorePassword     string `yaml:"store_password"`
	StorePasswordFile string `yaml:"store_password_file"`

	Sources     []sourceSchema `yaml:"sources"`
	Feeds       []feedSchema   `yaml:"feeds"`
	Digests     []digestSchema `yaml:"digests"`
	Mail        mailSchema     `yaml:"mail"`
	WebSub      websubSchema   `yaml:"websub"`
	Limits      limitsSchema   `yaml:"limits"`
	Subscribers string         `yaml:"subscribers"`

	Subscribe subscribeSchema `yaml:"subscribe"`
}

type siteSchema struct {
	Title    string `yaml:"title"`
	URL      string `yaml:"url"`
	Language string `yaml:"language"`
	Timezone string `yaml:"timezone"`
}

type opsSchema struct {
	Listen string `yaml:"listen"`
}

type sourceSchema struct {
	Name         string        `yaml:"name"`
	Kind         string        `yaml:"kind"`
	Path         string        `yaml:"path"`
	URL          string        `yaml:"url"`
	Column       string        `yaml:"column"`
	Every        time.Duration `yaml:"every"`
	AllowPrivate []string      `yaml:"allow_private"`
}

type feedSchema struct {
	Slug     string   `yaml:"slug"`
	Title    string   `yaml:"title"`
	Columns  []string `yaml:"columns"`
	Sources  []string `yaml:"sources"`
	Keywords []string `yaml:"keywords"`
	Items    int      `yaml:"items"`
	Content  string   `yaml:"content"`
	Was      []string `yaml:"was"`
	Retired  bool     `yaml:"retired"`
}

type websubSchema struct {
	Hubs         []string `yaml:"hubs"`
	Hub          bool     `yaml:"hub"`
	AllowPrivate []string `yaml:"allow_private"`
}

type limitsSchema struct {
	Feeds    int      `yaml:"feeds"`
	Searches int      `yaml:"searches"`
	Proxies  []string `yaml:"proxies"`
}

type digestSchema struct {
	Slug      string        `yaml:"slug"`
	Title     string        `yaml:"title"`
	Schedule  string        `yaml:"schedule"`
	Timezone  string        `yaml:"timezone"`
	Columns   []string      `yaml:"columns"`
	Items     int           `yaml:"items"`
	WhenEmpty string        `yaml:"when_empty"`
	Approvals int           `yaml:"approvals"`
	Start     string        `yaml:"start"`
	MaxAge    time.Duration `yaml:"max_age"`
}

type mailSchema struct {
	From         string       `yaml:"from"`
	Relay        string       `yaml:"relay"`
	TLS          string       `yaml:"tls"`
	CAFile       string       `yaml:"ca_file"`
	Password     string       `yaml:"password"`
	PasswordFile string       `yaml:"password_file"`
	ReturnPath   string       `yaml:"return_path"`
	DKIM         []dkimSchema `yaml:"dkim"`
	Connections  int          `yaml:"connections"`
	Retry        retrySchema  `yaml:"retry"`
	Admins       []string     `yaml:"admins"`

	PerConnection int              `yaml:"mails_per_connection"`
	Limits        mailLimitsSchema `yaml:"limits"`
	Domains       []domainSchema   `yaml:"domains"`
	Bounces       bouncesSchema    `yaml:"bounces"`
}

type mailLimitsSchema struct {
	Minute int `yaml:"minute"`
	Hour   int `yaml:"hour"`
	Day    int `yaml:"day"`
}

type domainSchema struct {
	Names         []string `yaml:"names"`
	Connections   int      `yaml:"connections"`
	PerConnection int      `yaml:"mails_per_connection"`
	Minute        int      `yaml:"minute"`
}

type retrySchema struct {
	First  time.Duration `yaml:"first"`
	Max    time.Duration `yaml:"max"`
	GiveUp time.Duration `yaml:"give_up"`
}

type subscribersSchema struct {
	Subscribers []subscriberSchema `yaml:"subscribers"`
}

type subscriberSchema struct {
	Email    string   `yaml:"email"`
	Name     string   `yaml:"name"`
	Unit     string   `yaml:"unit"`
	Digests  []string `yaml:"digests"`
	Columns  []string `yaml:"columns"`
	Keywords []string `yaml:"keywords"`
	Format   string   `yaml:"format"`
	Until    string   `yaml:"until"`
}

type bouncesSchema struct {
	Address          string        `yaml:"address"`
	SoftRun          int           `yaml:"soft_run"`
	Maildir          string        `yaml:"maildir"`
	Listen           string        `yaml:"listen"`
	IMAP             string        `yaml:"imap"`
	IMAPPassword     string        `yaml:"imap_password"`
	IMAPPasswordFile string        `yaml:"imap_password_file"`
	IMAPCAFile       string        `yaml:"imap_ca_file"`
	Every            time.Duration `yaml:"every"`
}
