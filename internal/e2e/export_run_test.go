package e2e

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

func TestExportSaysWhatItDid(t *testing.T) {
	s := newSite(t, readingSite)
	s.must("ingest")
	out, errs, code := s.run("export", "out")
	n := len(files(t, filepath.Join(s.dir, "out")))
	if want := fmt.Sprintf("写入 %d 个文件，0 个未变，移除 0 个：%s\n", n, filepath.Join(s.dir, "out")); code != 0 || out != want || errs != "" {
		t.Errorf("exit %d, %q and %q; want %q and nothing about progress", code, out, errs, want)
	}
	out, errs, code = s.run("export", "out", "--json")
	if want := fmt.Sprintf("{\n  \"written\": 0,\n  \"unchanged\": %d,\n  \"removed\": 0\n}\n", n); code != 0 || out != want || errs != "" {
		t.Errorf("exit %d, %q and %q; want %q", code, out, errs, want)
	}
}

func TestExportShowsProgressOnATerminal(t *testing.T) {
	s := newSite(t, readingSite)
	s.must("ingest")
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	screen, line := terminal(t)
	cmd := exec.Command(path, "export", "out")
	cmd.Dir, cmd.Env, cmd.Stderr = s.dir, append(os.Environ(), "LC_ALL=zh_CN.UTF-8"), line
	err = cmd.Run()
	_ = line.Close()
	shown, _ := io.ReadAll(screen) // ends with an error: nobody holds the line any more
	if err != nil || !strings.Contains(string(shown), "\r") || !strings.Contains(string(shown), "style.css") || !strings.HasSuffix(string(shown), " \r") {
		t.Errorf("%v: the terminal shows %q; want progress, and nothing of it left", err, shown)
	}
}

// terminal is a pseudo-terminal: what is written to line can be read from screen.
func terminal(t *testing.T) (screen, line *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatalf("no terminal can be made: %v", err) // every Linux has them
	}
	t.Cleanup(func() { _ = screen.Close() })
	var number, unlock uint32
	for _, c := range []struct {
		request uintptr
		arg     *uint32
	}{{syscall.TIOCSPTLCK, &unlock}, {syscall.TIOCGPTN, &number}} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, screen.Fd(), c.request, uintptr(unsafe.Pointer(c.arg))); errno != 0 {
			t.Fatal(errno)
		}
	}
	if line, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	return screen, line
}

func TestExportRefusesWhatIsNotItsOwn(t *testing.T) {
	s := newSite(t, readingSite)
	s.must("ingest")
	s.write("mine/thesis.txt", "precious")
	_, errs, code := s.run("export", "mine")
	if code != 1 || !strings.Contains(errs, "文件夹 "+filepath.Join(s.dir, "mine")+" 中有不属于导出的文件，请另选一个空文件夹") {
		t.Errorf("exit %d: %s", code, errs)
	}
	if entries, err := os.ReadDir(filepath.Join(s.dir, "mine")); err != nil || len(entries) != 1 || read(t, filepath.Join(s.dir, "mine/thesis.txt")) != "precious" {
		t.Errorf("%v, %v", entries, err)
	}

	s.export()
	lock, err := os.Open(filepath.Join(s.dir, "out/.jianxun/lock"))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := s.run("export", "out"); code != 1 || !strings.Contains(errs, "另一个导出正在写入 "+filepath.Join(s.dir, "out")) {
		t.Errorf("beside another: exit %d: %s", code, errs)
	}
	_ = lock.Close()
	s.export()

	s.write("out/.jianxun/manifest", "")
	if _, errs, code := s.run("export", "out"); code != 1 || !strings.Contains(errs, "请删除该文件夹后重新导出") {
		t.Errorf("without a list: exit %d: %s", code, errs)
	}
	if _, _, code := s.run("export"); code != 2 {
		t.Errorf("without a folder: exit %d", code)
	}
}

// Many feeds are no reason to be refused as a reader would be that asks for all
// of them in one minute.
func TestExportOfManyFeedsUnderAPathThatLooksLikeOurs(t *testing.T) {
	config := "limits: {feeds: 1, searches: 1}\nsite: {url: \"https://example.org/feeds\"}\n" + readingSite + "feeds:\n"
	for n := range 40 {
		config += fmt.Sprintf("  - {slug: f%d, items: 2}\n", n)
	}
	s := newSite(t, config)
	s.must("ingest")
	s.export()
	if body := read(t, filepath.Join(s.dir, "out/feeds/f39.rss")); !strings.Contains(body, "https://example.org/feeds/feeds/f39.rss") {
		t.Error(body)
	}
}

// An older store that was brought back has fewer changes than the files tell of.
func TestExportOfAStoreThatWasBroughtBack(t *testing.T) {
	p := newPrinting(t, 130)
	aside := filepath.Join(p.dir, "aside")
	if err := os.CopyFS(aside, os.DirFS(filepath.Join(p.dir, "var"))); err != nil {
		t.Fatal(err)
	}
	p.write(131, "后来丢失的一篇。")
	p.must("article", "withdraw", p.ids[9])
	lost := p.page(131)
	p.export()
	if err := os.RemoveAll(filepath.Join(p.dir, "var")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(aside, filepath.Join(p.dir, "var")); err != nil {
		t.Fatal(err)
	}
	p.export()
	now := files(t, p.out())
	if _, ok := now[lost]; ok {
		t.Error("the page of an article that is not in the store is there")
	}
	for name, was := range p.files {
		if f, ok := now[name]; !ok || was.sum != f.sum {
			t.Errorf("%s is not as it was then", name)
		}
	}
}
