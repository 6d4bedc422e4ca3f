package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"net/url"
	"strings"
	"time"

	"jianxun/feedgen"
	"jianxun/internal/news"
)

// Links makes the site's addresses. URL has no slash at its end; Key signs
// the tokens of subscribers.
type Links struct {
	URL string
	Key []byte
}

// Base is the path that the site lives under: "" or "/news".
func (l Links) Base() string {
	if u, err := url.Parse(l.URL); err == nil {
		return strings.TrimRight(u.EscapedPath(), "/")
	}
	return ""
}

// prefix is Base as it stands in the path of a request, decoded.
func (l Links) prefix() string {
	if u, err := url.Parse(l.URL); err == nil {
		return strings.TrimRight(u.Path, "/")
	}
	return ""
}

// FeedPath is the path of a feed document below Base.
func FeedPath(slug string, f feedgen.Format) string { return "/feeds/" + slug + "." + string(f) }

// ArchivePath is the path of an archive document below Base.
func ArchivePath(slug, name string, f feedgen.Format) string {
	return "/feeds/" + slug + "/archive/" + name + "." + string(f)
}

// Archive is the address of an archive document.
func (l Links) Archive(slug, name string, f feedgen.Format) string {
	return l.URL + ArchivePath(slug, name, f)
}

// Feed is the address of a feed document.
func (l Links) Feed(slug string, f feedgen.Format) string { return l.URL + FeedPath(slug, f) }

// Article is where an article can be read: its own address, else our page.
func (l Links) Article(id, own string) string {
	if own != "" {
		return own
	}
	return l.URL + "/articles/" + id
}

// Leave is the address of a subscriber's preferences and one-click
// unsubscription (RFC 8058).
func (l Links) Leave(s news.Subscriber) string { return l.URL + "/u/" + l.token(s.ID) }

// Confirm is the address where a request to be subscribed is confirmed.
func (l Links) Confirm(id string, asked time.Time) string {
	raw := binary.BigEndian.AppendUint64(octets(id), uint64(asked.UnixMilli())) //nolint:gosec // after 1970
	return l.URL + "/confirm/" + l.seal(forConfirming, raw)
}

// What a token is for: one is never taken for another.
const (
	forLeaving    = "leave"
	forConfirming = "confirm"
)

const (
	tokenMAC = 16 // octets
	tokenID  = 16
)

func (l Links) token(id string) string { return l.seal(forLeaving, octets(id)) }

func octets(id string) []byte {
	raw, err := hex.DecodeString(strings.ReplaceAll(id, "-", ""))
	if err != nil { // ids are UUIDs
		panic(err)
	}
	return raw
}

func (l Links) seal(purpose string, raw []byte) string {
	return base64.RawURLEncoding.EncodeToString(append(raw, l.mac(purpose, raw)...))
}

func (l Links) mac(purpose string, raw []byte) []byte {
	h := hmac.New(sha256.New, l.Key)
	h.Write([]byte(purpose + "\x00"))
	h.Write(raw)
	return h.Sum(nil)[:tokenMAC]
}

// unseal gives the n octets of a token; ok is false when it was not made by us
// for the purpose.
func (l Links) unseal(purpose, token string, n int) (raw []byte, ok bool) {
	all, err := base64.RawURLEncoding.Strict().DecodeString(token)
	// The decoder skips line ends: only the length of the text shows them.
	if err != nil || len(all) != n+tokenMAC || len(token) != base64.RawURLEncoding.EncodedLen(len(all)) || !hmac.Equal(all[n:], l.mac(purpose, all[:n])) {
		return nil, false
	}
	return all[:n], true
}

func uuid(raw []byte) string {
	h := hex.EncodeToString(raw)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// subscriberOf gives the id a token stands for; ok is false when it was not
// made by us.
func (l Links) subscriberOf(token string) (id string, ok bool) {
	raw, ok := l.unseal(forLeaving, token, tokenID)
	if !ok {
		return "", false
	}
	return uuid(raw), true
}

// signUpOf gives the request that a token confirms.
func (l Links) signUpOf(token string) (id string, asked time.Time, ok bool) {
	raw, ok := l.unseal(forConfirming, token, tokenID+8)
	if !ok {
		return "", time.Time{}, false
	}
	return uuid(raw[:tokenID]), time.UnixMilli(int64(binary.BigEndian.Uint64(raw[tokenID:]))), true //nolint:gosec // as it was made
}
