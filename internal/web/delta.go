package web

import (
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"jianxun/feedgen"
	"jianxun/internal/news"
)

// past is what a feed document knows of its earlier versions, so that a reader
// that has one of them is given only what is newer (RFC 3229 with the instance
// manipulation "feed"). It lasts as long as the process: a reader whose version
// is not known gets the whole document, which is always right.
type past struct {
	doc     feedgen.Document
	format  feedgen.Format
	meta    meta
	entries map[string]time.Time // of this version: updated, by id
	earlier []version            // the newest first

	mu    sync.Mutex
	newer map[string]*document // by the hash of the earlier version; nil: the whole is better
	given map[string]int       // how often a reader was given the part beyond a version
}

type version struct {
	hash    string
	entries map[string]time.Time
}

// versionsKept is how many versions back a reader may be.
const versionsKept = 16

func newPast(doc feedgen.Document, format feedgen.Format, m meta, was *document) *past {
	p := &past{doc: doc, format: format, meta: m, entries: map[string]time.Time{}, newer: map[string]*document{}, given: map[string]int{}}
	for _, a := range doc.Articles {
		p.entries[a.ID] = a.Updated
	}
	if was != nil && was.past != nil {
		p.earlier = append([]version{{was.hash, was.past.entries}}, was.past.earlier...)
		p.earlier = p.earlier[:min(len(p.earlier), versionsKept)]
	}
	return p
}

// serveNewer answers with the entries that are newer than the version that the
// request names, when it asks for that and the version is known.
func (d *document) serveNewer(w http.ResponseWriter, r *http.Request, c *coding) bool {
	if !slices.ContainsFunc(r.Header["A-Im"], wantsFeed) || misreads(r) {
		return false
	}
	for _, field := range r.Header["If-None-Match"] {
		for tag := range strings.SplitSeq(field, ",") {
			tag = strings.TrimSpace(tag)
			i := slices.IndexFunc(d.past.earlier, func(v version) bool { return isTag(tag, v.hash) })
			if i < 0 {
				continue
			}
			if part := d.past.since(d.past.earlier[i]); part != nil && d.past.understands(r, d.past.earlier[i]) {
				part.serveAs226(w, r, c, tag)
				return true
			}
		}
	}
	return false
}

// misreads tells of rss2email, for which feedparser asks for what is newer, but
// which takes 226 for an error. Before 3.14 it goes by the name of feedparser;
// that it sends both conditions is what few others do who use feedparser.
func misreads(r *http.Request) bool {
	agent := r.UserAgent()
	return strings.HasPrefix(agent, "rss2email/") || strings.HasPrefix(agent, "feedparser/") && r.Header["If-Modified-Since"] != nil
}

// givenKept bounds the memory for who was given a part.
const givenKept = 10_000

// givenAtMost is how often a reader is given the same part.
const givenAtMost = 4

// understands tells whether the reader may be given the part beyond v. One that
// comes back again and again with the version it had can make nothing of it, and
// is given the whole.
func (p *past) understands(r *http.Request, v version) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	// Hashed, as header fields may be long.
	key := hashOf(host, []byte(strings.Join(append([]string{r.UserAgent(), v.hash}, r.Header["X-Forwarded-For"]...), "\x00")))
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.given) >= givenKept {
		clear(p.given)
	}
	p.given[key]++
	return p.given[key] <= givenAtMost
}

// wantsFeed reads A-IM (RFC 3229 section 10.5.3).
func wantsFeed(field string) bool {
	for part := range strings.SplitSeq(field, ",") {
		name, params, _ := strings.Cut(part, ";")
		if strings.EqualFold(strings.TrimSpace(name), "feed") {
			return !zeroWeight(params)
		}
	}
	return false
}

// since is the document of what is newer than v. It is nil when there is nothing
// to be left out, or when an article has been withdrawn since: that only the
// whole document tells.
func (p *past) since(v version) *document {
	p.mu.Lock()
	defer p.mu.Unlock()
	if made, ok := p.newer[v.hash]; ok {
		return made
	}
	p.newer[v.hash] = p.make(v)
	return p.newer[v.hash]
}

func (p *past) make(v version) *document {
	if slices.ContainsFunc(p.doc.Withdrawn, func(a news.Article) bool { _, had := v.entries[a.ID]; return had }) {
		return nil
	}
	part := p.doc
	part.Articles = slices.DeleteFunc(slices.Clone(p.doc.Articles), func(a news.Article) bool {
		had, ok := v.entries[a.ID]
		return ok && had.Equal(a.Updated)
	})
	if n := len(part.Articles); n == 0 || n == len(p.doc.Articles) {
		return nil
	}
	body, err := feedgen.Render(part, p.format)
	if err != nil { // the whole was rendered, and is given instead
		return nil
	}
	d, err := newDocument(p.meta, body, time.Time{})
	if err != nil {
		return nil
	}
	return d
}

// serveAs226 answers with the part. The entity tag is that of the whole, in the
// coding whole that the client would have been given; base is the version it
// has. No cache may keep it: most do not know the status.
func (d *document) serveAs226(w http.ResponseWriter, r *http.Request, whole *coding, base string) {
	c := d.choose(r.Header["Accept-Encoding"])
	h := w.Header()
	for _, f := range c.full {
		h[f.name] = f.value
	}
	h["Etag"] = []string{whole.etag}
	h["IM"] = []string{"feed"}
	h["Delta-Base"] = []string{base}
	h["Cache-Control"] = []string{"private, no-store"}
	w.WriteHeader(http.StatusIMUsed)
	if r.Method != http.MethodHead {
		_, _ = w.Write(c.body) // the client has gone: nothing to be done
	}
}
