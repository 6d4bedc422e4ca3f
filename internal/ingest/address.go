package ingest

import (
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"golang.org/x/net/idna"

	"jianxun/internal/news"
)

// CanonicalURL is the one spelling of an address by which an article is known:
// lower-case scheme and host without default port, a cleaned path, the query
// without tracking and session parameters, no fragment.
func CanonicalURL(raw string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil || u.Hostname() == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return "", news.Errorf(news.Invalid, "%q is not an http or https address", raw)
	}
	host, err := idna.Lookup.ToASCII(strings.ToLower(u.Hostname()))
	if err != nil {
		host = strings.ToLower(u.Hostname()) // underscores and the like live in intranets
		if strings.ContainsFunc(host, notInHost) {
			return "", news.Errorf(news.Invalid, "%q is not an http or https address", raw)
		}
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port := u.Port(); port != "" && !(u.Scheme == "http" && port == "80") && !(u.Scheme == "https" && port == "443") {
		host += ":" + port
	}
	u.Host, u.User, u.Fragment, u.RawFragment = host, nil, "", ""
	u.RawPath = cleanPath(u.EscapedPath())
	if u.Path, err = url.PathUnescape(u.RawPath); err != nil {
		return "", news.Errorf(news.Invalid, "%q is not an http or https address", raw)
	}
	u.RawQuery, u.ForceQuery = cleanQuery(u.RawQuery), false
	return u.String(), nil
}

func notInHost(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"<>\\^`{|}/?#@%", r)
}

// cleanPath spells every name of an escaped path in one way, but keeps %2F: it
// is no slash.
func cleanPath(escaped string) string {
	names := strings.Split(escaped, "/")
	for i, n := range names {
		if name, err := url.PathUnescape(n); err == nil {
			names[i] = strings.ReplaceAll((&url.URL{Path: name}).EscapedPath(), "/", "%2F")
		}
	}
	p := strings.Join(names, "/")
	if i := strings.Index(strings.ToLower(p), ";jsessionid="); i >= 0 {
		p = p[:i]
	}
	if p == "" {
		return "/"
	}
	cleaned := path.Clean("/" + p)
	if strings.HasSuffix(p, "/") && cleaned != "/" {
		cleaned += "/"
	}
	return cleaned
}

// cleanQuery keeps the order of what it keeps: sites may depend on it.
func cleanQuery(query string) string {
	// Names that some site may number its articles by, such as sid, are kept:
	// an article read twice is better than two articles taken for one.
	session := []string{"jsessionid", "phpsessid", "aspsessionid", "sessionid", "spm", "isappinstalled", "gclid", "fbclid"}
	shared := []string{"from=singlemessage", "from=groupmessage", "from=timeline"} // WeChat's marks
	parts := strings.Split(query, "&")
	parts = slices.DeleteFunc(parts, func(p string) bool {
		name, _, _ := strings.Cut(strings.ToLower(p), "=")
		return name == "" || strings.HasPrefix(name, "utm_") || slices.Contains(session, name) || slices.Contains(shared, p)
	})
	return escapeQuery(strings.Join(parts, "&"))
}

// escapeQuery percent-encodes what RFC 3986 does not let stand in a query and
// leaves the rest as it came.
func escapeQuery(query string) string {
	var b strings.Builder
	for _, c := range []byte(query) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// resolve makes ref absolute against base and keeps it only when it is safe to
// show: http, https, mailto. Empty means there is no such address.
func resolve(base *url.URL, ref string, schemes ...string) string {
	ref = strings.TrimSpace(ref)
	u, err := url.Parse(ref)
	if err != nil || ref == "" { // an empty reference would be the base itself
		return ""
	}
	if base != nil {
		u = base.ResolveReference(u)
	}
	u.Scheme, u.RawQuery = strings.ToLower(u.Scheme), escapeQuery(u.RawQuery)
	if !slices.Contains(schemes, u.Scheme) || u.Scheme != "mailto" && u.Host == "" {
		return ""
	}
	return u.String()
}
