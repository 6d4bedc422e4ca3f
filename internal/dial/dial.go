// Package dial makes the HTTP clients with which jianxun goes outside, and says
// how long to wait before going again.
//
// It promises that a client connects to public addresses and to the networks
// allowed by name, and to nothing else: the address is looked at when it is
// dialled, after the name was resolved, so neither a name nor a redirect leads
// inside. What is refused is a news.Error with the code Refused.
package dial

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"jianxun/internal/news"
)

// Options bound a client.
type Options struct {
	Allow     []netip.Prefix // private networks that are meant
	Timeout   time.Duration  // of a whole exchange
	Redirects int            // followed at most; the next one is an error
	PerHost   int            // connections to one host at the same time, 0: any number
}

// maxHeader bounds the header of an answer, in octets.
const maxHeader = 64 << 10

// NewClient makes a client within bounds. It knows no proxy: a proxy would dial
// in its place.
func NewClient(opt Options) *http.Client {
	dialer := &net.Dialer{Timeout: 15 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		return check(address, opt.Allow)
	}}
	return &http.Client{
		Timeout: opt.Timeout,
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			TLSHandshakeTimeout:    15 * time.Second,
			ResponseHeaderTimeout:  30 * time.Second,
			MaxResponseHeaderBytes: maxHeader,
			MaxConnsPerHost:        opt.PerHost,
			IdleConnTimeout:        30 * time.Second,
		},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if len(via) > opt.Redirects {
				return news.Errorf(news.Invalid, "more than %d redirects", opt.Redirects)
			}
			if req.URL.Scheme != "http" && req.URL.Scheme != "https" {
				return news.Errorf(news.Refused, "a redirect to %s is not followed", req.URL.Scheme)
			}
			return nil
		},
	}
}

// Code is our own reason for breaking an exchange off, if err holds one: trying
// again will not help then. Otherwise the other side is Unavailable.
func Code(err error) news.ErrorCode {
	var own *news.Error
	if errors.As(err, &own) {
		return own.Code
	}
	return news.Unavailable
}

func check(address string, allow []netip.Prefix) error {
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
	if ip.IsGlobalUnicast() && !ip.IsPrivate() && !special(ip) && (ip.Is4() || global6.Contains(ip)) {
		return nil
	}
	return news.Errorf(news.Refused, "the address %s is private; name its network under allow_private if it is meant", ip)
}

// global6 is what has been given out of IPv6.
var global6 = netip.MustParsePrefix("2000::/3")

// special are networks that lead inside although they count as global unicast:
// carrier-grade NAT, benchmarking, documentation, and 6to4 and Teredo, which embed
// other addresses.
func special(ip netip.Addr) bool {
	for _, p := range []string{"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
		"198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4", "2002::/16", "2001::/32", "2001:db8::/32"} {
		if netip.MustParsePrefix(p).Contains(ip) {
			return true
		}
	}
	return false
}
