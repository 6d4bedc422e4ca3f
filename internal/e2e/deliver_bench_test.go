package e2e

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"jianxun/internal/pgtest"
)

// The program sends an issue to Postfix's smtp-sink, and beside it Postfix's own
// smtp-source sends mails of the same size over as many connections.

const (
	wireSize  = 59_000 // octets of a mail as it is sent
	benchConn = 16
)

// post is a site with an issue that is ready to be sent to many.
func post(b *testing.B, store string, relay, people int) *site {
	b.Helper()
	s := newSite(b, fmt.Sprintf(`
store: %s
sources: [{name: pages, kind: directory, path: pages}]
digests: [{slug: weekly, title: 检察要闻周报, schedule: "0 8 * * MON", items: 24}]
mail: {from: digest@example.org, relay: "smtp://127.0.0.1:%d", connections: %d, tls: none}
`, store, relay, benchConn))
	words := []rune("检察机关依法能动履职全面推进法治建设服务保障大局维护社会公平正义强化法律监督深化改革创新提升办案质效")
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 40 {
		var text strings.Builder
		for n := range 600 {
			text.WriteRune(words[r.IntN(len(words))])
			if n%100 == 99 {
				text.WriteString("。\n")
			}
		}
		s.write(fmt.Sprintf("pages/%d.txt", i), fmt.Sprintf("检察机关开展专项活动第%d号通报\n栏目：检察要闻\n日期：2026-11-%02d\n\n%s", i, 1+i%20, &text))
	}
	var list strings.Builder
	list.WriteString("email,name,digests\n")
	for i := range people {
		fmt.Fprintf(&list, "p%d@staff.example.org,张%d,weekly\n", i, i)
	}
	s.write("people.csv", list.String())
	s.must("ingest")
	s.must("subscribers", "import", "people.csv")
	s.must("issue", "draft", "weekly")
	return s
}

// spent is what a command took.
type spent struct {
	wall, cpu time.Duration
	peak      float64 // MiB
}

func (s *spent) add(more spent) {
	s.wall, s.cpu, s.peak = s.wall+more.wall, s.cpu+more.cpu, max(s.peak, more.peak)
}

func measure(b *testing.B, dir, name string, args ...string) spent {
	b.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	begin := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%s: %v\n%s", name, err, out)
	}
	use := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	return spent{time.Since(begin), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), float64(use.Maxrss) / 1024}
}

func (s *site) sends(b *testing.B) spent {
	b.Helper()
	program, err := binary()
	if err != nil {
		b.Fatal(err)
	}
	return measure(b, s.dir, program, "issue", "send", "weekly")
}

func sources(b *testing.B, port, mails int) spent {
	return measure(b, "", tool(b, "smtp-source"), "-s", strconv.Itoa(benchConn), "-m", strconv.Itoa(mails), "-l", strconv.Itoa(wireSize),
		"-f", "digest@example.org", "-t", "p@staff.example.org", fmt.Sprintf("127.0.0.1:%d", port))
}

// smtpSink takes mail and drops it.
func smtpSink(b *testing.B) (port int) {
	b.Helper()
	port = freePort(b)
	cmd := exec.Command(tool(b, "smtp-sink"), "-u", "root", fmt.Sprintf("127.0.0.1:%d", port), "1000")
	if os.Getuid() != 0 {
		cmd.Args = append(cmd.Args[:1], cmd.Args[3:]...)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	eventually(b, "smtp-sink answers", func() bool {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	return port
}

// benchStores gives a new store at each call of fresh.
func benchStores(b *testing.B, run func(b *testing.B, fresh func() string)) {
	b.Run("sqlite", func(b *testing.B) { run(b, func() string { return "sqlite:var/jianxun.db" }) })
	b.Run("postgres", func(b *testing.B) {
		run(b, func() string {
			store, err := pgtest.Shared(b).Database()
			if err != nil {
				b.Fatal(err)
			}
			return store
		})
	})
}

// BenchmarkDelivery: at least 0.8 of smtp-source, and at most 0.3 s of CPU for
// 1,000 mails (where smtp-source needs 0.09 to 0.24), all with the ledger and
// with starting and queueing in the time.
func BenchmarkDelivery(b *testing.B) {
	const people = 5000
	benchStores(b, func(b *testing.B, fresh func() string) {
		port := smtpSink(b)
		var ours, peer spent
		turns := 0
		for b.Loop() {
			s := post(b, fresh(), port, people)
			peer.add(sources(b, port, people/2))
			ours.add(s.sends(b))
			peer.add(sources(b, port, people/2))
			turns++
		}
		mails := float64(turns * people)
		b.ReportMetric(mails/ours.wall.Seconds(), "mails/s")
		b.ReportMetric(peer.wall.Seconds()/ours.wall.Seconds(), "of-smtp-source")
		b.ReportMetric(1000*ours.cpu.Seconds()/mails, "CPU-s/1000")
		b.ReportMetric(1000*peer.cpu.Seconds()/mails, "CPU-s/1000-of-smtp-source")
		b.ReportMetric(ours.peak, "MiB")
	})
}

// BenchmarkDeliveryMemory: as much for 200,000 people as for 1,000.
func BenchmarkDeliveryMemory(b *testing.B) {
	port := smtpSink(b)
	for b.Loop() {
		few := post(b, "sqlite:var/jianxun.db", port, 1000).sends(b)
		many := post(b, "sqlite:var/jianxun.db", port, 200_000).sends(b)
		b.ReportMetric(few.peak, "MiB-of-1,000")
		b.ReportMetric(many.peak, "MiB-of-200,000")
		b.ReportMetric(many.peak/few.peak, "growth")
		b.ReportMetric(200_000/many.wall.Seconds(), "mails/s")
	}
}

// BenchmarkDeliveryFarAway: 300 mails a second over a round trip of 20 ms.
func BenchmarkDeliveryFarAway(b *testing.B) {
	const people, trip, goal = 8000, 20 * time.Millisecond, 300
	port := distant(b, smtpSink(b), trip/2)
	var ours, peer spent
	turns := 0
	for b.Loop() {
		ours.add(post(b, "sqlite:var/jianxun.db", port, people).sends(b))
		peer.add(sources(b, port, people))
		turns++
	}
	rate := float64(turns*people) / ours.wall.Seconds()
	b.ReportMetric(rate, "mails/s")
	b.ReportMetric(rate/goal, "of-300")
	b.ReportMetric(peer.wall.Seconds()/ours.wall.Seconds(), "of-smtp-source")
}

// distant is a port behind which everything takes a while to arrive, either way.
func distant(b *testing.B, port int, one time.Duration) int {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	var wg sync.WaitGroup
	b.Cleanup(func() { _ = l.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
			if err != nil {
				_ = near.Close()
				continue
			}
			wg.Go(func() { delay(far, near, one) })
			wg.Go(func() { delay(near, far, one) })
		}
	})
	return l.Addr().(*net.TCPAddr).Port
}

// late is what is to be passed on at a time.
type late struct {
	at   time.Time
	data []byte
}

func delay(to, from net.Conn, one time.Duration) {
	line := make(chan late, 1024)
	go func() {
		defer close(line)
		for {
			data := make([]byte, 64<<10)
			n, err := from.Read(data)
			if n > 0 {
				line <- late{time.Now().Add(one), data[:n]}
			}
			if err != nil {
				return
			}
		}
	}()
	for l := range line {
		time.Sleep(time.Until(l.at))
		_, _ = to.Write(l.data) // who hung up hears nothing
	}
	_ = to.Close()
}
