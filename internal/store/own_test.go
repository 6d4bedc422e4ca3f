//go:build unix

package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"jianxun/internal/news"
)

func TestAFileIsServedByOne(t *testing.T) {
	path, c := closed(t)
	first, second := handle(t, "sqlite:"+path, c), handle(t, "sqlite:"+path, c)
	release, err := first.Serve(t.Context())
	wantCode(t, err, "")
	_, err = second.Serve(t.Context())
	wantWords(t, err, news.Conflict, path, fmt.Sprintf("process id is %d;", os.Getpid()))
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	_, err = handle(t, "sqlite:"+link, c).Serve(t.Context())
	wantWords(t, err, news.Conflict, path)
	wantCode(t, release(), "")
	if _, err := os.Stat(path + ".pid"); !os.IsNotExist(err) {
		t.Errorf("the file with the process id: %v", err)
	}
	// What a killed daemon left does no harm.
	if err := os.WriteFile(path+".pid", []byte("999999999999999999\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	release, err = second.Serve(t.Context())
	wantCode(t, err, "")
	if b, err := os.ReadFile(path + ".pid"); err != nil || strings.TrimSpace(string(b)) != fmt.Sprint(os.Getpid()) {
		t.Errorf("the file with the process id holds %q, %v", b, err)
	}
	wantCode(t, release(), "")
}

// TestManyTakeAFile: whoever takes it has it alone, and it is free in between.
func TestManyTakeAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jianxun.db")
	held, turns := make(chan bool, 1), make(chan int)
	for range 4 {
		go func() {
			n := 0
			for range 300 {
				release, err := claimFile(path)
				if err != nil {
					continue
				}
				select {
				case held <- true:
				default:
					t.Error("two have the file")
				}
				n++
				<-held
				if err := release(); err != nil {
					t.Error(err)
				}
			}
			turns <- n
		}()
	}
	total := 0
	for range 4 {
		total += <-turns
	}
	if total == 0 {
		t.Error("nobody ever had the file")
	}
	if _, err := os.Stat(path + ".pid"); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("the file with the process id: %v", err)
	}
}
