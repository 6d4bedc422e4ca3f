package mail

import (
	"encoding/base64"
	"mime"
	"strings"
	"unicode/utf8"
)

const (
	// wordOctets is how much text one encoded word holds: behind the name of a field
	// it makes a line of at most 76 octets, as RFC 2047 section 2 wants.
	wordOctets = 36
	// plainOctets is how much stands in the clear behind the name of a field.
	plainOctets = 64
)

// encoded is the text of a field, in encoded words of which the first stands
// beside the field's name: behind a first line that is empty some readers see a
// space. What is short and plain stays as it is, unless it would be taken for an
// encoded word.
func encoded(text string) string {
	if len(text) <= plainOctets && !forges(text) && mime.BEncoding.Encode("utf-8", text) == text {
		return text
	}
	text = strings.ToValidUTF8(text, "\uFFFD")
	var words []string
	for len(text) > 0 {
		n := min(len(text), wordOctets)
		for n < len(text) && !utf8.RuneStart(text[n]) {
			n--
		}
		words = append(words, "=?utf-8?b?"+base64.StdEncoding.EncodeToString([]byte(text[:n]))+"?=")
		text = text[n:]
	}
	return strings.Join(words, "\r\n ")
}

// forges tells whether readers might decode text that stands in the clear, which
// many do even between quotes.
func forges(text string) bool { return strings.Contains(text, "=?") }
