package store

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"jianxun/internal/news"
)

// prose makes texts like those of the newsroom: a few words in almost all of
// them, most words in few, and characters at random between.
type prose struct {
	random *rand.Rand
	words  []string
	zipf   *rand.Zipf
}

func newProse() prose {
	random := rand.New(rand.NewPCG(5, 5))
	p := prose{random: random, words: strings.Fields("检察机关 公益诉讼 检察建议 依法 履职 未成年人 办案 监督 司法 案件 法治 人民 群众 工作 犯罪 企业 治理 保护 生态环境 知识产权")}
	for range 20_000 {
		word := make([]rune, 2+random.IntN(3))
		for i := range word {
			word[i] = rune(0x4e00 + random.IntN(3500))
		}
		p.words = append(p.words, string(word))
	}
	p.zipf = rand.NewZipf(random, 1.2, 4, uint64(len(p.words)-1))
	return p
}

func (p prose) word() string { return p.words[p.zipf.Uint64()] }

func (p prose) text(characters int) string {
	var b strings.Builder
	for b.Len() < 3*characters {
		b.WriteString(p.word())
		if p.random.IntN(6) == 0 {
			b.WriteString("，")
		}
	}
	return b.String()
}

// BenchmarkSearch looks for words of one to four characters, each as often as
// it stands in the texts, and compares what is found with reading all texts.
func BenchmarkSearch(b *testing.B) {
	for _, e := range engines {
		b.Run(e.name, func(b *testing.B) { benchSearch(b, e) })
	}
}

func benchSearch(b *testing.B, e engine) {
	const articles, characters = 100_000, 500
	s, p := open(b, e), newProse()
	var texts []string // the newest first
	begin := time.Now()
	for from := 0; from < articles; from += 1000 {
		batch := make([]news.Article, 1000)
		for i := range batch {
			batch[i] = page(from + i)
			batch[i].Text = p.text(characters)
			texts = append(texts, batch[i].Title+"\n"+batch[i].Text)
		}
		s.saveAll(b, batch)
	}
	b.Logf("%d articles of %d characters saved and indexed: %.0f/s", articles, characters, articles/time.Since(begin).Seconds())
	b.Logf("%d MB in all", s.size(b)>>20)
	s.learn(b)
	query := func() string {
		word := []rune(p.word())
		return string(word[:1+p.random.IntN(min(4, len(word)))])
	}
	for range 100 {
		s.wantAll(b, query(), texts)
	}
	var took []time.Duration
	for b.Loop() {
		q := query()
		begin := time.Now()
		if _, err := s.Search(b.Context(), q, s.clock.now(), 50); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	for _, percent := range []int{50, 99} {
		b.ReportMetric(float64(took[len(took)*percent/100].Microseconds())/1000, fmt.Sprintf("ms-p%d", percent))
	}
}

// wantAll expects the newest 50 texts that hold the query.
func (s fixture) wantAll(b *testing.B, query string, texts []string) {
	b.Helper()
	var want []string
	for i, text := range texts {
		if strings.Contains(text, query) {
			if want = append(want, title(i)); len(want) == 50 {
				break
			}
		}
	}
	found, err := s.Search(b.Context(), query, s.clock.now(), 50)
	if got := titles(found); err != nil || !slices.Equal(got, want) {
		b.Fatalf("%q finds %d, %v; want %d", query, len(got), err, len(want))
	}
}

// size is how much room the store takes, in octets.
func (s fixture) size(b *testing.B) (n int64) {
	b.Helper()
	ask := `SELECT pg_database_size(current_database())`
	if s.dialect.prepares {
		ask = `SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()`
	}
	if err := s.read.QueryRowContext(b.Context(), ask).Scan(&n); err != nil {
		b.Fatal(err)
	}
	return n
}
