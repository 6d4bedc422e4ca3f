package store

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"jianxun/internal/news"
)

func (s fixture) search(t testing.TB, query string) []string {
	t.Helper()
	found, err := s.Search(t.Context(), query, s.clock.now(), 50)
	if err != nil {
		t.Fatal(err)
	}
	return titles(found)
}

// told is the n-th article with a text of its own.
func told(n int, text string) news.Article {
	a := page(n)
	a.Text = text
	return a
}

func TestSearchFindsWordsOfAnyLengthNewestFirst(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.saveAll(t, []news.Article{told(2, "检察机关提起公益诉讼。"), told(1, "检察建议,WHO与5G时代。"), told(3, "法院公告；诉讼。")})
		for query, want := range map[string][]string{
			"检":      named(1, 2),
			"议":      named(1), // the last of a run
			"检察":     named(1, 2),
			"公益诉讼":   named(2),
			"诉讼":     named(2, 3),
			"公益 机关":  named(2),
			"公告诉讼":   named(), // a mark stands between them
			"who":    named(1),
			"ＷＨＯ":    named(1),
			"WH":     named(),
			"5G时":    named(1),
			"5G时代":   named(1),
			"第2篇":    named(2), // titles too
			"没有":     named(),
			`"检" OR`: named(), // no language of its own
		} {
			if got := s.search(t, query); !slices.Equal(got, want) {
				t.Errorf("%q finds %q, want %q", query, got, want)
			}
		}
	})
}

func TestSearchRefusesWhatItCannotLookFor(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		for _, query := range []string{"", " ", "，。", strings.Repeat("检", 101), "一 二 三 四 五 六 七 八 九"} {
			_, err := s.Search(t.Context(), query, s.clock.now(), 50)
			wantCode(t, err, news.Invalid)
		}
	})
}

func TestSearchFollowsTheArticles(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		a := s.save(t, told(1, "原文提到走访。"))
		s.save(t, told(1, "改文提到回访。"))
		if got := s.search(t, "走访"); len(got) > 0 {
			t.Errorf("the old text is found: %q", got)
		}
		s.withdraw(t, a.ID)
		s.save(t, told(1, "撤后又改，提到来访。"))
		if got := append(s.search(t, "回访"), s.search(t, "来访")...); len(got) > 0 {
			t.Errorf("a withdrawn article is found: %q", got)
		}
		s.restore(t, a.ID)
		if got := s.search(t, "来访"); !slices.Equal(got, named(1)) {
			t.Errorf("after the restoration %q", got)
		}
		coming := told(2, "明日来访。")
		coming.Published = s.clock.now().Add(time.Hour)
		s.save(t, coming)
		if got := s.search(t, "来访"); !slices.Equal(got, named(1)) {
			t.Errorf("with one of the future %q", got)
		}
	})
}

// A store of an earlier version has no index: opening it makes one.
func TestAnOlderStoreIsIndexedWhenOpened(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.saveAll(t, pages(1203))
		s.withdraw(t, news.ArticleID(page(7).URL))
		older(t, s)
		again := fixture{handle(t, s.address, s.clock), s.clock, s.address}
		found, err := again.Search(t.Context(), "依法履职", s.clock.now(), 5000)
		if err != nil || len(found) != 1202 {
			t.Errorf("%d found, %v; want 1202", len(found), err)
		}
	})
}

// older takes the search index away, as if it had never been.
func older(t *testing.T, s fixture) {
	t.Helper()
	p, err := s.steps()
	if err == nil {
		_, err = p.DownTo(t.Context(), searchVersion)
	}
	if err != nil {
		t.Fatal(err)
	}
	s.exec(t, `DROP TABLE search`) // the way down from searchVersion is not written
	s.exec(t, `DELETE FROM goose_db_version WHERE version_id = 4`)
}

// FuzzSearch looks for anything: what comes is articles or a refusal, never a
// fault of the engine, whose language must not show through.
func FuzzSearch(f *testing.F) {
	s := open(f, engines[0])
	if _, err := s.SaveArticles(f.Context(), []news.Article{told(1, "检察机关 AND OR NOT \"公益\" 诉讼* (WHO) {5G} ^年 +a -b 1:2")}); err != nil {
		f.Fatal(err)
	}
	for _, query := range []string{"检", "检察机关", `"`, "AND", "a OR", "words:检", "NEAR(检 察)", "检*", "^检", "-检", "5G年", "\x00检", "𠮷", "ＡＢ"} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		if _, err := s.Search(t.Context(), query, s.clock.now(), 50); err != nil && news.CodeOf(err) != news.Invalid {
			t.Errorf("%q: %v", query, err)
		}
	})
}

// A page may stand twice in what a source gives at once.
func TestAnArticleTwiceInABatchIsFoundAsItReadsLast(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		s.saveAll(t, []news.Article{told(1, "原文提到走访。"), told(1, "改文提到回访。")})
		if got := append(s.search(t, "走访"), s.search(t, "回访")...); !slices.Equal(got, named(1)) {
			t.Errorf("found %q", got)
		}
	})
}

// Long texts go beyond what one row of an index may hold: PostgreSQL keeps 256
// places of a word, and 16,383 in all.
func TestEveryPartOfALongTextIsFound(t *testing.T) {
	conform(t, func(t *testing.T, s fixture) {
		random := rand.New(rand.NewPCG(1, 2))
		text := []rune(strings.Repeat("检察检察", 400)) // one pair, again and again
		for range 20_000 {
			text = append(text, rune(0x4e00+random.IntN(300)))
		}
		long := told(1, string(text)+strings.Repeat("w", 3000)+" 末尾")
		s.saveAll(t, []news.Article{long, told(2, "检察")})
		for range 20 {
			from := random.IntN(len(text) - 60)
			for _, n := range []int{1, 2, 3, 4, 60} {
				part := string(text[from : from+n])
				if got := s.search(t, part); !slices.Contains(got, long.Title) {
					t.Fatalf("%q at %d is not found", part, from)
				}
			}
			both := string(text[from:from+4]) + " " + string(text[len(text)-from-60:len(text)-from-50])
			if got := s.search(t, both); !slices.Contains(got, long.Title) {
				t.Fatalf("%q is not found", both)
			}
		}
		if got := s.search(t, "末尾"); !slices.Equal(got, named(1)) {
			t.Errorf("the end is found in %q", got)
		}
		if got := s.search(t, "検"); len(got) != 0 {
			t.Errorf("what does not stand there is found in %q", got)
		}
	})
}
