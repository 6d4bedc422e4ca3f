package outbox

import (
	"bytes"
	"strconv"
	"time"
)

// entryKind is what a line tells of a queue file.
type entryKind int

const (
	fileBegins entryKind = iota // a new mail is under this id
	fileNamed                   // its Message-ID
	fileHeld
	fileActive
	fileEnds
)

// entry is a line that tells something of a queue file.
type entry struct {
	kind               entryKind
	host, instance, id []byte
	value              []byte // the Message-ID
}

func (e entry) queueFile() queueFile {
	return queueFile{string(e.host), string(e.instance), string(e.id)}
}

// parseEntry reads what follows the time: HOST INSTANCE/SERVICE[PID]: ID: TEXT.
// What is no such line, or tells nothing here, is none.
func parseEntry(line []byte) (e entry, ok bool) {
	var program, text []byte
	if e.host, line, ok = bytes.Cut(line, []byte(" ")); !ok {
		return e, false
	}
	if program, text, ok = bytes.Cut(line, []byte(": ")); !ok {
		return e, false
	}
	program, _, _ = bytes.Cut(program, []byte("["))
	first, last := bytes.IndexByte(program, '/'), bytes.LastIndexByte(program, '/')
	if first < 0 || bytes.IndexByte(program, ' ') >= 0 {
		return e, false
	}
	// postfix/submission/smtpd is of the instance postfix, as postfix/qmgr is.
	e.instance = program[:first]
	if e.id, text, ok = bytes.Cut(text, []byte(": ")); !ok || !isQueueID(e.id) {
		return e, false
	}
	e.kind, e.value, ok = parseText(program[last+1:], text)
	return e, ok
}

// parseText tells by the beginning of the text what it says, never by what is
// inside: that may be a subject or another server's words.
func parseText(service, text []byte) (kind entryKind, value []byte, ok bool) {
	switch string(service) {
	case "smtpd", "pickup", "qmqpd":
		return fileBegins, nil, bytes.HasPrefix(text, []byte("client=")) || bytes.HasPrefix(text, []byte("uid="))
	case "cleanup":
		if id, named := bytes.CutPrefix(text, []byte("message-id=")); named {
			return fileNamed, id, true
		}
		return fileHeld, nil, bytes.HasPrefix(text, []byte("hold: ")) || bytes.HasPrefix(text, []byte("milter-hold: "))
	case "qmgr", "nqmgr", "oqmgr":
		if string(text) == "removed" {
			return fileEnds, nil, true
		}
		return fileActive, nil, bytes.HasPrefix(text, []byte("from=<")) && bytes.HasSuffix(text, []byte(" (queue active)"))
	}
	return 0, nil, false
}

// isQueueID knows both forms: hexadecimal, and the long one without vowels.
func isQueueID(id []byte) bool {
	if len(id) < 5 || len(id) > 32 {
		return false
	}
	hex, long := true, len(id) >= 10
	for _, c := range id {
		digit := '0' <= c && c <= '9'
		hex = hex && (digit || 'A' <= c && c <= 'F')
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		long = long && (digit || letter && bytes.IndexByte([]byte("aeiouAEIOU"), c) < 0)
	}
	return hex || long
}

// stamps are the times at which lines begin.
type stamps struct {
	zone        *time.Location
	now         time.Time
	first, last time.Time
	newest      time.Time
	disordered  bool
	text        []byte // of the last; lines of one second are many
}

// traditional is a time as syslog has always written it.
const traditional = "Jan _2 15:04:05"

// stamp takes the time off a line.
func (s *stamps) stamp(line []byte) (rest []byte) {
	size := bytes.IndexByte(line, ' ')
	if size < 0 {
		return nil
	}
	dated := line[0] >= '0' && line[0] <= '9'
	if !dated {
		size = len(traditional)
	}
	if len(line) <= size || line[size] != ' ' {
		return nil
	}
	text := line[:size]
	if !bytes.Equal(text, s.text) {
		t, ok := s.parse(string(text), dated)
		if !ok {
			return nil
		}
		s.text = append(s.text[:0], text...)
		s.see(t)
	}
	return line[size+1:]
}

func (s *stamps) parse(text string, dated bool) (time.Time, bool) {
	if dated {
		for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700"} {
			if t, err := time.Parse(layout, text); err == nil {
				return t, true
			}
		}
		return time.Time{}, false
	}
	// 29 February is one of a leap year: of this, or the last before it.
	for year := s.now.In(s.zone).Year(); year > s.now.Year()-9; year-- {
		t, err := time.ParseInLocation("2006 "+traditional, strconv.Itoa(year)+" "+text, s.zone)
		if err == nil && !t.After(s.now.Add(logSlack)) {
			return t, true
		}
	}
	return time.Time{}, false
}

func (s *stamps) see(t time.Time) {
	if s.first.IsZero() {
		s.first = t
	}
	if t.Before(s.newest.Add(-backwards)) {
		s.disordered = true
	}
	if t.After(s.newest) {
		s.newest = t
	}
	s.last = t
}
