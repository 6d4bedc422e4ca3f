package store

import (
	"fmt"
	"testing"
	"time"

	"jianxun/internal/news"
)

// Every figure stands beside what the engine does in the same run without us, or
// beside its limit, as a ratio.

// benchEngines runs the benchmark for every engine.
func benchEngines(b *testing.B, run func(b *testing.B, s fixture)) {
	b.Helper()
	for _, e := range engines {
		b.Run(e.name, func(b *testing.B) { run(b, open(b, e)) })
	}
}

// bare runs statements on the engine itself, in one transaction.
func (s fixture) bare(b *testing.B, statements ...statement) {
	b.Helper()
	t, err := s.write.BeginTx(b.Context(), s.dialect.change)
	if err != nil {
		b.Fatal(err)
	}
	for _, q := range statements {
		if _, err := t.ExecContext(b.Context(), q.text, q.args...); err != nil {
			b.Fatal(err)
		}
	}
	if err := t.Commit(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkSaveArticles saves articles in batches, as a source that is read
// brings them, and beside it puts rows of the same size into a table alone.
func BenchmarkSaveArticles(b *testing.B) {
	const size = 100
	benchEngines(b, func(b *testing.B, s fixture) {
		s.bare(b, statement{text: `CREATE TABLE peer (id TEXT PRIMARY KEY, at BIGINT NOT NULL, content TEXT NOT NULL)`})
		n, ours, peer := 0, time.Duration(0), time.Duration(0)
		for b.Loop() {
			batch, rows := make([]news.Article, size), make([]statement, size)
			for i := range batch {
				batch[i] = page(n)
				rows[i] = statement{`INSERT INTO peer (id, at, content) VALUES ($1, $2, $3)`, []any{batch[i].URL, n, toJSON(batch[i].Content)}}
				n++
			}
			begin := time.Now()
			s.saveAll(b, batch)
			ours += time.Since(begin)
			begin = time.Now()
			s.bare(b, rows...)
			peer += time.Since(begin)
		}
		b.ReportMetric(float64(n)/ours.Seconds(), "articles/s")
		b.ReportMetric(float64(peer)/float64(ours), "of-bare-rows")
	})
}

// BenchmarkNewest50 asks stores of 1,000 and of 1,000,000 articles for the newest
// fifty of a column.
func BenchmarkNewest50(b *testing.B) {
	benchEngines(b, func(b *testing.B, s fixture) {
		const few, many = 1_000, 1_000_000
		took, turns := map[int]time.Duration{}, 0
		small := open(b, engineOf(s))
		small.generate(b, few)
		s.generate(b, many)
		for b.Loop() {
			for n, store := range map[int]fixture{few: small, many: s} {
				begin := time.Now()
				if list := store.newest(b, news.Filter{Columns: []string{"检察要闻"}}, 50); len(list) != 50 {
					b.Fatal(len(list))
				}
				took[n] += time.Since(begin)
			}
			turns++
		}
		b.ReportMetric(float64(took[few].Microseconds())/float64(turns), "µs-of-1,000")
		b.ReportMetric(float64(took[many].Microseconds())/float64(turns), "µs-of-1,000,000")
		b.ReportMetric(float64(took[many])/float64(took[few]), "growth")
	})
}

// BenchmarkNoChange is what a daemon asks again and again.
func BenchmarkNoChange(b *testing.B) {
	benchEngines(b, func(b *testing.B, s fixture) {
		s.generate(b, 100_000)
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

// BenchmarkEnqueueAMillion begins the sending of an issue to a million people,
// which is to take half a minute at most on SQLite.
func BenchmarkEnqueueAMillion(b *testing.B) {
	const people, limit = 1_000_000, 30 * time.Second
	benchEngines(b, func(b *testing.B, s fixture) {
		s.crowd(b, people)
		turns, took := 0, time.Duration(0)
		for b.Loop() {
			turns++
			is := s.draft(b, draft("weekly", 2026))
			s.move(b, is.ID, news.Approved)
			begin := time.Now()
			if n, err := s.EnqueueIssue(b.Context(), is.ID); err != nil || n != people {
				b.Fatal(n, err)
			}
			took += time.Since(begin)
			s.bare(b, statement{text: `UPDATE deliveries SET state = 'delivered'`}, statement{text: `UPDATE issues SET state = 'sent'`})
		}
		b.ReportMetric(took.Seconds()/float64(turns), "s")
		b.ReportMetric(took.Seconds()/float64(turns)/limit.Seconds(), "of-30s")
	})
}

// BenchmarkDeliveries claims and settles mails of an issue of 100,000 recipients:
// a record before the final dot and one after it, each of them kept before the
// next. Beside it the engine keeps as many changes of one row.
func BenchmarkDeliveries(b *testing.B) {
	benchEngines(b, func(b *testing.B, s fixture) {
		s.bare(b, statement{text: `CREATE TABLE peer (id BIGINT PRIMARY KEY, n BIGINT NOT NULL)`}, statement{text: `INSERT INTO peer VALUES (1, 0)`})
		s.crowd(b, 100_000)
		is := s.draft(b, draft("weekly", 2026))
		s.move(b, is.ID, news.Approved)
		if _, err := s.EnqueueIssue(b.Context(), is.ID); err != nil {
			b.Fatal(err)
		}
		done, claiming, settling, peer := 0, time.Duration(0), time.Duration(0), time.Duration(0)
		for b.Loop() {
			begin := time.Now()
			list := s.claim(b, "a", 160)
			claiming += time.Since(begin)
			begin = time.Now()
			for _, d := range list {
				s.settle(b, d, "a", news.Delivered)
			}
			settling += time.Since(begin)
			begin = time.Now()
			for range 2 * len(list) {
				s.bare(b, statement{text: `UPDATE peer SET n = n + 1 WHERE id = 1`})
			}
			peer += time.Since(begin)
			if done += len(list); len(list) == 0 { // all are sent: once more from the beginning
				s.bare(b, statement{text: `UPDATE deliveries SET state = 'queued'`}, statement{text: `UPDATE issues SET state = 'sending'`})
			}
		}
		b.ReportMetric(float64(done)/claiming.Seconds(), "claims/s")
		b.ReportMetric(float64(done)/settling.Seconds(), "settles/s")
		b.ReportMetric(float64(peer)/float64(settling), "of-bare-commits")
	})
}

// engineOf is the engine that a store lies on.
func engineOf(s fixture) engine {
	for _, e := range engines {
		if (e.name == "sqlite") == s.dialect.prepares {
			return e
		}
	}
	panic(fmt.Sprint("no engine of ", s.address))
}
