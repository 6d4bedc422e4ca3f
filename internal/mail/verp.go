package mail

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"strings"
)

// VERP makes and reads return paths that name the delivery, so that a mail
// which comes back tells of whom and of which issue, whatever else it says.
// Without a Key there are none.
//
// A local part of at most 16 octets leaves room for two million issues, one of
// 7 for any number.
type VERP struct {
	Address string // what return paths are made of: bounces@example.org
	Key     []byte // of the HMAC
}

const (
	maxLocalPart = 64 // octets, RFC 5321 section 4.5.3.1.1
	tagLength    = 10 // octets of the HMAC in the token
	idLength     = 16 // octets of a UUID
)

// Sender is the return path of the delivery of an issue to a subscriber, whose
// id is a UUID. It is Address itself when no return path can be made: the id is
// no UUID, or the local part would be too long.
func (v VERP) Sender(issue int64, subscriber string) string {
	local, domain, ok := cutAddress(v.Address)
	id, err := hex.DecodeString(strings.ReplaceAll(subscriber, "-", ""))
	if !ok || err != nil || len(id) != idLength || issue < 0 || len(v.Key) == 0 {
		return v.Address
	}
	named := append(binary.AppendUvarint(nil, uint64(issue)), id...)
	token := strings.ToLower(alphabet().EncodeToString(append(named, v.tag(named)...)))
	if len(local)+1+len(token) > maxLocalPart {
		return v.Address
	}
	return local + "+" + token + "@" + domain
}

// Parse reads a return path that Sender made; mail servers on the way may have
// changed its case. Everything else, forged or not ours, is not ok.
func (v VERP) Parse(address string) (issue int64, subscriber string, ok bool) {
	ourLocal, ourDomain, ok := cutAddress(v.Address)
	local, domain, is := cutAddress(strings.Trim(strings.TrimSpace(address), "<>"))
	plus := strings.LastIndexByte(local, '+')
	if !ok || !is || plus < 0 || len(v.Key) == 0 || !strings.EqualFold(local[:plus], ourLocal) || !strings.EqualFold(domain, ourDomain) {
		return 0, "", false
	}
	token := strings.ToUpper(local[plus+1:])
	octets, err := alphabet().DecodeString(token)
	if err != nil || len(octets) <= idLength+tagLength || alphabet().EncodeToString(octets) != token {
		return 0, "", false
	}
	named, tag := octets[:len(octets)-tagLength], octets[len(octets)-tagLength:]
	if !hmac.Equal(tag, v.tag(named)) {
		return 0, "", false
	}
	number, n := binary.Uvarint(named)
	if n != len(named)-idLength || number > 1<<63-1 {
		return 0, "", false
	}
	id := hex.EncodeToString(named[n:])
	return int64(number), strings.Join([]string{id[:8], id[8:12], id[12:16], id[16:20], id[20:]}, "-"), true
}

func (v VERP) tag(named []byte) []byte {
	h := hmac.New(sha256.New, v.Key)
	h.Write([]byte("jianxun return path\x00")) // the key may serve other purposes too
	h.Write(named)
	return h.Sum(nil)[:tagLength]
}

func alphabet() *base32.Encoding { return base32.StdEncoding.WithPadding(base32.NoPadding) }

func cutAddress(address string) (local, domain string, ok bool) {
	at := strings.LastIndexByte(address, '@')
	odd := strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '<' || r == '>' })
	if at <= 0 || at == len(address)-1 || odd {
		return "", "", false
	}
	return address[:at], address[at+1:], true
}
