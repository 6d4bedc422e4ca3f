package store

import "testing"

// BenchmarkCopy copies small rows from a file into every engine, and compares them.
func BenchmarkCopy(b *testing.B) {
	const n = 200_000
	for _, e := range engines {
		b.Run(e.name, func(b *testing.B) {
			from := open(b, engines[0])
			for range n / 20_000 {
				from.many(b, 20_000)
			}
			for b.Loop() {
				b.StopTimer()
				to := e.fresh(b)
				b.StartTimer()
				from.copyTo(b, to, false)
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
