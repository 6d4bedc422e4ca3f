package ingest

import (
	"context"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"jianxun/internal/dial"
	"jianxun/internal/news"
)

// Bounds of one fetch.
const (
	maxBody      = 10 << 20 // octets, decompressed
	maxRedirects = 5
	fetchTimeout = 45 * time.Second
)

// answer is what a server gave: NotModified, or a body with its address after
// redirects.
type answer struct {
	notModified        bool
	body               []byte
	contentType        string
	url                *url.URL
	etag, lastModified string
}

// fetcher gets documents over HTTP within bounds; of private networks only
// those in allow are dialled.
type fetcher struct {
	client *http.Client
	agent  string
}

func newFetcher(agent string, allow []netip.Prefix) *fetcher {
	return &fetcher{agent: agent, client: dial.NewClient(dial.Options{Allow: allow, Timeout: fetchTimeout, Redirects: maxRedirects, PerHost: 1})}
}

// get fetches address, conditionally when validators are given.
func (f *fetcher) get(ctx context.Context, address, etag, lastModified string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return answer{}, news.Errorf(news.Invalid, "%q is not an http or https address", address)
	}
	req.Header.Set("User-Agent", f.agent)
	req.Header.Set("Accept", "text/html, application/rss+xml, application/atom+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5")
	if etag != "" {
		req.Header.Set("If-None-Match", etag)
	}
	if lastModified != "" {
		req.Header.Set("If-Modified-Since", lastModified)
	}
	resp, err := f.client.Do(req)
	if err != nil {
		return answer{}, news.Errorf(dial.Code(err), "%s did not answer: %w", address, err)
	}
	defer func() { _ = resp.Body.Close() }()
	switch {
	case resp.StatusCode == http.StatusNotModified:
		return answer{notModified: true}, nil
	case resp.StatusCode != http.StatusOK:
		return answer{}, news.Errorf(news.Unavailable, "%s answered %s", address, resp.Status)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return answer{}, news.Errorf(news.Unavailable, "%s broke off: %w", address, err)
	}
	if len(body) > maxBody {
		return answer{}, news.Errorf(news.TooLarge, "%s is larger than %d MB", address, maxBody>>20)
	}
	return answer{body: body, contentType: resp.Header.Get("Content-Type"), url: resp.Request.URL,
		etag: resp.Header.Get("ETag"), lastModified: resp.Header.Get("Last-Modified")}, nil
}
