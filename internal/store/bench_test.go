package store

import (
	"fmt"
	"testing"

	"jianxun/internal/news"
)

// filled is a store of n articles.
func filled(b *testing.B, e engine, n int) fixture {
	b.Helper()
	s := open(b, e)
	for from := 0; from < n; from += 1000 {
		batch := make([]news.Article, min(1000, n-from))
		for i := range batch {
			batch[i] = page(from + i)
		}
		s.saveAll(b, batch)
	}
	return s
}

// benchEngines runs the benchmark for every engine and number of rows.
func benchEngines(b *testing.B, sizes []int, run func(b *testing.B, e engine, n int)) {
	b.Helper()
	for _, e := range engines {
		for _, n := range sizes {
			b.Run(fmt.Sprintf("%s/%d", e.name, n), func(b *testing.B) { run(b, e, n) })
		}
	}
}

func BenchmarkSaveArticles(b *testing.B) {
	benchEngines(b, []int{100}, func(b *testing.B, e engine, size int) {
		s, n := open(b, e), 0
		for b.Loop() {
			batch := make([]news.Article, size)
			for i := range batch {
				batch[i] = page(n)
				n++
			}
			s.saveAll(b, batch)
		}
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "articles/s")
	})
}

func BenchmarkNewest50(b *testing.B) {
	benchEngines(b, []int{1_000, 100_000}, func(b *testing.B, e engine, n int) {
		s := filled(b, e, n)
		for b.Loop() {
			if list := s.newest(b, news.Filter{Columns: []string{"检察要闻"}}, 50); len(list) != 50 {
				b.Fatal(len(list))
			}
		}
	})
}

// BenchmarkNoChange is what a daemon asks several times a second.
func BenchmarkNoChange(b *testing.B) {
	benchEngines(b, []int{1_000, 100_000}, func(b *testing.B, e engine, n int) {
		s := filled(b, e, n)
		for b.Loop() {
			head, err := s.Head(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			if list, err := s.ChangedSince(b.Context(), head, monday, monday, 1000); err != nil || len(list) != 0 {
				b.Fatal(len(list), err)
			}
		}
	})
}

// BenchmarkDeliveries claims and settles mails of an issue that has many
// recipients: the cost of one must not grow with their number.
func BenchmarkDeliveries(b *testing.B) {
	benchEngines(b, []int{1_000, 100_000}, func(b *testing.B, e engine, n int) {
		s := open(b, e)
		id := s.sending(b, n)
		done := 0
		for b.Loop() {
			list := s.claim(b, "a", 160)
			for _, d := range list {
				s.settle(b, d, "a", news.Delivered)
			}
			if done += len(list); len(list) == 0 { // all are sent: once more from the beginning
				b.StopTimer()
				if _, err := s.write.ExecContext(b.Context(), `UPDATE deliveries SET state = 'queued' WHERE issue_id = $1`, id); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		}
		b.ReportMetric(float64(done)/b.Elapsed().Seconds(), "deliveries/s")
	})
}
