package web

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkNginx compares our whole handler with nginx over the files of an
// export, by turns and over a connection each that is kept open. ratio is
// nginx's time by ours. Without nginx there is nothing to compare with.
func BenchmarkNginx(b *testing.B) {
	program, err := exec.LookPath("nginx")
	if err != nil {
		b.Skip("nginx is not installed")
	}
	s := filled(b, 50)
	dir := b.TempDir()
	f, err := s.File(b.Context(), "/feeds/all.rss")
	if err != nil {
		b.Fatal(err)
	}
	for name, body := range map[string][]byte{"all.rss": f.Body, "all.rss.gz": f.Gzip} {
		if err := os.MkdirAll(filepath.Join(dir, "feeds"), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "feeds", name), body, 0o644); err != nil {
			b.Fatal(err)
		}
	}
	server := startNginx(b, program, dir)
	for _, coding := range []string{"identity", "gzip"} {
		b.Run(coding, func(b *testing.B) {
			fields := []string{"Accept-Encoding: " + coding}
			ours, theirs := newVisitor(b, s, http.StatusOK, fields), newVisitorOf(b, server, http.StatusOK, fields)
			for first, second := ours, theirs; b.Loop(); first, second = second, first {
				first.visit(b)
				second.visit(b)
			}
			b.ReportMetric(float64(theirs.took)/float64(ours.took), "ratio")
		})
	}
}

const nginxConfig = `daemon off; worker_processes 1; pid %[1]s/pid; error_log %[1]s/error.log;
events { worker_connections 64; }
http {
  access_log off; sendfile on; keepalive_requests 100000000; client_body_temp_path %[1]s/t; proxy_temp_path %[1]s/t; fastcgi_temp_path %[1]s/t; uwsgi_temp_path %[1]s/t; scgi_temp_path %[1]s/t;
  server { listen %[2]s; root %[1]s; gzip_static on; gzip_vary on; open_file_cache max=100; types { application/rss+xml rss; }
    add_header Cache-Control "public, max-age=60"; }
}
`

// startNginx serves the folder and gives the address.
func startNginx(b *testing.B, program, dir string) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	file := filepath.Join(dir, "nginx.conf")
	config := fmt.Sprintf(nginxConfig, dir, address)
	if os.Getuid() == 0 { // else its workers would be somebody who may not read the folder
		config = "user root;\n" + config
	}
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(program, "-c", file, "-e", filepath.Join(dir, "error.log"))
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for range 500 {
		if c, err := net.Dial("tcp", address); err == nil {
			_ = c.Close()
			return "http://" + address
		}
		time.Sleep(10 * time.Millisecond)
	}
	b.Fatal("nginx does not answer")
	return ""
}
