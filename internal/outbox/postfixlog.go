package outbox

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"jianxun/internal/news"
)

// RelayLog is what the log of a Postfix tells of the mails that were asked for.
//
// Postfix names a queue file by an id. cleanup logs the Message-ID that it reads
// in the header, which is before the end of the data: that line alone proves
// nothing. A mail was taken exactly when its queue file became active in qmgr.
type RelayLog struct {
	First, Last time.Time       // of its lines; zero: no line has a time
	Disordered  bool            // it goes back in time, as files put together the wrong way do
	Taken       map[string]bool // by Message-ID
	Held        map[string]bool // not taken, but put on hold: it may be released any time
}

// Covers tells whether the log is of all the time between two times, with some
// more, as clocks differ.
func (l RelayLog) Covers(from, to time.Time) bool {
	return !l.Disordered && !l.First.IsZero() && l.First.Before(from.Add(-logSlack)) && l.Last.After(to.Add(logSlack))
}

const (
	logSlack  = time.Minute
	maxLine   = 64 << 10 // a longer line is passed over
	maxFiles  = 16       // queue files that are remembered of one Message-ID
	backwards = 2 * time.Hour
)

// ReadPostfixLog reads a log, which may be compressed by gzip, as a stream: it
// remembers only what it was asked for. ids are Message-IDs without brackets.
// Times without a zone are taken to be of zone, and of the last year in which
// they are not after now.
func ReadPostfixLog(ctx context.Context, log io.Reader, ids []string, zone *time.Location, now time.Time) (RelayLog, error) {
	p := postfixLog{wanted: make(map[string]*wantedMail, len(ids)), files: map[queueFile]*wantedMail{}, stamps: stamps{zone: zone, now: now}}
	for _, id := range ids {
		p.wanted["<"+id+">"] = &wantedMail{id: id}
	}
	r, err := decompressed(log)
	if err != nil {
		return RelayLog{}, err
	}
	for {
		line, err := nextLine(r)
		if len(line) > 0 {
			p.line(line)
		}
		switch {
		case errors.Is(err, io.EOF):
			return p.result(), nil
		case err != nil:
			return RelayLog{}, unreadable(err)
		case ctx.Err() != nil:
			return RelayLog{}, ctx.Err()
		}
	}
}

func unreadable(err error) error {
	return news.Errorf(news.Invalid, "the log cannot be read to its end: %w", err)
}

// decompressed knows what is compressed by how it begins, whatever it is called.
func decompressed(log io.Reader) (*bufio.Reader, error) {
	r := bufio.NewReaderSize(log, maxLine)
	if head, _ := r.Peek(2); !bytes.Equal(head, []byte{0x1f, 0x8b}) { // a fault of reading comes again
		return r, nil
	}
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, unreadable(err)
	}
	return bufio.NewReaderSize(z, maxLine), nil
}

// nextLine gives a line, or nothing of one that is too long. It is good until the
// next is read.
func nextLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return bytes.TrimRight(line, "\r\n"), err
	}
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = r.ReadSlice('\n')
	}
	return nil, err
}

// queueFile is a queue file of one Postfix: several machines, and instances on
// one, may share a log. Short ids are used again.
type queueFile struct{ host, instance, id string }

// wantedMail is a mail that was asked for, and the queue files that were begun
// for it and not ended.
type wantedMail struct {
	id          string
	taken, held bool
	files       []queueFile
}

type postfixLog struct {
	stamps
	wanted map[string]*wantedMail // by Message-ID, with brackets
	files  map[queueFile]*wantedMail
}

// line takes in one line of the log.
func (p *postfixLog) line(line []byte) {
	rest := p.stamp(line)
	e, ok := parseEntry(rest)
	if !ok || len(p.files) == 0 && e.kind != fileNamed {
		return
	}
	switch e.kind {
	case fileBegins, fileEnds:
		p.forget(e.queueFile())
	case fileNamed:
		f := e.queueFile()
		p.forget(f) // the mail that had this id before was never ended
		if m := p.wanted[string(e.value)]; m != nil && !m.taken {
			p.remember(f, m)
		}
	case fileActive:
		if m := p.files[e.queueFile()]; m != nil {
			m.taken = true
			for _, f := range m.files {
				delete(p.files, f)
			}
			m.files = nil
		}
	case fileHeld:
		if m := p.files[e.queueFile()]; m != nil {
			m.held = true
		}
	}
}

func (p *postfixLog) remember(f queueFile, m *wantedMail) {
	if len(m.files) == maxFiles {
		p.forget(m.files[0])
	}
	m.files = append(m.files, f)
	p.files[f] = m
}

func (p *postfixLog) forget(f queueFile) {
	if m := p.files[f]; m != nil {
		delete(p.files, f)
		m.files = slices.DeleteFunc(m.files, func(x queueFile) bool { return x == f })
	}
}

func (p *postfixLog) result() RelayLog {
	l := RelayLog{First: p.first, Last: p.last, Disordered: p.disordered, Taken: map[string]bool{}, Held: map[string]bool{}}
	for _, m := range p.wanted {
		switch {
		case m.taken:
			l.Taken[m.id] = true
		case m.held:
			l.Held[m.id] = true
		}
	}
	return l
}
