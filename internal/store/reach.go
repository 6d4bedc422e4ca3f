package store

import (
	"net"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// reach settles how the server of an address is reached: a peer that vanishes is
// noticed within a quarter of a minute, and only encrypted ways lead elsewhere
// unless the address says otherwise; the driver would take an open one where
// there is no other.
func reach(config *pgx.ConnConfig, address string) {
	alive := net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 3 * time.Second, Count: 3}
	config.DialFunc = (&net.Dialer{KeepAliveConfig: alive}).DialContext
	if strings.Contains(address, "sslmode=") {
		return
	}
	if encrypted := slices.IndexFunc(config.Fallbacks, func(f *pgconn.FallbackConfig) bool { return f.TLSConfig != nil && f.Host == config.Host }); config.TLSConfig == nil && encrypted >= 0 && !local(config.Host) {
		config.TLSConfig = config.Fallbacks[encrypted].TLSConfig // PGSSLMODE=allow begins in the clear
	}
	config.Fallbacks = slices.DeleteFunc(config.Fallbacks, func(f *pgconn.FallbackConfig) bool { return f.TLSConfig == nil && !local(f.Host) })
}

func local(host string) bool {
	return host == "localhost" || strings.HasPrefix(host, "/") || net.ParseIP(host).IsLoopback()
}
