package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"jianxun/internal/news"
)

const weeklyConfig = `
listen: 127.0.0.1:0
ops: {listen: ""}
digests:
  - {slug: weekly, title: 周报, schedule: "0 8 * * MON"}
subscribers: subscribers.yaml
`

// office is an App with one digest, one subscriber and a clock that is set.
func office(t *testing.T, now *time.Time) *App {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"jianxun.yaml": weeklyConfig, "subscribers.yaml": "subscribers: [{email: a@example.org}]\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a, err := New(t.Context(), Options{ConfigFile: filepath.Join(dir, "jianxun.yaml"), Now: func() time.Time { return *now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	if err := a.applyRoster(t.Context(), a.Config().Subscribers); err != nil {
		t.Fatal(err)
	}
	return a
}

// A process may die after it approved an issue and before it began to send it,
// and nobody be there for the rest of the week.
func TestAnApprovedIssueThatWasLeftIsSentBeforeTheNext(t *testing.T) {
	now := time.Date(2026, 9, 28, 8, 0, 0, 0, time.UTC)
	a := office(t, &now)
	g := a.gen.Load()
	save := func(n int) {
		t.Helper()
		article := news.Article{Source: "pages", URL: fmt.Sprintf("https://www.example.org/%d", n), Published: now.Add(-time.Hour),
			Content: news.Content{Column: "检察要闻", Title: fmt.Sprintf("第%d篇", n), Body: "<p>依法履职。</p>", Text: "依法履职。"}}
		if _, err := a.store.SaveArticles(t.Context(), []news.Article{article}); err != nil {
			t.Fatal(err)
		}
	}
	save(1)
	now = now.Add(time.Minute)
	is, err := g.drafter.Draft(t.Context(), g.cfg.Digests[0], now)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.store.MoveIssue(t.Context(), is.ID, news.Approved); err != nil {
		t.Fatal(err)
	}
	now = now.Add(7 * 24 * time.Hour)
	save(2)
	now = now.Add(time.Minute)
	if err := a.publish(t.Context(), g, g.cfg.Digests[0], now); err != nil {
		t.Fatal(err)
	}
	list, err := a.store.Issues(t.Context(), "weekly", 10)
	if err != nil || len(list) != 2 {
		t.Fatalf("%d issues, %v; want 2", len(list), err)
	}
	for _, is := range list {
		if is.State != news.Sending || is.Count != 1 {
			t.Errorf("%s is %s with %d items", is.Label(), is.State, is.Count)
		}
	}
}
