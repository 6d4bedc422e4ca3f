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
