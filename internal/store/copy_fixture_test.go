package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"jianxun/internal/news"
)

// conformPairs runs the test for every engine to copy from, and another to copy to.
func conformPairs(t *testing.T, test func(t *testing.T, from fixture, to engine)) {
	t.Helper()
	for _, from := range engines {
		for _, to := range engines {
			if from.name != to.name {
				conformPair(t, from, to, test)
			}
		}
	}
}

func conformPair(t *testing.T, from, to engine, test func(t *testing.T, from fixture, to engine)) {
	t.Helper()
	t.Run(from.name+" to "+to.name, func(t *testing.T) {
		t.Parallel()
		test(t, open(t, from), to)
	})
}

func unwatched(CopyProgress) {}

// copyTo copies the store to the address, and fails the test if that fails.
func (s fixture) copyTo(t testing.TB, to string, force bool) []CopiedTable {
	t.Helper()
	tables, err := Copy(t.Context(), s.address, to, force, s.clock.now, unwatched)
	if err != nil {
		t.Fatal(err)
	}
	return tables
}

// exec changes the store behind its back.
func (s fixture) exec(t testing.TB, statement string, args ...any) {
	t.Helper()
	if _, err := s.write.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

// furnish puts something into every table, oddities among it.
func (s fixture) furnish(t *testing.T) {
	t.Helper()
	secret(t, s.Store, "subscriber-token")
	s.saveAll(t, append(pages(9), pictured(20, news.Image{URL: picture})))
	first, large := page(0), page(30)
	first.Text, large.Text, large.Body = "改过的正文。", "𠮷野家的检察机关。", strings.Repeat("<p>𠮷野家的 \"quoted\" \\ text.</p>\n", 8_000)
	s.saveAll(t, []news.Article{first, large})
	s.collected(t, everything())
	s.withdraw(t, news.ArticleID(page(1).URL))
	s.collected(t, everything())
	id := s.sending(t, 5)
	for i, d := range s.claim(t, "holder", 3) {
		if i > 0 {
			s.settle(t, d, "holder", []news.DeliveryState{"", news.Delivered, news.Deferred}[i])
		}
	}
	for i, score := range []float64{0.1, 1.0 / 3, math.Copysign(0, -1), 5e-324, -math.MaxFloat64, 1 << 60} {
		s.exec(t, `INSERT INTO issue_items (issue_id, position, digest, article_id, title, column_name, lead, score) VALUES ($1, $2, 'odd', $3, '', '', '', $4)`,
			id, 1000+i, news.ArticleID(page(2+i).URL), score)
	}
	s.bounce(t, id, 1, news.HardBounce)
	s.keepBounces(t, 10, "\x00 unmatched \xff")
	wantCode(t, s.KeepMailboxRead(t.Context(), "imaps://bounces@mail.example.org/INBOX", 1<<32-1, 7), "")
	s.prefer(t, person(1).Email, []string{"daily"}, news.Preferences{Declined: []string{"weekly"}, Columns: []string{"公告'公示"}, Format: news.FormatText})
	s.asked(t, anybody(), true)
	s.claimFire(t, monday, "token")
	s.exec(t, `INSERT INTO handed (relay, slot, mails) VALUES ('relay.example.org:25', 7, 12)`)
	s.subscribed(t, "a")
	s.askHub(t, hubRequest(news.HubSubscribe, "b"))
	for i, text := range []string{"", "a", "B", "é", "e\u0301", "中", "\uffff", "𠮷", "'\"\\\r\n\t$1?", strings.Repeat("长", 1<<18)} {
		s.exec(t, `INSERT INTO fetches (url, etag, last_modified, fetched) VALUES ($1, $2, $2, $3)`, fmt.Sprintf("%.40s", text), text, []int64{math.MinInt64, -1, math.MaxInt64}[i%3])
	}
	s.exec(t, `INSERT INTO marks (name, value) VALUES ('restored', '7')`)
}

// dump is every row of every table, but for what the engine keeps for itself.
func (s fixture) dump(t testing.TB) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, name := range append(tablesOfSQLite(t), "marks") {
		rows, err := s.read.DB.QueryContext(t.Context(), `SELECT * FROM `+name)
		if err != nil {
			t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			values, dest := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				dest[i] = &values[i]
			}
			if err := rows.Scan(dest...); err != nil {
				t.Fatal(err)
			}
			line := ""
			for i, v := range values {
				if v == 0.0 {
					v = 0.0
				}
				line += fmt.Sprintf("%s=%T:%v|", columns[i], v, v)
			}
			all[name] = append(all[name], line)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
		slices.Sort(all[name])
	}
	return all
}

// wantSame expects two dumps to be the same.
func wantSame(t *testing.T, got, want map[string][]string) {
	t.Helper()
	for name := range want {
		if len(got[name]) != len(want[name]) {
			t.Errorf("%s has %d rows, want %d", name, len(got[name]), len(want[name]))
			continue
		}
		for i := range want[name] {
			if got[name][i] != want[name][i] {
				t.Errorf("%s: %.300s\nwant %.300s", name, got[name][i], want[name][i])
				break
			}
		}
	}
}

// many puts more rows into a table than one transaction writes, with keys that
// engines have their own ideas of how to sort.
func (s fixture) many(t testing.TB, n int) {
	t.Helper()
	r := rand.New(rand.NewPCG(rand.Uint64(), 0))
	letters := []rune("aAbBézZ_-. 1中文𠮷\uffff\u0301")
	b := &batch{table: "fires", columns: []string{"job", "due", "token", "lease_until", "done"}}
	for i := range n {
		job := []rune{}
		for range 2 + r.IntN(5) {
			job = append(job, letters[r.IntN(len(letters))])
		}
		b.add([]any{string(job), r.Int64(), "", int64(-i), int64(0)})
	}
	if err := s.insert(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

// serving is what a daemon does with its store.
func serving(t testing.TB, s fixture) (stop func()) {
	t.Helper()
	release, err := s.Serve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended, told := make(chan struct{}), make(chan struct{}, 99)
	go func() {
		s.Watch(ctx, func() { told <- struct{}{} }, func() {})
		close(ended)
	}()
	<-told
	return func() {
		cancel()
		<-ended
		time.Sleep(50 * time.Millisecond) // until the server has seen that it left
		wantCode(t, release(), "")
	}
}

func byName(a, b table) int { return cmp.Compare(a.name, b.name) }
