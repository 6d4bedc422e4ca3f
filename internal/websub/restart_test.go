package websub_test

import (
	"context"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"jianxun/internal/store"
)

// The first hub dies after its 202, while it asks: once it stops in order, once
// it cannot even record what it had in hand.
func TestRequirement29ARestartLosesNothing(t *testing.T) {
	for name, killed := range map[string]bool{"stopped": false, "killed": true} {
		t.Run(name, func(t *testing.T) {
			file, c, sub := filepath.Join(t.TempDir(), "jianxun.db"), newClock(), newSubscriber(t)
			same := func(with *setup) { with.file, with.clock = file, c }
			confirm, reached, release := sub.confirm, make(chan struct{}), make(chan struct{})
			sub.set(func(http.ResponseWriter, *http.Request) { close(reached); <-release }, nil)
			first := start(t, same)
			first.ask(t, "subscribe", sub.URL, "hub.secret", "kept")
			<-reached
			if killed {
				_ = first.store.Close()
			}
			first.stop()
			sub.set(confirm, nil)
			close(release)

			second := start(t, same)
			if killed {
				c.pass(2 * time.Minute) // its claim runs out
			}
			second.calm()
			if n := len(sub.questions()); n != 2 {
				t.Fatalf("asked %d times, want 2", n)
			}
			second.change(t, topic, "2")
			second.calm()
			sub.wantPushes(t, "2")
			wantSigned(t, sub.pushes()[0], "kept")
		})
	}
}

// What was marked before the end is pushed after it.
func TestRequirement29ARestartLosesNoPush(t *testing.T) {
	file, c, sub := filepath.Join(t.TempDir(), "jianxun.db"), newClock(), newSubscriber(t)
	same := func(with *setup) { with.file, with.clock = file, c }
	first := start(t, same)
	first.ask(t, "subscribe", sub.URL)
	first.calm()
	first.stop()
	kept, err := store.Open(t.Context(), "sqlite:"+file, c.now)
	if err != nil {
		t.Fatal(err)
	}
	if err := kept.MarkHubTopics(context.Background(), []string{topic}); err != nil {
		t.Fatal(err)
	}
	if err := kept.Close(); err != nil {
		t.Fatal(err)
	}
	start(t, same).calm()
	sub.wantPushes(t, "<feed>1</feed>")
}
