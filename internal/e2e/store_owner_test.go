package e2e

import (
	"bytes"
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

// nobody is somebody who may do little.
func nobody(t *testing.T) *syscall.Credential {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil // we are somebody like that ourselves
	}
	u, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
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

func TestStoreThatMayNotBeWritten(t *testing.T) {
	type modes struct {
		made         bool // whether there is a store already
		file, folder os.FileMode
	}
	cases := map[string]modes{
		"file":             {true, 0o444, 0o755},
		"folder":           {true, 0o644, 0o555},
		"folder, no store": {false, 0, 0o555},
		"hidden folder":    {true, 0o644, 0},
	}
	if os.Geteuid() == 0 { // who else has only files of his own
		cases["file of another's"] = modes{true, 0o600, 0o755}
	}
	for name, c := range cases {
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
