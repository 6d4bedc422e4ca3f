//go:build interop

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/mmcdole/gofeed"
)

// nginx is a running nginx that serves an export with docs/nginx.conf.
type nginx struct {
	*site  // whose daemon is beside it
	t      *testing.T
	port   int
	base   string // the path of the site
	config string
	ids    []string
	cmd    *exec.Cmd
	log    string
}

// nginxMain is what Debian's own files say besides, as little as goes.
const nginxMain = `
load_module %s;
daemon off;
worker_processes 1;
pid nginx.pid;
error_log error.log notice;
events { worker_connections 200; }
http {
    default_type application/octet-stream;
    access_log off;
    client_body_temp_path tmp;
    proxy_temp_path tmp;
    fastcgi_temp_path tmp;
    uwsgi_temp_path tmp;
    scgi_temp_path tmp;
    include site.conf;
}
`

// brotliModule is where Debian puts it.
const brotliModule = "/usr/lib/nginx/modules/ngx_http_brotli_static_module.so"

// newNginx exports a site below the path base and serves it twice: by the daemon
// and by nginx. change is what a user would do to the example besides.
func newNginx(t *testing.T, base string, change ...string) *nginx {
	t.Helper()
	program := tool(t, "nginx")
	if _, err := os.Stat(brotliModule); err != nil {
		tool(t, "libnginx-mod-http-brotli-static") // fails, or names what is missing
	}
	n := &nginx{t: t, port: freePort(t), base: base}
	n.config = strings.Replace(printedSite, "https://news.example.org", n.at(""), 1)
	n.site, n.ids = press(t, n.config, 130)
	n.must("article", "withdraw", n.ids[3])
	n.export()
	dir := filepath.Join(n.dir, "nginx")
	example := strings.NewReplacer(append(change,
		"listen 80;", fmt.Sprintf("listen 127.0.0.1:%d;", n.port), "server_name news.example.org;", "server_name _;",
		"/var/www/jianxun", filepath.Join(n.dir, "out"), "http://127.0.0.1:8080", n.url(""))...).Replace(read(t, filepath.Join(root(t), "docs/nginx.conf")))
	write(t, filepath.Join(dir, "site.conf"), example)
	write(t, filepath.Join(dir, "nginx.conf"), fmt.Sprintf(nginxMain, brotliModule))
	n.log = filepath.Join(dir, "error.log")
	n.serve()
	n.start(program, dir)
	return n
}

// start starts nginx as somebody who may do nothing else.
func (n *nginx) start(program, dir string) {
	n.t.Helper()
	n.cmd = exec.Command(program, "-p", dir, "-c", "nginx.conf", "-e", "error.log")
	if os.Getuid() == 0 {
		const nobody = 65534
		openPath(n.t, filepath.Join(n.dir, "out", "x"))
		if err := os.Chown(dir, nobody, nobody); err != nil {
			n.t.Fatal(err)
		}
		n.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	var said bytes.Buffer
	n.cmd.Stderr = &said
	if err := n.cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() {
		_ = n.cmd.Process.Signal(syscall.SIGTERM)
		_ = n.cmd.Wait()
		if n.t.Failed() {
			log, _ := os.ReadFile(n.log)
			n.t.Logf("nginx says: %s%s", said.String(), log)
		}
	})
	n.awaitWorkers(1)
}

// awaitWorkers waits until nginx has begun to serve with a configuration for the
// n-th time.
func (n *nginx) awaitWorkers(times int) {
	n.t.Helper()
	eventually(n.t, "nginx serves", func() bool {
		log, err := os.ReadFile(n.log)
		return err == nil && strings.Count(string(log), "start worker processes") >= times && n.answers()
	})
}

func (n *nginx) answers() bool {
	resp, err := http.Get(n.at("/style.css"))
	if err == nil {
		_ = resp.Body.Close()
	}
	return err == nil
}

// at is an address at nginx.
func (n *nginx) at(path string) string {
	return fmt.Sprintf("http://127.0.0.1:%d%s%s", n.port, n.base, path)
}

// inner is the address of the same at the daemon.
func (n *nginx) inner(path string) string { return n.url(n.base + path) }

var prevArchive = regexp.MustCompile(`<(?:atom:)?link [^>]*rel="prev-archive"[^>]*>`)
var href = regexp.MustCompile(`href="([^"]*)"`)

// walk follows the archive through nginx to its end and gives the ids of all
// articles on the way, and the addresses.
func (n *nginx) walk(feed, format string) (ids, addresses []string) {
	n.t.Helper()
	for next := n.at("/feeds/" + feed + "." + format); next != ""; {
		addresses = append(addresses, next)
		resp, body := get(n.t, next)
		parsed, err := gofeed.NewParser().ParseString(body)
		if err != nil || resp.StatusCode != http.StatusOK {
			n.t.Fatalf("%s: %s, %v", next, resp.Status, err)
		}
		for _, it := range parsed.Items {
			ids = append(ids, it.GUID)
		}
		next = ""
		if link := href.FindStringSubmatch(prevArchive.FindString(body)); link != nil {
			next = link[1]
		}
		var j struct {
			Next string `json:"next_url"`
		}
		if format == "json" {
			if err := json.Unmarshal([]byte(body), &j); err != nil {
				n.t.Fatal(err)
			}
			next = j.Next
		}
	}
	return ids, addresses
}

// walks expects each article once.
func (n *nginx) walks() {
	n.t.Helper()
	for _, format := range []string{"rss", "atom", "json"} {
		ids, addresses := n.walk("all", format)
		slices.Sort(ids)
		if unique := slices.Compact(slices.Clone(ids)); len(ids) != len(n.ids)-1 || len(unique) != len(ids) || len(addresses) != 3 {
			n.t.Errorf("%s: %d articles, %d different, in %v; want %d", format, len(ids), len(unique), addresses, len(n.ids)-1)
		}
	}
}

// What is exported while nginx runs is seen at once; a feed that got another
// name after nginx was told to read its configuration again.
func TestInteropNginxFollowsTheExport(t *testing.T) {
	n := newNginx(t, "")
	for _, number := range []int{131, 133} {
		n.write("pages/new.txt", pressPage(number, "后来的一篇。"))
		n.must("ingest", "pages/new.txt")
		n.export()
	}
	n.must("article", "withdraw", n.ids[5])
	n.export()
	eventually(t, "the daemon shows it too", func() bool {
		_, body := get(t, n.inner("/feeds/all.rss"))
		return strings.Contains(body, pressTitle(133))
	})
	n.wantSame("/feeds/all.rss", http.StatusOK)
	n.wantSame("/feeds/all/archive/1.atom", http.StatusOK)
	n.wantSame("/articles/"+n.ids[5], http.StatusGone)
	n.wantStatus(http.MethodGet, "/feeds/all/archive/2-31.rss", http.StatusOK)
	n.wantStatus(http.MethodGet, "/feeds/all/archive/2-29.rss", http.StatusFound)
	n.must("article", "restore", n.ids[5])
	n.export()
	n.wantSame("/articles/"+n.ids[5], http.StatusOK)

	n.configure(strings.Replace(n.config, "slug: yaowen,", "slug: toutiao, was: [yaowen],", 1))
	n.export()
	if err := n.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	n.awaitWorkers(2)
	eventually(t, "the old workers are gone", func() bool {
		resp, _ := get(t, n.at("/feeds/yaowen.rss"))
		return resp.StatusCode == http.StatusMovedPermanently
	})
	eventually(t, "the daemon has the new name", func() bool { resp, _ := get(t, n.inner("/feeds/toutiao.rss")); return resp.StatusCode == http.StatusOK })
	n.wantSame("/feeds/toutiao.rss", http.StatusOK)
	n.wantStatus(http.MethodGet, "/feeds/yaowen/archive/1-25.rss", http.StatusMovedPermanently)
}
