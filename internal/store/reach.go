package store

import (
	"net"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"jianxun/internal/news"
)

// reach settles how the server of an address is reached: a peer that vanishes is
// noticed within a quarter of a minute, and only encrypted ways lead elsewhere
// unless the address says otherwise. The environment does not count: it may be
// meant for other programs, and the driver takes an open way where it finds no
// other.
func reach(config *pgx.ConnConfig, at location) error {
	alive := net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 3 * time.Second, Count: 3}
	config.DialFunc = (&net.Dialer{KeepAliveConfig: alive}).DialContext
	if at.sslmode != "" {
		return nil
	}
	first := &pgconn.FallbackConfig{Host: config.Host, Port: config.Port, TLSConfig: config.TLSConfig}
	ways := slices.DeleteFunc(append([]*pgconn.FallbackConfig{first}, config.Fallbacks...), func(way *pgconn.FallbackConfig) bool {
		return way.TLSConfig == nil && !local(way.Host)
	})
	if len(ways) == 0 { // with PGSSLMODE=disable
		return news.Errorf(news.Invalid, "the environment forbids TLS, and without it the store %s on another machine is not spoken to; unset PGSSLMODE, or add sslmode=disable to the address", at.bare)
	}
	config.Host, config.Port, config.TLSConfig, config.Fallbacks = ways[0].Host, ways[0].Port, ways[0].TLSConfig, ways[1:]
	return nil
}

func local(host string) bool {
	return host == "localhost" || strings.HasPrefix(host, "/") || net.ParseIP(host).IsLoopback()
}
