package dial

import (
	"net/netip"
	"testing"
)

func TestPrivateAddressesAreDialledOnlyWhenAllowed(t *testing.T) {
	for address, want := range map[string]bool{
		"93.184.216.34:443": true, "[2606:2800:220:1::1]:443": true,
		"127.0.0.1:80": false, "[::1]:80": false, "[::ffff:127.0.0.1]:80": false, "0.0.0.0:80": false, "[::]:80": false,
		"10.1.2.3:80": false, "172.16.0.1:80": false, "192.168.1.1:80": false, "[fd00::1]:80": false,
		"169.254.169.254:80": false, "[fe80::1%eth0]:80": false, "224.0.0.1:80": false, "255.255.255.255:80": false,
		"[fec0::1]:80": false, "[::7f00:1]:80": false, "[::ffff:0:7f00:1]:80": false, "192.88.99.1:80": false, "192.0.2.1:80": false, "[100::1]:80": false, "[2001:db8::1]:80": false,
		"100.64.0.1:80": false, "198.18.0.1:80": false, "[64:ff9b::a00:1]:80": false, "[2002:a00:1::]:80": false, "no address": false,
		"10.20.0.1:80": true, // named below
	} {
		if err := check(address, []netip.Prefix{netip.MustParsePrefix("10.20.0.0/16")}); (err == nil) != want {
			t.Errorf("%s: %v, want allowed %t", address, err, want)
		}
	}
}
