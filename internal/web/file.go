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
// Its octets are those that are served; a page, which is made for each request
// and so served as it is, is compressed here.
func (s *Server) File(ctx context.Context, path string) (File, error) {
	first := s.answerTo(ctx, path, "br")
	f := File{Status: first.status, Body: first.body.Bytes()}
	if first.header.Get("Content-Encoding") == "br" {
		f.Brotli = f.Body
		f.Gzip = s.answerTo(ctx, path, "gzip").body.Bytes()
		f.Body = s.answerTo(ctx, path, "identity").body.Bytes()
		return f, nil
	}
	if len(f.Body) < compressFrom {
		return f, nil
	}
	var err error
	if f.Gzip, err = compressGzip(f.Body); err != nil {
		return f, err
	}
	f.Brotli, err = compressBrotli(f.Body)
	return f, err
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
	if st := s.state.Load(); st != nil {
		path = st.prefix + path
	}
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
