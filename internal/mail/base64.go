package mail

import "encoding/base64"

// A line of base64 holds 57 octets in 76 characters (RFC 2045 section 6.8). Lines
// within a part may be shorter, as long as each holds a multiple of three octets.
const lineOctets = 57

// appendLines encodes data in lines. Unless its length is a multiple of three it
// ends the part.
func appendLines(dst, data []byte) []byte {
	for len(data) > 0 {
		n := min(lineOctets, len(data))
		dst = base64.StdEncoding.AppendEncode(dst, data[:n])
		dst = append(dst, '\r', '\n')
		data = data[n:]
	}
	return dst
}

// segment is text between two slots, encoded beforehand. How many of its first
// octets complete a group of three with what stands before it depends on what is
// in the slot: so it is kept once for each of 0, 1 and 2.
type segment struct {
	text  []byte
	after [3]struct {
		lines []byte // whole lines
		rest  []byte // what is left for the line with the next slot
	}
}

func newSegment(text []byte) segment {
	s := segment{text: text}
	for k := range min(len(s.after), len(text)+1) {
		whole := (len(text) - k) / lineOctets * lineOctets
		s.after[k].lines = appendLines(nil, text[k:k+whole])
		s.after[k].rest = text[k+whole:]
	}
	return s
}

// appendTo writes what stands before the segment and is not encoded yet, then the
// segment. It gives what is not encoded yet after it.
func (s *segment) appendTo(dst, before []byte) (text, left []byte) {
	k := (3 - len(before)%3) % 3
	if len(s.text) < k {
		return dst, append(before, s.text...)
	}
	dst = appendLines(dst, append(before, s.text[:k]...))
	return append(dst, s.after[k].lines...), append(before[:0], s.after[k].rest...)
}
