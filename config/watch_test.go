package config

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestWatchSeesWhatEditorsDo: written in place, renamed into place, in a second
// file, and gone.
func TestWatchSeesWhatEditorsDo(t *testing.T) {
	dir := t.TempDir()
	main, people := filepath.Join(dir, "jianxun.yaml"), filepath.Join(dir, "subscribers.yaml")
	put := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(main, "a")
	put(people, "a")
	ctx, cancel := context.WithCancel(t.Context())
	changed, looked := make(chan struct{}, 10), make(chan struct{}, 1000)
	done := make(chan struct{})
	go func() {
		defer close(done)
		File{Path: main, Every: 5 * time.Millisecond}.Watch(ctx, func() []string { looked <- struct{}{}; return []string{people} }, func() { changed <- struct{}{} })
	}()
	<-looked // it has seen the files as they are
	<-looked
	for _, edit := range []func(){
		func() { put(main, "b") },
		func() { put(people, "b") },
		func() {
			put(main+".new", "c")
			if err := os.Rename(main+".new", main); err != nil {
				t.Fatal(err)
			}
		},
		func() {
			if err := os.Remove(people); err != nil {
				t.Fatal(err)
			}
		},
	} {
		edit()
		select {
		case <-changed:
		case <-time.After(30 * time.Second):
			t.Fatal("an edit was not seen")
		}
	}
	cancel()
	<-done
}

// TestWatchCallsAgain: what could not be taken is tried without another edit, for
// as long as it is asked for.
func TestWatchCallsAgain(t *testing.T) {
	main := filepath.Join(t.TempDir(), "jianxun.yaml")
	if err := os.WriteFile(main, []byte("a"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	calls, asked := 0, 0
	again := func() bool {
		if asked++; asked == 10 {
			cancel()
		}
		return asked <= 3
	}
	File{Path: main, Every: 5 * time.Millisecond, Again: again}.Watch(ctx, func() []string { return nil }, func() { calls++ })
	if calls != 3 || asked < 10 {
		t.Errorf("called %d times, asked %d times", calls, asked)
	}
}
