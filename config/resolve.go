package config

import (
	"errors"
	"io/fs"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"jianxun/internal/news"
)

// resolver turns what the files say into a Config.
type resolver struct {
	cron    CronCheck
	read    func(string) ([]byte, error)
	builtin bool
	cfg     *Config
	dir     string // what relative paths are relative to
	doc     *document
	faults  Faults
}

func (r *resolver) fault(path, format string, args ...any) {
	r.doc.fault(path, news.Errorf(news.Invalid, format, args...))
}

func (r *resolver) load(file string) {
	var s fileSchema
	text, ok := r.open(file, "")
	if !ok {
		return
	}
	r.doc = decode(file, text, &s)
	if !r.builtin {
		r.dir = filepath.Dir(file)
	}
	main := r.doc
	r.site(s)
	r.places(s)
	r.sources(s.Sources)
	r.feeds(s)
	r.digests(s)
	r.mail(s.Mail)
	r.websub(s.WebSub)
	r.limits(s.Limits)
	r.subscribe(s.Subscribe)
	r.faults = append(r.faults, main.faults...)
	r.subscribers(s.Subscribers)
}

// open reads a file that the value at path of the present document names.
func (r *resolver) open(file, path string) (string, bool) {
	if !r.builtin {
		r.cfg.Files = append(r.cfg.Files, file)
	}
	b, err := r.read(file)
	if err == nil {
		return strings.TrimPrefix(string(b), "\ufeff"), true
	}
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	if path == "" {
		r.faults = append(r.faults, Fault{File: file, Err: news.Errorf(news.Unavailable, "the file cannot be read: %w", err)})
	} else {
		r.fault(path, "the file %s cannot be read: %w", file, err)
	}
	return "", false
}

// abs makes a path of the file absolute against the folder of the file.
func (r *resolver) abs(path string) string {
	if !filepath.IsAbs(path) {
		path = filepath.Join(r.dir, path)
	}
	if a, err := filepath.Abs(path); err == nil {
		return a
	}
	return path
}

func (r *resolver) site(s fileSchema) {
	c := r.cfg
	c.Title = or(news.OneLine(s.Site.Title), "检察要闻")
	c.Language = or(s.Site.Language, "zh-CN")
	if c.Language != "zh-CN" && c.Language != "en" {
		r.fault("site.language", "the language %q is not spoken; write zh-CN or en", c.Language)
	}
	c.Zone = r.zone("site.timezone", or(s.Site.Timezone, "Asia/Shanghai"))
	c.Listen = or(s.Listen, "127.0.0.1:8080")
	r.address("listen", c.Listen)
	if c.OpsListen = "127.0.0.1:8081"; r.doc.has("ops.listen") {
		c.OpsListen = s.Ops.Listen
	}
	if c.OpsListen != "" {
		r.address("ops.listen", c.OpsListen)
	}
	c.URL = strings.TrimRight(s.Site.URL, "/")
	if c.URL == "" {
		c.URL = "http://" + c.Listen
		if host, port, err := net.SplitHostPort(c.Listen); err == nil && (host == "" || host == "0.0.0.0" || host == "::") {
			c.URL = "http://" + net.JoinHostPort("127.0.0.1", port)
		}
	}
	if u, err := url.Parse(c.URL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" {
		r.fault("site.url", "%q is not the address of a site such as https://news.example.org", redactUser(s.Site.URL))
	}
}

func (r *resolver) zone(path, name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		r.fault(path, "%q is not a time zone such as Asia/Shanghai", name)
		return time.UTC
	}
	return z
}

func (r *resolver) address(path, address string) {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		r.fault(path, "%q is not an address to listen on such as 127.0.0.1:8080", address)
	}
}

func (r *resolver) places(s fileSchema) {
	store := or(s.Store, "sqlite:var/jianxun.db")
	scheme, file, ok := strings.Cut(store, ":")
	switch {
	case strings.HasPrefix(store, "postgres://") || strings.HasPrefix(store, "postgresql://"):
		r.cfg.Data = r.abs("var")
		r.database(s, store)
		return
	case !ok || scheme != "sqlite" || file == "" || strings.HasPrefix(file, "//"):
		r.fault("store", "store %q is not of the form sqlite:FILE or postgres://USER@HOST/DATABASE", redact(store))
	default:
		r.cfg.Store = "sqlite:" + r.abs(file)
		r.cfg.Data = filepath.Dir(r.abs(file))
	}
	if s.StorePassword != "" || s.StorePasswordFile != "" {
		r.fault("store", "a password is for a store on PostgreSQL; remove store_password, or write store: postgres://USER@HOST/DATABASE")
	}
}

// database puts the password into the address of a database.
func (r *resolver) database(s fileSchema, store string) {
	u, err := url.Parse(store)
	if err != nil || strings.Trim(u.Path, "/") == "" || u.Fragment != "" || strings.Contains(u.EscapedPath(), "@") { // of a password with / or # in it
		r.fault("store", "store %q is not of the form sqlite:FILE or postgres://USER@HOST/DATABASE", redact(store))
		return
	}
	_, twice := u.User.Password()
	password := s.StorePassword
	if s.StorePasswordFile != "" {
		twice = twice || password != ""
		if text, ok := r.open(r.abs(s.StorePasswordFile), "store_password_file"); ok {
			password = strings.TrimRight(text, "\r\n")
		}
	}
	switch {
	case password == "":
	case twice:
		r.fault("store", "the password is given twice; keep one of store_password, store_password_file and the address of the store")
	case u.User.Username() == "":
		r.fault("store", "there is a password but no user; write store: postgres://USER@HOST/DATABASE")
	default:
		u.User = url.UserPassword(u.User.Username(), password)
	}
	r.cfg.Store = u.String()
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func orInt(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

func orTime(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}
