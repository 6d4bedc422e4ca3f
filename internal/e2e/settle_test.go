package e2e

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/mail"
	"strings"
	"testing"
	"time"
)

// taken writes the lines of a Postfix that took a mail and, unless it was lost
// before its end, put it in its queue.
func taken(t *testing.T, m received, at time.Time, whole bool) string {
	t.Helper()
	msg, err := mail.ReadMessage(strings.NewReader(m.data))
	if err != nil {
		t.Fatal(err)
	}
	stamp := at.Format("2006-01-02T15:04:05.000000Z07:00")
	id := fmt.Sprintf("4fY8Zk3Lz%04dzQd", len(m.to))
	log := fmt.Sprintf("%s mx1 postfix/cleanup[601]: %s: message-id=%s\n", stamp, id, msg.Header.Get("Message-Id"))
	if whole {
		log += fmt.Sprintf("%s mx1 postfix/qmgr[412]: %s: from=<digest@example.org>, size=%d, nrcpt=1 (queue active)\n", stamp, id, len(m.data))
	}
	return log
}

// TestTheLogOfTheRelaySettlesWhatIsUncertain: the relay hung up after each of two
// final dots, and had taken one of the mails.
func TestTheLogOfTheRelaySettlesWhatIsUncertain(t *testing.T) {
	relay := newSink(t, "")
	relay.behave(func(stage, address string) string {
		if stage == "dot" && address != "zhang@example.org" {
			return "drop"
		}
		return ""
	})
	s := sending(t, relay.addr, threePeople)
	s.must("issue", "send", "weekly")
	if is := s.issue(); is.Deliveries.Uncertain != 2 {
		t.Fatalf("%+v", is.Deliveries)
	}
	now := time.Now()
	line := func(at time.Time) string { return at.Format(time.RFC3339) + " mx1 kernel: nothing\n" }
	log, late := line(now.Add(-time.Hour)), line(now.Add(-time.Second))
	for _, m := range relay.all() {
		lines := taken(t, m, now, m.to == "li@example.org")
		log, late = log+lines, late+lines
	}
	log, late = log+line(now.Add(time.Hour)), late+line(now.Add(time.Hour))
	s.write("late.log", late)
	if _, errs, code := s.run("issue", "settle", "weekly", "--log", "late.log", "--resend"); code != 1 || !strings.Contains(errs, "Wang@example.org") {
		t.Errorf("a log that begins too late: exit %d, %s", code, errs)
	}
	if is := s.issue(); is.Deliveries.Uncertain != 2 {
		t.Errorf("it changed something: %+v", is.Deliveries)
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(log))
	_ = z.Close()
	s.write("mail.log.gz", b.String())
	s.must("issue", "settle", "weekly", "--log", "mail.log.gz")
	if is := s.issue(); is.Deliveries.Sent != 2 || is.Deliveries.Uncertain != 1 || is.State != "sent" || is.Trouble[0].Email != "Wang@example.org" {
		t.Errorf("%+v", is)
	}
	relay.behave(func(string, string) string { return "" })
	s.must("issue", "settle", "weekly", "--log", "mail.log.gz", "--resend")
	if is := s.issue(); is.State != "sending" || is.Deliveries.Queued != 1 {
		t.Errorf("%+v", is)
	}
	s.must("issue", "send", "weekly")
	if is := s.issue(); is.State != "sent" || is.Deliveries.Sent != 3 {
		t.Errorf("%+v", is)
	}
	ids := map[string]int{}
	for _, m := range relay.all() {
		msg, err := mail.ReadMessage(strings.NewReader(m.data))
		if err != nil {
			t.Fatal(err)
		}
		ids[m.to+msg.Header.Get("Message-Id")]++
	}
	if len(ids) != 3 {
		t.Errorf("sent again under another Message-ID: %v", ids)
	}
}
