package mail

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

const subscriber = "0190c7e2-5b1a-7c3d-8e4f-a1b2c3d4e5f6"

func verp() VERP {
	return VERP{Address: "bounces@digest.example.org", Key: []byte("a key of the store")}
}

func TestVERPNamesTheDelivery(t *testing.T) {
	for _, address := range []string{"bounces@digest.example.org", "news+back@example.org", "B@Example.ORG"} {
		v := VERP{Address: address, Key: []byte("k")}
		for _, issue := range []int64{0, 1, 127, 128, 1 << 20, 1 << 40, math.MaxInt64} {
			path := v.Sender(issue, subscriber)
			if local, _, _ := strings.Cut(path, "@"); len(local) > 64 {
				if issue < 1<<20 || len(address) < 25 {
					t.Errorf("%s: a local part of %d octets", path, len(local))
				}
				continue
			}
			if path == address {
				continue
			}
			for _, read := range []string{path, strings.ToUpper(path), "<" + path + ">", " " + path} {
				if n, who, ok := v.Parse(read); !ok || n != issue || who != subscriber {
					t.Errorf("%s: %d %s %v", read, n, who, ok)
				}
			}
		}
	}
}

func TestVERPWithoutRoomOrReasonIsThePlainAddress(t *testing.T) {
	v := verp()
	long := VERP{Address: strings.Repeat("b", 20) + "@example.org", Key: v.Key}
	for name, path := range map[string]string{
		"no id": v.Sender(1, ""), "no UUID": v.Sender(1, "42"), "negative": v.Sender(-1, subscriber),
		"no key": VERP{Address: v.Address}.Sender(1, subscriber),
	} {
		if path != v.Address {
			t.Errorf("%s: %s", name, path)
		}
	}
	if path := long.Sender(1, subscriber); path != long.Address {
		t.Errorf("too long: %s", path)
	}
	if path := (VERP{Address: strings.Repeat("b", 16) + "@example.org", Key: v.Key}).Sender(1<<21-1, subscriber); !strings.Contains(path, "+") {
		t.Errorf("16 octets and two million issues: %s", path)
	}
	if path := v.Sender(math.MaxInt64, subscriber); !strings.Contains(path, "+") {
		t.Errorf("7 octets and any number: %s", path)
	}
}

func TestRequirement29AForgedReturnPathIsIgnored(t *testing.T) {
	v := verp()
	path := v.Sender(47, subscriber)
	local, domain, _ := strings.Cut(path, "@")
	forged := []string{
		"", "@", "x", v.Address, "bounces+@digest.example.org", "other" + strings.TrimPrefix(path, "bounces"), local + "@example.org",
		VERP{Address: v.Address, Key: []byte("another key")}.Sender(47, subscriber),
		local[:len(local)-1] + "@" + domain, local + "a@" + domain, local + "=@" + domain, local + "\n@" + domain,
		strings.Replace(path, "+", "++", 1), strings.Replace(path, "+", "-", 1),
	}
	for i := len("bounces+"); i < len(local); i++ { // any other letter in any place
		c := byte('a')
		if local[i] == c {
			c = 'b'
		}
		forged = append(forged, fmt.Sprintf("%s%c%s@%s", local[:i], c, local[i+1:], domain))
	}
	for _, f := range forged {
		if issue, who, ok := v.Parse(f); ok {
			t.Errorf("%q is taken for %d %s", f, issue, who)
		}
	}
	if _, _, ok := (VERP{Address: v.Address}).Parse(path); ok {
		t.Error("without a key everything is forged")
	}
}

func FuzzVERP(f *testing.F) {
	f.Add(int64(47), subscriber, "bounces", verp().Sender(47, subscriber))
	f.Add(int64(-1), "", "a+b", "bounces+aaaa@digest.example.org")
	f.Fuzz(func(t *testing.T, issue int64, id, local, read string) {
		v := VERP{Address: local + "@example.org", Key: []byte("k")}
		if path := v.Sender(issue, id); path != v.Address {
			plain, _, _ := strings.Cut(path, "@example.org")
			if n, who, ok := v.Parse(path); len(plain) > 64 || !ok || n != issue || v.Sender(n, who) != path {
				t.Errorf("%q: %d %s %v", path, n, who, ok)
			}
		}
		if issue, id, ok := v.Parse(read); ok && !strings.EqualFold(v.Sender(issue, id), strings.Trim(strings.TrimSpace(read), "<>")) {
			t.Errorf("%q is taken for %d %s", read, issue, id)
		}
	})
}
