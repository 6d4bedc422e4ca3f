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
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return "", news.Errorf(news.Invalid, "%q is not an http or https address", raw)
	}
	host, err := idna.Lookup.ToASCII(strings.ToLower(u.Hostname()))
	if err != nil {
		host = strings.ToLower(u.Hostname()) // underscores and the like live in intranets
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port := u.Port(); port != "" && !(u.Scheme == "http" && port == "80") && !(u.Scheme == "https" && port == "443") {
		host += ":" + port
	}
	u.Host, u.User, u.Fragment, u.RawFragment = host, nil, "", ""
	u.Path, u.RawPath = cleanPath(u.Path), ""
	u.RawQuery = cleanQuery(u.RawQuery)
	return u.String(), nil
}

func cleanPath(p string) string {
	if p == "" {
		return "/"
	}
	cleaned := path.Clean("/" + p)
	if strings.HasSuffix(p, "/") && cleaned != "/" {
		cleaned += "/"
	}
	if i := strings.Index(strings.ToLower(cleaned), ";jsessionid="); i >= 0 {
		cleaned = cleaned[:i]
	}
	return cleaned
}

// cleanQuery keeps the order of what it keeps: sites may depend on it.
func cleanQuery(query string) string {
	session := []string{"jsessionid", "phpsessid", "aspsessionid", "sessionid", "sid", "spm", "from", "isappinstalled", "gclid", "fbclid", "_t", "timestamp"}
	parts := strings.Split(query, "&")
	parts = slices.DeleteFunc(parts, func(p string) bool {
		name, _, _ := strings.Cut(strings.ToLower(p), "=")
		return name == "" || strings.HasPrefix(name, "utm_") || slices.Contains(session, name)
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
	u, err := url.Parse(strings.TrimSpace(ref))
	if err != nil {
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
