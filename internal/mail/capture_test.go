package mail

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/wneessen/go-mail/smtp"
)

func serverInfo(name string, mechanisms ...string) *smtp.ServerInfo {
	return &smtp.ServerInfo{Name: name, Auth: mechanisms}
}

func TestCaptureKeepsAMailOnce(t *testing.T) {
	f, p := sample()
	m, err := f.Message(p)
	if err != nil {
		t.Fatal(err)
	}
	c := Capture{Dir: t.TempDir() + "/mail"}
	for range 2 {
		if err := c.Send(t.Context(), m, yes); err != nil {
			t.Fatal(err)
		}
	}
	list, err := c.List(10)
	if err != nil || len(list) != 1 || list[0].Subject != f.Subject || !strings.Contains(list[0].To, "张三") {
		t.Fatalf("%+v, %v", list, err)
	}
}

func TestCaptureWithoutRecordLeavesNothing(t *testing.T) {
	f, p := sample()
	m, err := f.Message(p)
	if err != nil {
		t.Fatal(err)
	}
	c := Capture{Dir: t.TempDir()}
	if err := c.Send(t.Context(), m, func() error { return errors.New("disk full") }); err == nil {
		t.Error("it went through")
	}
	if left, err := os.ReadDir(c.Dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestCaptureKeepsToItsFolder(t *testing.T) {
	c := Capture{Dir: t.TempDir()}
	for _, name := range []string{"../secret.eml", "a/b.eml", "", ".eml/..", "x"} {
		if _, err := c.Raw(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: %v", name, err)
		}
	}
}
