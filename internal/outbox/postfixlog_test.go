package outbox

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"jianxun/internal/news"
)

var (
	logZone = time.FixedZone("CST", 8*3600)
	logNow  = time.Date(2026, 11, 23, 9, 0, 0, 0, logZone)
)

func readLog(t testing.TB, log string, ids ...string) RelayLog {
	t.Helper()
	l, err := ReadPostfixLog(t.Context(), strings.NewReader(log), ids, logZone, logNow)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func fixtureLog(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "postfix", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func wantIDs(t *testing.T, what string, got map[string]bool, want ...string) {
	t.Helper()
	if keys := slices.Sorted(maps.Keys(got)); !slices.Equal(keys, want) {
		t.Errorf("%s: %v, want %v", what, keys, want)
	}
}

func TestAMailWasTakenWhenItsQueueFileBecameActive(t *testing.T) {
	all := []string{"taken@example.org", "begun@example.org", "deferred@example.org", "bounced@example.org", "header@example.org", "words@example.org",
		"wrong-service@example.org", "held@example.org", "removed@example.org", "submitted@example.org", "other-instance@example.org", "absent@example.org"}
	short := readLog(t, fixtureLog(t, "short.log"), all...)
	wantIDs(t, "taken", short.Taken, "bounced@example.org", "deferred@example.org", "taken@example.org")
	wantIDs(t, "held", short.Held, "held@example.org")
	long := readLog(t, fixtureLog(t, "long.log"), all...)
	wantIDs(t, "taken", long.Taken, "submitted@example.org", "taken@example.org")
	for name, l := range map[string]RelayLog{"short": short, "long": long} {
		first, last := time.Date(2026, 11, 23, 7, 50, 0, 0, logZone), time.Date(2026, 11, 23, 8, 10, 0, 0, logZone)
		if l.First.Truncate(time.Second).Unix() != first.Unix() || !l.Last.Equal(last) || l.Disordered {
			t.Errorf("%s: from %v to %v, disordered %v", name, l.First, l.Last, l.Disordered)
		}
	}
}

func TestALogCoversATimeWithSomeMore(t *testing.T) {
	at := func(minute int) time.Time { return time.Date(2026, 11, 23, 8, minute, 0, 0, logZone) }
	l := readLog(t, fixtureLog(t, "short.log"), "a") // from 07:50 to 08:10
	for _, c := range []struct {
		from, to int
		want     bool
	}{{0, 5, true}, {-8, 8, true}, {-10, 5, false}, {-20, 5, false}, {0, 10, false}, {0, 20, false}} {
		if got := l.Covers(at(c.from), at(c.to)); got != c.want {
			t.Errorf("from %v to %v: %v", at(c.from), at(c.to), got)
		}
	}
	if (RelayLog{}).Covers(at(0), at(1)) {
		t.Error("an empty log covers a time")
	}
	swapped := "2026-11-23T12:00:00+08:00 mx1 kernel: x\n2026-11-23T06:00:00+08:00 mx1 kernel: x\n2026-11-23T13:00:00+08:00 mx1 kernel: x\n"
	if l := readLog(t, swapped, "a"); !l.Disordered || l.Covers(time.Date(2026, 11, 23, 12, 10, 0, 0, logZone), time.Date(2026, 11, 23, 12, 20, 0, 0, logZone)) {
		t.Errorf("files put together the wrong way: %+v", l)
	}
}

func TestTimesOfALog(t *testing.T) {
	for stamp, want := range map[string]string{
		"2026-11-22T08:00:01.123456+08:00": "2026-11-22T00:00:01.123456Z",
		"2026-11-22T08:00:01+0800":         "2026-11-22T00:00:01Z",
		"2026-11-22T08:00:01Z":             "2026-11-22T08:00:01Z",
		"Nov  2 08:00:01":                  "2026-11-02T00:00:01Z",
		"Nov 23 09:00:30":                  "2026-11-23T01:00:30Z", // clocks differ
		"Nov 23 10:00:00":                  "2025-11-23T02:00:00Z", // not to come
		"Dec 31 23:59:59":                  "2025-12-31T15:59:59Z",
		"Feb 29 08:00:00":                  "2024-02-29T00:00:00Z",
		"Feb 30 08:00:00":                  "0001-01-01T00:00:00Z",
		"yesterday, early":                 "0001-01-01T00:00:00Z",
		"2026-11-22":                       "0001-01-01T00:00:00Z",
	} {
		if l := readLog(t, stamp+" mx1 kernel: x\n", "a"); l.First.UTC().Format(time.RFC3339Nano) != want || !l.Last.Equal(l.First) {
			t.Errorf("%s: %v, want %s", stamp, l.First.UTC(), want)
		}
	}
}

func TestACompressedLogIsKnownByItsContent(t *testing.T) {
	var b bytes.Buffer
	for _, part := range []string{fixtureLog(t, "short.log"), "Nov 23 08:20:00 mx1 kernel: x\n"} { // as cat a.gz b.gz writes them
		z := gzip.NewWriter(&b)
		_, _ = z.Write([]byte(part))
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
	}
	l := readLog(t, b.String(), "taken@example.org")
	if !l.Taken["taken@example.org"] || l.Last.Minute() != 20 {
		t.Errorf("%+v", l)
	}
	_, err := ReadPostfixLog(t.Context(), bytes.NewReader(b.Bytes()[:b.Len()-5]), nil, logZone, logNow)
	if news.CodeOf(err) != news.Invalid {
		t.Errorf("a log that is cut off: %v", err)
	}
}

func TestLinesThatAreTooLongArePassedOver(t *testing.T) {
	taken := fixtureLog(t, "short.log")
	noise := "Nov 23 07:55:00 mx1 postfix/cleanup[1]: 1A2B3C4D5E: warning: header X: " + strings.Repeat("x", 3*maxLine) + "\n"
	if l := readLog(t, strings.Replace(taken, "Nov 23 08:00:01 mx1 postfix/qmgr", noise+"Nov 23 08:00:01 mx1 postfix/qmgr", 1), "taken@example.org"); !l.Taken["taken@example.org"] {
		t.Error("what stands around such a line is not read")
	}
	if l := readLog(t, strings.TrimSuffix(noise, "\n"), "taken@example.org"); len(l.Taken) != 0 {
		t.Errorf("%+v", l)
	}
}

// endless writes log lines that name one Message-ID under ever new queue ids, and
// other mails.
type endless struct {
	n, lines int
	rest     []byte
}

func (e *endless) Read(b []byte) (int, error) {
	for len(e.rest) < len(b) && e.n < e.lines {
		e.n++
		e.rest = fmt.Appendf(e.rest, "Nov 23 08:00:00 mx1 postfix/cleanup[1]: %010X: message-id=<asked@example.org>\nNov 23 08:00:00 mx1 postfix/cleanup[1]: F%010X: message-id=<%d@example.com>\n", e.n, e.n, e.n)
	}
	n := copy(b, e.rest)
	if e.rest = e.rest[n:]; n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func TestOnlyWhatIsAskedForIsRemembered(t *testing.T) {
	p := postfixLog{wanted: map[string]*wantedMail{"<asked@example.org>": {id: "asked@example.org"}}, files: map[queueFile]*wantedMail{}, stamps: stamps{zone: logZone, now: logNow}}
	r, err := decompressed(&endless{lines: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	for {
		line, err := nextLine(r)
		if p.line(line); err != nil {
			break
		}
		if len(p.files) > maxFiles || len(p.wanted) != 1 {
			t.Fatalf("%d queue files are remembered", len(p.files))
		}
	}
	if m := p.wanted["<asked@example.org>"]; len(m.files) != maxFiles || m.files[maxFiles-1].id != fmt.Sprintf("%010X", 10_000) {
		t.Errorf("%+v", m.files)
	}
}

// FuzzPostfixLog: whatever a log holds, nothing is taken without its Message-ID
// in a line of cleanup and a line of qmgr after it.
func FuzzPostfixLog(f *testing.F) {
	for _, name := range []string{"short.log", "long.log"} {
		f.Add([]byte(fixtureLog(f, name)))
	}
	f.Add([]byte("Nov 23 08:00:01 mx1 postfix/cleanup[601]: 1A2B3C4D5E: message-id=<taken@example.org>\nNov 23 08:00:01 mx1 postfix/qmgr[412]: 1A2B3C4D5E: from=<>, size=1, nrcpt=1 (queue active)"))
	f.Add([]byte("\x1f\x8b"))
	f.Fuzz(func(t *testing.T, log []byte) {
		l, err := ReadPostfixLog(t.Context(), bytes.NewReader(log), []string{"taken@example.org", "held@example.org"}, logZone, logNow)
		if err != nil {
			return
		}
		if l.Last.IsZero() != l.First.IsZero() {
			t.Errorf("from %v to %v", l.First, l.Last)
		}
		for id := range l.Taken {
			named := bytes.Index(log, []byte("message-id=<"+id+">"))
			if l.Held[id] || !bytes.HasPrefix(log, []byte{0x1f, 0x8b}) && (named < 0 || !bytes.Contains(log[named:], []byte("(queue active)"))) {
				t.Errorf("%s is taken by %q", id, log)
			}
		}
	})
}

func BenchmarkPostfixLog(b *testing.B) {
	text := strings.Repeat(fixtureLog(b, "short.log"), 1000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if l := readLog(b, text, "absent@example.org", "begun@example.org"); len(l.Taken) != 0 {
			b.Fatal("taken")
		}
	}
}
