package web

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strconv"

	"jianxun/internal/news"
)

// File is an answer as a web server may keep it.
type File struct {
	Status             int
	Body, Gzip, Brotli []byte // the compressed ones are nil when they are not worth it
}

// File gives what a visitor of the path is answered, in the site's language.
// Its octets are those that are served.
func (s *Server) File(ctx context.Context, path string) (File, error) {
	plain := s.answerTo(ctx, path, "identity")
	f := File{Status: plain.status, Body: plain.body.Bytes()}
	if len(f.Body) < compressFrom {
		return f, nil
	}
	var err error
	for _, c := range []struct {
		name     string
		to       *[]byte
		compress func([]byte) ([]byte, error)
	}{{"gzip", &f.Gzip, compressGzip}, {"br", &f.Brotli, compressBrotli}} {
		if a := s.answerTo(ctx, path, c.name); a.header.Get("Content-Encoding") == c.name {
			*c.to = a.body.Bytes()
		} else if *c.to, err = c.compress(f.Body); err != nil {
			return f, err
		}
	}
	return f, nil
}

// recorded is an answer kept in memory.
type recorded struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func (r *recorded) Header() http.Header         { return r.header }
func (r *recorded) WriteHeader(status int)      { r.status = status }
func (r *recorded) Write(p []byte) (int, error) { return r.body.Write(p) }

func (s *Server) answerTo(ctx context.Context, path, coding string) *recorded {
	rec := &recorded{status: http.StatusOK, header: http.Header{}}
	r := (&http.Request{Method: http.MethodGet, URL: &url.URL{Path: path}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Accept-Encoding": {coding}}}).WithContext(ctx)
	s.ServeHTTP(rec, r)
	return rec
}

// ArchiveNames are the names of a feed's archive documents that stand for ever,
// from the first page on, and of the one that is being filled, if there is any:
// what stands between /archive/ and the format.
func (s *Server) ArchiveNames(slug string) (full []string, open string) {
	c := s.state.Load().shelf.collections[slug]
	for page := int64(1); page <= pages(c); page++ {
		full = append(full, strconv.FormatInt(page, 10))
	}
	if c.Archived%news.ArchivePage > 0 {
		open = tail(c)
	}
	return full, open
}

// PageOf is the archive page that holds the article at the position.
func PageOf(position int64) string {
	return strconv.FormatInt((position-1)/news.ArchivePage+1, 10)
}

// Collections are the ids of the feeds' collections, by slug. Behind tells
// whether Refresh has more to do before they are whole.
func (s *Server) Collections() (ids map[string]int64, behind bool) {
	shelf := s.state.Load().shelf
	ids = map[string]int64{}
	for slug, c := range shelf.collections {
		ids[slug] = c.ID
	}
	return ids, shelf.behind()
}
