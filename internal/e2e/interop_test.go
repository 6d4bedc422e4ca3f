//go:build interop

package e2e

import (
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func command(t *testing.T, stdin string, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// watched stands between a reader and the daemon and notes what was answered.
type watched struct {
	url string
	mu  sync.Mutex
	log []string
}

func watch(t *testing.T, s *site) *watched {
	t.Helper()
	target, err := url.Parse(s.url(""))
	if err != nil {
		t.Fatal(err)
	}
	w := &watched{}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ModifyResponse = func(r *http.Response) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.log = append(w.log, fmt.Sprintf("%s %d", r.Request.URL.Path, r.StatusCode))
		return nil
	}
	srv := httptest.NewServer(proxy)
	t.Cleanup(srv.Close)
	w.url = srv.URL
	return w
}

func (w *watched) answers() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.log...)
}

func TestInteropXmllint(t *testing.T) {
	xmllint := tool(t, "xmllint")
	s := newSite(t, readingSite)
	s.serve()
	for _, path := range []string{"/feeds/all.rss", "/feeds/all.atom", "/feeds/yaowen.rss", "/feeds.opml"} {
		_, body := get(t, s.url(path))
		command(t, body, xmllint, "--noout", "--nonet", "-")
	}
}

const feedparserScript = `
import feedparser, json, sys
first = feedparser.parse(sys.argv[1])
again = feedparser.parse(sys.argv[1], etag=first.get("etag"), modified=first.get("modified"))
print(json.dumps({"bozo": bool(first.bozo), "status": again.status, "left": len(again.entries),
  "items": {e.id: [e.title, list(e.published_parsed)[:6]] for e in first.entries}}))
`

// TestInteropFeedparser reads the feeds with python3-feedparser: the same
// items, titles and dates in RSS and Atom, and 304 on the next poll.
func TestInteropFeedparser(t *testing.T) {
	python := "/usr/bin/python3" // Debian's, which has the Debian package
	if err := exec.Command(python, "-c", "import feedparser").Run(); err != nil {
		tool(t, "python3-feedparser") // fails, or names what is missing
	}
	s := newSite(t, readingSite)
	s.serve()
	want := items(t, s, "all")
	type result struct {
		Bozo         bool
		Status, Left int
		Items        map[string][]any
	}
	var before string
	for _, format := range []string{"rss", "atom"} {
		out := command(t, "", python, "-c", feedparserScript, s.url("/feeds/all."+format))
		var r result
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if r.Bozo || r.Status != http.StatusNotModified || r.Left != 0 || len(r.Items) != len(want) {
			t.Errorf("%s: bozo %v, second poll %d with %d entries, %d items", format, r.Bozo, r.Status, r.Left, len(r.Items))
		}
		for id, title := range want {
			if got, ok := r.Items[id]; !ok || got[0] != title {
				t.Errorf("%s: %s is %v, want %q", format, id, got, title)
			}
		}
		same, _ := json.Marshal(r.Items)
		if before != "" && before != string(same) {
			t.Errorf("RSS and Atom differ:\n%s\n%s", before, same)
		}
		before = string(same)
	}
}

// TestInteropNewsboat reloads the feeds as newsboat does; it asks conditionally
// from its third reload on.
func TestInteropNewsboat(t *testing.T) {
	newsboat := tool(t, "newsboat")
	s := newSite(t, readingSite)
	s.serve()
	want := items(t, s, "all")
	for _, format := range []string{"rss", "atom"} {
		t.Run(format, func(t *testing.T) {
			w := watch(t, s)
			dir := t.TempDir() // a cache for each feed: newsboat removes duplicates across feeds
			write(t, dir+"/urls", w.url+"/feeds/all."+format+"\n")
			write(t, dir+"/config", "show-read-feeds yes\n")
			args := []string{"-u", dir + "/urls", "-c", dir + "/cache.db", "-C", dir + "/config"}
			for range 3 {
				command(t, "", newsboat, append(args, "-x", "reload")...)
			}
			last := w.answers()
			if got := last[len(last)-1]; got != "/feeds/all."+format+" 304" {
				t.Errorf("the third reload: %v", last)
			}
			unread := command(t, "", newsboat, append(args, "-x", "print-unread")...)
			if !strings.Contains(unread, fmt.Sprintf("%d unread", len(want))) {
				t.Errorf("newsboat has %s, want %d", unread, len(want))
			}
		})
	}
}

const emailScript = `
import email, email.policy, glob, json, sys
out = []
for name in sorted(glob.glob(sys.argv[1] + "/*")):
    m = email.message_from_bytes(open(name, "rb").read(), policy=email.policy.default)
    out.append({"type": m.get_content_type(), "subject": m["subject"], "to": str(m["to"]), "list": str(m["list-id"]),
      "parts": [p.get_content_type() for p in m.iter_parts()], "defects": [str(d) for p in m.walk() for d in p.defects],
      "text": m.get_body(("plain",)).get_content(), "html": m.get_body(("html",)).get_content()})
print(json.dumps(out))
`

// TestInteropSmtpSink sends an issue to Postfix's smtp-sink and decodes what it
// kept with python3's email module.
func TestInteropSmtpSink(t *testing.T) {
	sink := newKeepingSink(t)
	s := sending(t, sink.addr, threePeople)
	s.must("issue", "send", "weekly")
	s.must("issue", "send", "weekly")
	var mails []struct {
		Type, Subject, To, List, Text, HTML string
		Parts, Defects                      []string
	}
	out := command(t, "", "/usr/bin/python3", "-c", emailScript, sink.dir)
	if err := json.Unmarshal([]byte(out), &mails); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if len(mails) != 3 {
		t.Fatalf("smtp-sink has %d mails", len(mails))
	}
	for _, m := range mails {
		if m.Type != "multipart/alternative" || fmt.Sprint(m.Parts) != "[text/plain text/html]" || len(m.Defects) != 0 {
			t.Errorf("%s: %s %v %v", m.To, m.Type, m.Parts, m.Defects)
		}
		if !strings.HasPrefix(m.Subject, "检察要闻周报 ") || !strings.Contains(m.Text, "古城墙") || !strings.Contains(m.HTML, "古城墙") {
			t.Errorf("%s: %s", m.To, m.Subject)
		}
	}
}

// openPath lets another user reach dir below the test's private folder.
func openPath(t *testing.T, dir string) {
	t.Helper()
	for d := filepath.Dir(dir); strings.HasPrefix(d, os.TempDir()+"/"); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// TestInteropChromium opens the mail and the pages in a real browser, wide and
// as on a phone, light and dark: something is to be seen, nothing is cut off on
// the right, and nothing was asked of anybody else.
func TestInteropChromium(t *testing.T) {
	chromium := tool(t, "chromium")
	s := newSite(t, readingSite)
	s.serve()
	s.must("issue", "draft", "weekly")
	var preview struct{ HTML string }
	s.data(&preview, "issue", "preview", "weekly")
	var list []struct{ ID string }
	s.data(&list, "article", "list")
	pages := map[string]string{"mail": "file://" + preview.HTML, "home": s.url("/"), "feed": s.url("/feeds/yaowen"), "article": s.url("/articles/" + list[0].ID)}
	shots := os.Getenv("JIANXUN_SHOTS") // a folder to keep the pictures in, to look at them
	if shots == "" {
		shots = t.TempDir()
	}
	for name, address := range pages {
		for _, v := range []struct {
			kind  string
			width int
			dark  bool
		}{{"wide", 1000, false}, {"phone", 375, false}, {"dark", 1000, true}} {
			t.Run(name+"/"+v.kind, func(t *testing.T) {
				file := filepath.Join(shots, name+"-"+v.kind+".png")
				picture := screenshot(t, chromium, address, file, v.width, v.dark)
				looksRight(t, picture, v.dark)
			})
		}
	}
}

func screenshot(t *testing.T, chromium, address, file string, width int, dark bool) image.Image {
	t.Helper()
	args := []string{"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--hide-scrollbars", "--accept-lang=zh-CN", "--user-data-dir=" + t.TempDir(),
		fmt.Sprintf("--window-size=%d,1200", width), "--screenshot=" + file}
	if dark {
		args = append(args, "--blink-settings=preferredColorScheme=0")
	}
	command(t, "", chromium, append(args, address)...)
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	picture, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

// looksRight expects ink on paper of the right brightness, and a right edge
// that is paper: text that runs out of the page would touch it.
func looksRight(t *testing.T, p image.Image, dark bool) {
	t.Helper()
	b := p.Bounds()
	bright, ink, edge := 0, 0, 0
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			r, g, bl, _ := p.At(x, y).RGBA()
			light := (r+g+bl)/3 > 0x8000
			if light {
				bright++
			}
			if light == dark {
				if ink++; x >= b.Max.X-3 {
					edge++
				}
			}
		}
	}
	all := b.Dx() * b.Dy()
	if paper := bright > all/2; paper == dark {
		t.Errorf("dark %v, but %d %% of the picture is bright", dark, 100*bright/all)
	}
	if ink < all/500 {
		t.Errorf("only %d of %d points are ink", ink, all)
	}
	if edge > b.Dy()/20 {
		t.Errorf("%d points at the right edge are ink: the page is wider than the window", edge)
	}
}
