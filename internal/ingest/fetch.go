package ingest

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"

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

// fetcher gets documents over HTTP within bounds. Private, loopback and
// link-local addresses are refused when they are dialled, after the name was
// resolved, unless allow holds them.
type fetcher struct {
	client *http.Client
	agent  string
}

func newFetcher(agent string, allow []netip.Prefix) *fetcher {
	dialer := &net.Dialer{Timeout: 15 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		return mayDial(address, allow)
	}}
	return &fetcher{agent: agent, client: &http.Client{
		Timeout: fetchTimeout,
		Transport: &http.Transport{
			DialContext:            dialer.DialContext, // no proxy: it would dial in our place
			TLSHandshakeTimeout:    15 * time.Second,
			ResponseHeaderTimeout:  30 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
			MaxConnsPerHost:        1,
			IdleConnTimeout:        30 * time.Second,
		},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return news.Errorf(news.Invalid, "more than %d redirects", maxRedirects)
			}
			if req.URL.Scheme != "http" && req.URL.Scheme != "https" {
				return news.Errorf(news.Refused, "a redirect to %s is not followed", req.URL.Scheme)
			}
			return nil
		},
	}}
}

func mayDial(address string, allow []netip.Prefix) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	ip := ap.Addr().Unmap().WithZone("")
	for _, p := range allow {
		if p.Contains(ip) {
			return nil
		}
	}
	if ip.IsGlobalUnicast() && !ip.IsPrivate() && !special(ip) {
		return nil
	}
	return news.Errorf(news.Refused, "the address %s is private; name its network under allow_private of the source if it is meant", ip)
}

// special are networks that lead inside although they count as global unicast:
// carrier-grade NAT, benchmarking, NAT64 and 6to4, which embed other addresses.
func special(ip netip.Addr) bool {
	for _, p := range []string{"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "198.18.0.0/15", "240.0.0.0/4", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"} {
		if netip.MustParsePrefix(p).Contains(ip) {
			return true
		}
	}
	return false
}

// codeOfFetch is our own reason for breaking a fetch off, if it was one: trying
// again will not help then.
func codeOfFetch(err error) news.ErrorCode {
	if code := news.CodeOf(err); code != news.Internal {
		return code
	}
	return news.Unavailable
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
		return answer{}, news.Errorf(codeOfFetch(err), "%s did not answer: %w", address, err)
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
