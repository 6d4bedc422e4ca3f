package web

import (
	"net/http"
	"slices"
	"strings"
)

// another tells whether the document is not the one that the request wants to
// be answered of (RFC 9110 section 13.1.1 and 13.1.4).
func (d *document) another(r *http.Request) bool {
	if tags := r.Header["If-Match"]; tags != nil {
		for _, field := range tags {
			for tag := range strings.SplitSeq(field, ",") {
				if tag = strings.TrimSpace(tag); tag == "*" || slices.ContainsFunc(d.codings, func(c coding) bool { return c.etag == tag }) {
					return false
				}
			}
		}
		return true
	}
	since, err := http.ParseTime(r.Header.Get("If-Unmodified-Since"))
	return err == nil && !d.modified.IsZero() && d.modified.After(since)
}

// notModified tells whether the client has this version already.
func (d *document) notModified(r *http.Request) bool {
	if tags := r.Header["If-None-Match"]; tags != nil {
		for _, field := range tags {
			for tag := range strings.SplitSeq(field, ",") {
				if tag = strings.TrimSpace(tag); tag == "*" || isTag(tag, d.hash) {
					return true
				}
			}
		}
		return false
	}
	field := r.Header["If-Modified-Since"]
	if len(field) == 0 || d.modified.IsZero() {
		return false
	}
	since, err := http.ParseTime(field[0])
	return err == nil && !d.modified.After(since)
}

// isTag tells whether a tag is one of the version with the hash. It compares
// weakly, and knows what proxies make of a tag: W/ in front (nginx, Varnish),
// -gzip before the closing quote (Apache).
func isTag(tag, hash string) bool {
	tag = strings.TrimPrefix(tag, "W/")
	if len(tag) < 2 || tag[0] != '"' || tag[len(tag)-1] != '"' {
		return false
	}
	tag = tag[1 : len(tag)-1]
	if !strings.HasPrefix(tag, hash) {
		return false
	}
	rest := strings.ReplaceAll(tag[len(hash):], "--", "-")
	for rest != "" {
		var ok bool
		for _, suffix := range []string{"-gzip", "-br", "-zstd", "-df", ";gzip", ":gzip"} {
			if rest, ok = strings.CutSuffix(rest, suffix); ok {
				break
			}
		}
		if !ok {
			return false
		}
	}
	return true
}
