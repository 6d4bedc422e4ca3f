package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/andybalholm/brotli"
)

// document is a finished answer that is served from memory in every coding. It
// is built once per change and never altered.
type document struct {
	name     string // of the file, for Range
	hash     string
	modified time.Time // in whole seconds; zero: not said
	codings  []coding  // the best first; the last is identity
	past     *past     // nil: it is only ever given whole
}

// coding is the document in one content coding, with its header fields made
// ready: they are handed to net/http as they are.
type coding struct {
	name string // "" is identity
	body []byte
	etag string
	full []field // of a whole answer
	same []field // of one that says: not modified
}

// field is a header field. Its name is in the form of http.CanonicalHeaderKey.
type field struct {
	name  string
	value []string
}

// cachePublic lets readers keep a document for a minute. A cache in front, which
// asks for all of them, keeps it half as long, so that what was withdrawn is gone
// there after a minute and a half at most; it shows the old one while it fetches
// the new one, and for a day when we are down.
const cachePublic = "public, max-age=60, s-maxage=30, stale-while-revalidate=60, stale-if-error=86400"

// meta is what is said of a document besides its octets.
type meta struct {
	name, contentType, cache string
	link                     string // of the field Link (RFC 8288), empty: none
}

// compressFrom is the size from which compression is worth it, in octets.
const compressFrom = 512

func newDocument(m meta, body []byte, modified time.Time) (*document, error) {
	d := &document{name: m.name, hash: hashOf(m.contentType, body)}
	if !modified.IsZero() {
		d.modified = modified.Add(time.Second - 1).Truncate(time.Second).UTC()
	}
	if len(body) >= compressFrom {
		br, err := compressBrotli(body)
		if err != nil {
			return nil, err
		}
		gz, err := compressGzip(body)
		if err != nil {
			return nil, err
		}
		d.add("br", br, m, "Accept-Encoding")
		d.add("gzip", gz, m, "Accept-Encoding")
	}
	d.add("", body, m, "Accept-Encoding")
	return d, nil
}

func hashOf(contentType string, body []byte) string {
	h := sha256.New()
	h.Write([]byte(contentType + "\x00"))
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil)[:12])
}

func (d *document) add(name string, body []byte, m meta, vary string) {
	c := coding{name: name, body: body, etag: `"` + d.hash + `"`}
	if name != "" {
		c.etag = `"` + d.hash + "-" + name + `"`
	}
	c.same = []field{{"Cache-Control", []string{m.cache}}, {"Vary", []string{vary}}, {"Etag", []string{c.etag}}, {"X-Content-Type-Options", nosniff}}
	if !d.modified.IsZero() {
		c.same = append(c.same, field{"Last-Modified", []string{d.modified.Format(http.TimeFormat)}})
	}
	c.full = append(slices.Clone(c.same), field{"Content-Type", []string{m.contentType}}, field{"Content-Length", []string{strconv.Itoa(len(body))}})
	if name != "" {
		c.full = append(c.full, field{"Content-Encoding", []string{name}})
	}
	if m.link != "" {
		c.full = append(c.full, field{"Link", []string{m.link}})
	}
	d.codings = append(d.codings, c)
}

func compressBrotli(body []byte) ([]byte, error) {
	var b bytes.Buffer
	w := brotli.NewWriterLevel(&b, 6)
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	err := w.Close()
	return b.Bytes(), err
}

func compressGzip(body []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	err = w.Close()
	return b.Bytes(), err
}

// serve answers GET and HEAD by RFC 9110: the coding by Accept-Encoding, 304
// by If-None-Match or else If-Modified-Since, ranges when asked.
func (d *document) serve(w http.ResponseWriter, r *http.Request, now time.Time) {
	if (r.Header["If-Match"] != nil || r.Header["If-Unmodified-Since"] != nil) && d.another(r) {
		w.WriteHeader(http.StatusPreconditionFailed)
		return
	}
	c := d.choose(r.Header["Accept-Encoding"])
	fields, notModified := c.full, d.notModified(r)
	if notModified {
		fields = c.same
	}
	h := w.Header()
	for _, f := range fields {
		h[f.name] = f.value
	}
	// Within a second the time cannot tell two versions apart.
	if now.Before(d.modified.Add(time.Second)) {
		delete(h, "Last-Modified")
	}
	if notModified {
		delete(h, "Content-Type") // a page may have set it
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if d.past != nil && r.Header["A-Im"] != nil && d.serveNewer(w, r, c) {
		return
	}
	if r.Header["Range"] != nil && r.Method == http.MethodGet { // for no other it has a meaning
		http.ServeContent(rangesOnly{w}, withoutConditions(r), d.name, d.modified, bytes.NewReader(c.body))
		return
	}
	if r.Method != http.MethodHead {
		_, _ = w.Write(c.body) // the client has gone: nothing to be done
	}
}

// rangesOnly hides optional interfaces, which ServeContent does not need.
type rangesOnly struct{ http.ResponseWriter }

// withoutConditions leaves ServeContent the range alone; conditions on a whole
// document have been answered.
func withoutConditions(r *http.Request) *http.Request {
	clone := r.Clone(r.Context())
	clone.Header.Del("If-None-Match")
	clone.Header.Del("If-Modified-Since")
	clone.Header.Del("If-Match")
	clone.Header.Del("If-Unmodified-Since")
	return clone
}

// choose takes the first coding that the client accepts with a weight above 0.
func (d *document) choose(accept []string) *coding {
	last := len(d.codings) - 1
	if len(accept) == 0 {
		return &d.codings[last]
	}
	for i := range d.codings[:last] {
		if accepts(accept, d.codings[i].name) {
			return &d.codings[i]
		}
	}
	return &d.codings[last]
}

// accepts reads Accept-Encoding (RFC 9110 section 12.5.3).
func accepts(fields []string, name string) bool {
	wildcard := false
	for _, field := range fields {
		for part := range strings.SplitSeq(field, ",") {
			token, params, _ := strings.Cut(strings.TrimSpace(part), ";")
			token = strings.TrimSpace(token)
			named := strings.EqualFold(token, name)
			if !named && token != "*" {
				continue
			}
			ok := !zeroWeight(params)
			if named {
				return ok
			}
			wildcard = ok
		}
	}
	return wildcard
}

func zeroWeight(params string) bool {
	_, q, ok := strings.Cut(strings.ToLower(strings.ReplaceAll(params, " ", "")), "q=")
	return ok && strings.Trim(q, "0.") == ""
}
