package e2e

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

const watchedSite = `
sources:
  - {name: pages, kind: directory, path: pages, column: 检察要闻, every: 1s}
`

func (s *site) store() string { return filepath.Join(s.dir, "var", "jianxun.db") }

// smallDisk mounts a disk of its own at the folder, which takes root.
func smallDisk(t *testing.T, dir, size string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root may mount a small disk")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size="+size, "tmpfs", dir).CombinedOutput(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("mount: %v: %s", err, out)
		}
		t.Skipf("mount: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
}

// fill writes a file as large as the disk allows.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for block := 1 << 20; block >= 1; {
		if _, err := f.Write(make([]byte, block)); err != nil {
			block /= 2
		}
	}
}

func TestDiskFull(t *testing.T) {
	s := newSite(t, watchedSite)
	smallDisk(t, filepath.Join(s.dir, "var"), "16m")
	for n := range 5 {
		s.pageOf("pages", fmt.Sprintf("第%d篇", n))
	}
	d := s.serve()
	eventually(t, "the articles are in the feed", func() bool { return len(items(t, s, "all")) == 5 })
	filler := filepath.Join(s.dir, "var", "filler")
	fill(t, filler)
	// What room is left in the store itself is used up by and by.
	came := 5
	full := func() bool {
		title := fmt.Sprintf("第%d篇", came)
		s.write("pages/"+title+".txt", pageText(title, strings.Repeat("检察机关依法履职。\n\n  ", 5000)))
		came++
		out, errs, code := s.run("ingest")
		if code == 1 && !strings.Contains(out+errs, "磁盘已满") {
			t.Errorf("ingest says: %s%s", out, errs)
		}
		return code == 1
	}
	eventually(t, "the disk is full", full)
	d.waitFor("is full")
	kept := items(t, s, "all")
	if len(kept) < 5 || len(kept) >= came {
		t.Errorf("%d of %d articles are in the feed", len(kept), came)
	}
	if out := s.must("article", "list", "--limit", "1000"); strings.Count(out, "检察要闻") < 5 {
		t.Errorf("articles are lost: %s", out)
	}
	if _, errs, code := s.run("backup", filepath.Join(s.dir, "var", "backup.db")); code != 1 || !strings.Contains(errs, "磁盘已满") {
		t.Errorf("backup: exit %d, %s", code, errs)
	}
	if names, _ := filepath.Glob(filepath.Join(s.dir, "var", "backup*")); len(names) > 0 {
		t.Errorf("the backup leaves %q", names)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	// What is read on schedule is tried again half a minute after it failed.
	eventually(t, "it goes on by itself", func() bool { return len(items(t, s, "all")) == came })
	now := items(t, s, "all")
	for id, title := range kept {
		if now[id] != title {
			t.Errorf("%s is %q, was %q", id, now[id], title)
		}
	}
	if code := d.interrupt(); code != 0 {
		t.Errorf("exit %d\n%s", code, d.output())
	}
}

// nobody is somebody who may do little.
func nobody(t *testing.T) *syscall.Credential {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil // we are somebody like that ourselves
	}
	u, err := user.Lookup("nobody")
	if err != nil {
		t.Skip(err)
	}
	uid, _ := strconv.ParseUint(u.Uid, 10, 32)
	gid, _ := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// runAs runs a command of the program as somebody else.
func (s *site) runAs(who *syscall.Credential, args ...string) (stderr string, code int) {
	s.t.Helper()
	path, err := binary()
	if err != nil {
		s.t.Fatal(err)
	}
	program := filepath.Join(s.t.TempDir(), "jianxun") // where everybody may start it
	if out, err := exec.Command("cp", path, program).CombinedOutput(); err != nil {
		s.t.Fatalf("cp: %v: %s", err, out)
	}
	for _, dir := range []string{filepath.Dir(program), filepath.Dir(filepath.Dir(program)), s.dir, filepath.Dir(s.dir)} {
		if err := os.Chmod(dir, 0o755); err != nil {
			s.t.Fatal(err)
		}
	}
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Env = s.dir, append(os.Environ(), "LC_ALL=zh_CN.UTF-8")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: who}
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		s.t.Fatal(err)
	}
	return errs.String(), cmd.ProcessState.ExitCode()
}

// hashes are those of all files in a folder.
func hashes(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, e := range entries {
		if !e.IsDir() {
			fmt.Fprintf(&all, "%s %x\n", e.Name(), sha256.Sum256([]byte(read(t, filepath.Join(dir, e.Name())))))
		}
	}
	return all.String()
}

func TestStoreThatMayNotBeWritten(t *testing.T) {
	for name, c := range map[string]struct {
		made         bool // whether there is a store already
		file, folder os.FileMode
	}{
		"file":              {true, 0o444, 0o755},
		"folder":            {true, 0o644, 0o555},
		"folder, no store":  {false, 0, 0o555},
		"hidden folder":     {true, 0o644, 0},
		"file of another's": {true, 0o600, 0o755},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, readingSite)
			who, dir := nobody(t), filepath.Join(s.dir, "var")
			if c.made {
				s.must("ingest")
			} else if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if who != nil && name == "folder" { // the file may be written, and its folder may not
				if err := os.Chown(s.store(), int(who.Uid), int(who.Gid)); err != nil {
					t.Fatal(err)
				}
			} else if who == nil && name == "file of another's" {
				t.Skip("there is nobody else")
			}
			was := hashes(t, dir)
			mode := func(path string, m os.FileMode) {
				if err := os.Chmod(path, m); err != nil {
					t.Fatal(err)
				}
			}
			if c.made {
				mode(s.store(), c.file)
			}
			mode(dir, c.folder)
			for _, args := range [][]string{{"serve"}, {"ingest"}, {"article", "list"}} {
				errs, code := s.runAs(who, args...)
				if code != 1 || !strings.Contains(errs, "jianxun.db") || !strings.Contains(errs, "不能写入") {
					t.Errorf("%q: exit %d, %s", args, code, errs)
				}
			}
			mode(dir, 0o755)
			if is := hashes(t, dir); is != was {
				t.Errorf("the folder holds\n%sbefore\n%s", is, was)
			}
		})
	}
}

func TestSecondDaemonOnAFile(t *testing.T) {
	s := newSite(t, readingSite+"subscribers: subscribers.yaml\n")
	s.write("subscribers.yaml", threePeople)
	d := s.serve()
	other := newSite(t, readingSite+"store: sqlite:"+s.store()+"\n")
	out, errs, code := other.run("serve")
	if code != 1 || !strings.Contains(errs, s.store()) || !strings.Contains(errs, strconv.Itoa(d.cmd.Process.Pid)) {
		t.Errorf("the second: exit %d, %s%s", code, out, errs)
	}
	if resp, _ := get(t, s.url("/feeds/all.rss")); resp.StatusCode != http.StatusOK {
		t.Errorf("the first: %s", resp.Status)
	}
	for _, args := range [][]string{{"article", "list"}, {"ingest"}, {"issue", "draft", "weekly"}, {"issue", "send", "weekly"}, {"backup", "b.db"}} {
		s.must(args...)
	}
	d.kill()
	again := s.serve()
	if text := read(t, s.store()+".pid"); strings.TrimSpace(text) != strconv.Itoa(again.cmd.Process.Pid) {
		t.Errorf("the process id in the file is %q, want %d", text, again.cmd.Process.Pid)
	}
	if code := again.interrupt(); code != 0 {
		t.Errorf("exit %d", code)
	}
	if _, err := os.Stat(s.store() + ".pid"); !os.IsNotExist(err) {
		t.Errorf("after a clean stop the file with the process id: %v", err)
	}
}

func TestDamagedStoreIsRefused(t *testing.T) {
	for name, harm := range map[string]func(f *os.File, size int64) error{
		"header":    func(f *os.File, _ int64) error { return overwrite(f, 0, 100) },
		"truncated": func(f *os.File, size int64) error { return f.Truncate(size / 2) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, readingSite)
			s.must("ingest")
			s.harm(harm)
			was := hashes(t, filepath.Dir(s.store()))
			for _, args := range [][]string{{"serve"}, {"ingest"}, {"backup", "b.db"}} {
				_, errs, code := s.run(args...)
				if code != 1 || !strings.Contains(errs, s.store()) || !strings.Contains(errs, "损坏") {
					t.Errorf("%q: exit %d, %s", args, code, errs)
				}
			}
			if is := hashes(t, filepath.Dir(s.store())); is != was {
				t.Errorf("the folder holds\n%sbefore\n%s", is, was)
			}
		})
	}
}

// harm does something to the file of the store.
func (s *site) harm(how func(f *os.File, size int64) error) {
	s.t.Helper()
	f, err := os.OpenFile(s.store(), os.O_RDWR, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err == nil {
		err = how(f, info.Size())
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func overwrite(f *os.File, from, to int64) error {
	_, err := f.WriteAt(bytes.Repeat([]byte{0xa5}, int(to-from)), from)
	return err
}

// TestStoreDamagedWhileServing: feeds stay as they were, nothing more is written,
// and readiness says why.
func TestStoreDamagedWhileServing(t *testing.T) {
	s := newSite(t, watchedSite)
	for n := range 5 {
		s.pageOf("pages", fmt.Sprintf("第%d篇", n))
	}
	s.must("ingest") // and closed, so that all is in the one file
	d := s.serve()
	eventually(t, "the articles are in the feed", func() bool { return len(items(t, s, "all")) == 5 })
	feeds := s.feedFiles("all")
	s.harm(func(f *os.File, size int64) error { return overwrite(f, 4096, size) })
	s.pageOf("pages", "损坏之后的稿件")
	eventually(t, "the damage is seen", func() bool {
		get(t, s.url("/search?q=第")) // which reads what no memory holds yet
		resp, body := get(t, fmt.Sprintf("http://127.0.0.1:%d/readyz", s.ops))
		return resp.StatusCode == http.StatusServiceUnavailable && strings.Contains(body, s.store()) && strings.Contains(body, "damaged")
	})
	d.waitFor("is damaged")
	written := func() string { return read(t, s.store()) + "|" + read(t, s.store()+"-wal") }
	was := written()
	for path, body := range feeds {
		if resp, is := get(t, s.url(path)); resp.StatusCode != http.StatusOK || is != body {
			t.Errorf("%s: %s, %d octets, was %d", path, resp.Status, len(is), len(body))
		}
	}
	for range 3 {
		get(t, s.url("/search?q=稿件"))
	}
	if code := d.interrupt(); code == -1 {
		t.Errorf("it did not stop:\n%s", d.output())
	}
	if written() != was {
		t.Error("the damaged file was written to")
	}
}
