package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"jianxun/internal/pgtest"
)

// patience bounds every wait: a test that needs it has failed.
const patience = 90 * time.Second

func root(t testing.TB) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func read(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// binary is the program, built once for all tests.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "jianxun-e2e-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "jianxun")
	cmd := exec.Command("go", "build", "-o", path, "./cmd/jianxun")
	cmd.Dir = "../.."
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	if what := os.Getenv(childVariable); what != "" {
		os.Exit(child(what))
	}
	code := pgtest.Run(m)
	if path, err := binary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// site is a folder in which the program runs.
type site struct {
	t         testing.TB
	dir       string
	port, ops int
}

// newSite makes a folder with a configuration, to which it adds two free ports
// to listen on.
func newSite(t testing.TB, config string) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir(), port: freePort(t), ops: freePort(t)}
	s.configure(config)
	return s
}

func (s *site) configure(config string) {
	head := fmt.Sprintf("listen: 127.0.0.1:%d\nops: {listen: 127.0.0.1:%d}\n", s.port, s.ops)
	write(s.t, filepath.Join(s.dir, "jianxun.yaml"), head+config)
}

func (s *site) write(name, text string) { write(s.t, filepath.Join(s.dir, name), text) }

func (s *site) url(path string) string { return fmt.Sprintf("http://127.0.0.1:%d%s", s.port, path) }

// run runs a command of the program and gives what it printed and its exit code.
func (s *site) run(args ...string) (stdout, stderr string, code int) {
	s.t.Helper()
	path, err := binary()
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "LC_ALL=zh_CN.UTF-8")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		s.t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// must runs a command that is to succeed.
func (s *site) must(args ...string) string {
	s.t.Helper()
	out, errs, code := s.run(args...)
	if code != 0 {
		s.t.Fatalf("jianxun %s: exit %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return out
}

// data runs a command with --json and decodes what it printed.
func (s *site) data(into any, args ...string) {
	s.t.Helper()
	out := s.must(append(args, "--json")...)
	if err := json.Unmarshal([]byte(out), into); err != nil {
		s.t.Fatalf("%v in %s", err, out)
	}
}

// daemon is a running `jianxun serve`.
type daemon struct {
	t     testing.TB
	cmd   *exec.Cmd
	lines chan string // of standard output and the log
	done  chan struct{}
	mu    sync.Mutex
	said  strings.Builder
}

// serve starts the daemon and waits until it has printed where everything is.
func (s *site) serve() *daemon {
	s.t.Helper()
	path, err := binary()
	if err != nil {
		s.t.Fatal(err)
	}
	d := s.spawn(exec.Command(path, "serve"))
	d.waitFor("立即发送")
	return d
}

// spawn starts a process in the folder of the site.
func (s *site) spawn(cmd *exec.Cmd) *daemon {
	s.t.Helper()
	d := &daemon{t: s.t, cmd: cmd, lines: make(chan string, 10_000), done: make(chan struct{})}
	d.cmd.Dir = s.dir
	d.cmd.Env = append(append(os.Environ(), "LC_ALL=zh_CN.UTF-8"), cmd.Env...)
	r, w := io.Pipe()
	d.cmd.Stdout, d.cmd.Stderr = w, w
	if err := d.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		for sc := bufio.NewScanner(r); sc.Scan(); {
			d.mu.Lock()
			d.said.WriteString(sc.Text() + "\n")
			d.mu.Unlock()
			d.lines <- sc.Text()
		}
		close(d.lines)
	}()
	go func() {
		_ = d.cmd.Wait()
		_ = w.Close()
		close(d.done)
	}()
	s.t.Cleanup(d.kill)
	return d
}

// output is all that the daemon has printed.
func (d *daemon) output() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.said.String()
}

// waitFor waits for a line that holds text.
func (d *daemon) waitFor(text string) string {
	d.t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case line, ok := <-d.lines:
			if !ok {
				d.t.Fatalf("the daemon ended without saying %q:\n%s", text, d.output())
			}
			if strings.Contains(line, text) {
				return line
			}
		case <-timeout:
			d.t.Fatalf("the daemon did not say %q:\n%s", text, d.output())
		}
	}
}

// kill ends the daemon as a power cut would.
func (d *daemon) kill() {
	_ = d.cmd.Process.Kill()
	<-d.done
}

// interrupt ends it as Ctrl-C would and gives the exit code.
func (d *daemon) interrupt() int { return d.end(syscall.SIGINT) }

// end ends it by a signal and gives the exit code.
func (d *daemon) end(signal syscall.Signal) int {
	d.t.Helper()
	if err := d.cmd.Process.Signal(signal); err != nil {
		d.t.Fatal(err)
	}
	return d.wait()
}

// wait waits until it ends and gives the exit code.
func (d *daemon) wait() int {
	d.t.Helper()
	select {
	case <-d.done:
	case <-time.After(patience):
		d.t.Fatalf("the daemon did not stop:\n%s", d.output())
	}
	return d.cmd.ProcessState.ExitCode()
}

func get(t testing.TB, url string, headers ...string) (*http.Response, string) {
	t.Helper()
	return request(t, http.MethodGet, url, "", headers...)
}

func request(t testing.TB, method, url, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := (&http.Client{Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

// eventually asks until it is so; each asking goes through the program itself,
// so there is no signal to wait for.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for timeout := time.After(patience); ; {
		if is() {
			return
		}
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("it never came to this: %s", what)
		}
	}
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}
