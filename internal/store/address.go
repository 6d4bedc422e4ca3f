package store

import (
	"cmp"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// location is where a database is, as its address says it.
type location struct {
	bare        string // the address without passwords: for people, and for other programs
	password    string
	keyPassword string // of the client's key for TLS
	sslmode     string
}

var (
	secretWord = regexp.MustCompile(`(?i)pass|pwd|psw|secret`)
	// plainHead is what of any text may be shown: up to a user or a file.
	plainHead = regexp.MustCompile(`(?i)^(?:[a-z][a-z0-9+.-]*://)?[^\s:/?#@=]*`)
)

// fileOf is the path in the address of a file. With // it would be one of a
// server, whose password would be shown as part of the path.
func fileOf(address string) (path string, ok bool) {
	path, ok = strings.CutPrefix(address, "sqlite:")
	return path, ok && path != "" && !strings.HasPrefix(path, "//")
}

// locate reads the address of a database. The driver goes by other rules than
// url.Parse, so it is given what was read, and the passwords apart: no error of
// it can show one. An address in which part of a password that ought to be written
// as %XX may stand elsewhere is none.
func locate(address string) (location, bool) {
	if !strings.HasPrefix(address, "postgres://") && !strings.HasPrefix(address, "postgresql://") {
		return location{}, false
	}
	u, err := url.Parse(address)
	if err != nil || strings.Trim(u.Path, "/") == "" || u.Fragment != "" || strings.Contains(u.EscapedPath()+u.RawQuery, "@") || !portsAreNumbers(u.Host) {
		return location{}, false
	}
	settings, plain, ok := readQuery(u.RawQuery)
	if !ok {
		return location{}, false
	}
	password, _ := u.User.Password()
	if u.User != nil {
		u.User = url.User(u.User.Username())
	}
	u.RawQuery, u.ForceQuery = plain, false
	return location{u.String(), cmp.Or(settings["password"], password), settings["sslpassword"], settings["sslmode"]}, true
}

// portsAreNumbers is false where a port is none and may be a password without a
// host after it. There may be several hosts.
func portsAreNumbers(hosts string) bool {
	for host := range strings.SplitSeq(hosts, ",") {
		_, port, _ := strings.Cut(host[strings.LastIndexByte(host, ']')+1:], ":")
		if _, err := strconv.ParseUint(cmp.Or(port, "1"), 10, 16); err != nil {
			return false
		}
	}
	return true
}

// readQuery reads the settings of a query, of which the last word counts, as it
// does for the driver, and gives it without passwords. What looks like a secret
// and is no setting of PostgreSQL is refused.
func readQuery(query string) (settings map[string]string, plain string, ok bool) {
	settings = map[string]string{}
	var kept []string
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		k, v, found := strings.Cut(pair, "=")
		key, keyErr := url.PathUnescape(k)
		value, valueErr := url.PathUnescape(v)
		if !found || keyErr != nil || valueErr != nil {
			return nil, "", false
		}
		settings[key] = value
		switch {
		case key == "password" || key == "sslpassword":
		case key != "passfile" && secretWord.MatchString(key):
			return nil, "", false
		default:
			kept = append(kept, pair)
		}
	}
	return settings, strings.Join(kept, "&"), true
}

// lasting is the address without a password, and the same from wherever it is
// looked at.
func lasting(address string) string {
	if path, ok := fileOf(address); ok {
		if absolute, err := filepath.Abs(path); err == nil {
			return "sqlite:" + absolute
		}
		return address
	}
	if at, ok := locate(address); ok {
		return at.bare
	}
	return shown(address)
}

// shown is what may be shown of text that is not the address of a store, and may
// hold a password anywhere.
func shown(text string) string {
	head := plainHead.FindString(text)
	if strings.ContainsAny(text[len(head):], ":=@?#% \t\r\n") {
		return head + "…"
	}
	return text
}
