package e2e

import (
	"bufio"
	"net"
	"strings"
)

// talk is one conversation with a sink.
type talk struct {
	*sink
	c      net.Conn
	r      *bufio.Reader
	m      received
	domain string // of the mail in hand
}

func (t *talk) run() {
	defer t.end()
	if !t.reply("connect", "", "220 sink") {
		return
	}
	for {
		line, err := t.r.ReadString('\n')
		if err != nil {
			return
		}
		if t.r.Buffered() > 0 {
			t.mu.Lock()
			t.ahead++
			t.mu.Unlock()
		}
		if !t.obey(strings.TrimRight(line, "\r\n")) {
			return
		}
	}
}

func (t *talk) end() {
	t.finish()
	_ = t.c.Close()
	t.mu.Lock()
	delete(t.open, t.c)
	t.mu.Unlock()
}

// obey carries a command out and gives false when the conversation is over.
func (t *talk) obey(line string) bool {
	switch verb := strings.ToUpper(line[:min(4, len(line))]); verb {
	case "EHLO", "HELO":
		features := "250-sink\r\n250 8BITMIME"
		if t.pipelines {
			features = "250-sink\r\n250-PIPELINING\r\n250 8BITMIME"
		}
		return t.reply("EHLO", "", features)
	case "MAIL":
		t.finish()
		t.m = received{from: address(line), talk: t.m.talk}
		return t.reply("MAIL", t.m.from, "250 ok")
	case "RCPT":
		t.begin(address(line))
		return t.reply("RCPT", t.m.to, "250 ok")
	case "DATA":
		return t.take()
	case "RSET", "NOOP":
		t.finish()
		return t.reply(verb, t.m.to, "250 ok")
	case "QUIT":
		t.reply("QUIT", t.m.to, "221 bye")
		return false
	default:
		return t.say("502 what?")
	}
}

// reply answers at a stage and gives false when the conversation is over.
func (t *talk) reply(stage, address, yes string) bool {
	t.dawdle(stage, address)
	return t.say(t.answer(stage, address, yes))
}

func (t *talk) say(line string) bool {
	if line == "drop" {
		return false
	}
	_, err := t.c.Write([]byte(line + "\r\n"))
	return err == nil && !strings.HasPrefix(line, "421")
}

// begin and finish count the mails in hand of a domain.
func (t *talk) begin(to string) {
	t.finish()
	t.m.to, t.domain = to, to[strings.LastIndexByte(to, '@')+1:]
	if one := t.same[t.domain]; one != "" {
		t.domain = one
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.busy[t.domain]++
	t.peak[t.domain] = max(t.peak[t.domain], t.busy[t.domain])
}

func (t *talk) finish() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.domain != "" {
		t.busy[t.domain]--
		t.domain = ""
	}
}

// take takes the text of a mail.
func (t *talk) take() bool {
	t.dawdle("DATA", t.m.to)
	yes := t.answer("DATA", t.m.to, "354 go")
	if !t.say(yes) || !strings.HasPrefix(yes, "354") {
		return yes != "drop" && !strings.HasPrefix(yes, "421")
	}
	var err error
	if t.m.data, err = text(t.r, t.answer("text", t.m.to, "") == "drop"); err != nil {
		return false // nothing is delivered without the dot
	}
	said := t.answer("dot", t.m.to, "250 taken")
	if strings.HasPrefix(said, "250") || said == "drop" {
		t.keep(t.m)
	}
	t.dawdle("dot", t.m.to)
	t.finish() // before it is told: the next may come at once, on another connection
	if said == "lose" {
		return false
	}
	return t.say(said)
}

func address(line string) string {
	_, rest, _ := strings.Cut(line, "<")
	a, _, _ := strings.Cut(rest, ">")
	return a
}

// text reads up to the final dot, or some of it when that is all that is wanted.
func text(r *bufio.Reader, some bool) (string, error) {
	var b strings.Builder
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return "", err
		}
		if line == ".\r\n" {
			return b.String(), nil
		}
		b.WriteString(strings.TrimPrefix(line, "."))
		if some && b.Len() > 500 {
			return "", net.ErrClosed
		}
	}
}
