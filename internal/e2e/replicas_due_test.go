package e2e

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"jianxun/internal/app"
	"jianxun/internal/pgtest"
)

// dueClock stands two seconds before eight until it is let go.
type dueClock struct {
	mu   sync.Mutex
	from time.Time
}

var eight = time.Date(2026, 11, 23, 8, 0, 0, 0, time.FixedZone("CST", 8*3600))

func (c *dueClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.from.IsZero() {
		return eight.Add(-2 * time.Second)
	}
	return eight.Add(-2 * time.Second).Add(time.Since(c.from))
}

func (c *dueClock) run() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.from = time.Now()
}

// journal is a log that can be read while it is written.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

const dueDigests = 100

// TestEachDueTimeFiresOnOneReplica has four replicas wait for the same minute, in
// which a hundred digests are due: each is sent once, by one of them. A run takes
// 5 s of two processors, mostly for a hundred different mails made under the race
// detector, so `make test` makes five.
func TestEachDueTimeFiresOnOneReplica(t *testing.T) {
	for range times(5, 50) {
		eightOClock(t)
	}
}

func eightOClock(t *testing.T) {
	t.Helper()
	store, err := pgtest.Shared(t).Database()
	if err != nil {
		t.Fatal(err)
	}
	relay, c, log := newSink(t, ""), &dueClock{}, &journal{}
	began := time.Now()
	replicas := make([]*app.App, 4)
	for i := range replicas {
		replicas[i] = startDue(t, dueConfig(store, relay.addr), c, log)
	}
	folder := t.TempDir()
	write(t, filepath.Join(folder, "page.txt"), "当前位置:首页-检察要闻\n第001号案件办结\n时间:2026-11-20  作者:张三  新闻来源:检察日报\n\n  检察机关办结第001号案件。\n")
	if r, err := replicas[0].Ingest(t.Context(), []string{folder}, nil, func(int, string) {}); err != nil || r.New != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	eventually(t, "every digest has been scheduled", func() bool {
		return ask(t, store, "SELECT CAST(count(*) AS text) FROM fires")[0] == fmt.Sprint(dueDigests)
	})
	started := time.Now()
	c.run()
	eventually(t, "every issue is sent", func() bool {
		return ask(t, store, "SELECT CAST(count(*) AS text) FROM issues WHERE state = 'sent'")[0] == fmt.Sprint(dueDigests)
	})
	sent := time.Now()
	for _, a := range replicas {
		if err := a.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}
	t.Logf("started in %v, sent in %v, stopped in %v", started.Sub(began).Round(time.Millisecond), sent.Sub(started).Round(time.Millisecond),
		time.Since(sent).Round(time.Millisecond))
	oneEach(t, store, relay, log.String())
}

func dueConfig(store, relay string) string {
	var slugs []string
	var digests strings.Builder
	for i := range dueDigests {
		slugs = append(slugs, fmt.Sprintf("d%d", i))
		fmt.Fprintf(&digests, "  - {slug: d%d, title: 第%d种, schedule: \"0 8 * * *\"}\n", i, i)
	}
	return fmt.Sprintf("listen: 127.0.0.1:0\nops: {listen: \"\"}\nsite: {url: \"http://news.example.org\"}\nstore: %q\ndigests:\n%smail: {from: 检察要闻 <digest@example.org>, relay: \"smtp://%s\"}\nsubscribers: subscribers.yaml\n\x00"+
		"subscribers:\n  - {email: li@example.org, digests: [%[4]s]}\n  - {email: zhang@example.org, digests: [%[4]s]}\n", store, digests.String(), relay, strings.Join(slugs, ", "))
}

func startDue(t *testing.T, config string, c *dueClock, log *journal) *app.App {
	t.Helper()
	dir := t.TempDir()
	main, people, _ := strings.Cut(config, "\x00")
	write(t, filepath.Join(dir, "jianxun.yaml"), main)
	write(t, filepath.Join(dir, "subscribers.yaml"), people)
	a, err := app.New(t.Context(), app.Options{ConfigFile: filepath.Join(dir, "jianxun.yaml"), Now: c.Now, Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Stop(context.Background()) }) // when the test has failed
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return a
}

var listID = regexp.MustCompile(`(?m)^List-Id: .*<(d[0-9]+)\.example\.org>`)

// oneEach wants one issue of each digest, one mail of each issue for each person,
// and nothing else in the log.
func oneEach(t *testing.T, store string, relay *sink, log string) {
	t.Helper()
	if digests := ask(t, store, "SELECT DISTINCT digest FROM issues"); len(digests) != dueDigests {
		t.Errorf("%d digests have an issue", len(digests))
	}
	if issues := ask(t, store, "SELECT digest FROM issues"); len(issues) != dueDigests {
		t.Errorf("there are %d issues", len(issues))
	}
	copies := map[string]int{}
	for _, m := range relay.all() {
		id := listID.FindStringSubmatch(m.data)
		if id == nil {
			t.Fatalf("a mail of no digest: %s", m.data)
		}
		copies[id[1]+" to "+m.to]++
	}
	for what, n := range copies {
		if n != 1 {
			t.Errorf("%d copies of %s", n, what)
		}
	}
	if len(copies) != 2*dueDigests {
		t.Errorf("%d mails, want %d", len(copies), 2*dueDigests)
	}
	firedOnce(t, store, log)
}

// firedOnce wants each digest to have been fired once, and nothing else worth
// telling in the log. On a machine with far too much to do a job may have to wait
// for the store longer than its patience, and is then fired again later, which
// changes nothing: whoever has a mail has it already.
func firedOnce(t *testing.T, store, log string) {
	t.Helper()
	if n := strings.Count(log, "does not answer"); n > 0 {
		t.Logf("the machine is overloaded: %d waits for the store took too long, so the log is not judged", n)
		return
	}
	if done := ask(t, store, "SELECT job FROM fires WHERE done = 1 AND due = $1", eight.UnixMilli()); len(done) != dueDigests {
		t.Errorf("%d due times are done", len(done))
	}
	if n := strings.Count(log, "an issue is being sent"); n != dueDigests {
		t.Errorf("%d times an issue was sent", n)
	}
	for line := range strings.Lines(log) {
		switch {
		case strings.Contains(line, "clock differs from that of the store"): // it is always shortly before eight
		case strings.Contains(line, "level=ERROR"), strings.Contains(line, "level=WARN"), strings.Contains(line, "it is skipped"):
			t.Errorf("the log says %s", line)
		}
	}
}
