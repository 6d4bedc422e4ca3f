package digest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"jianxun/internal/news"
)

func cutoff() time.Time { return time.Date(2021, 9, 27, 8, 0, 0, 0, time.UTC) }

func week() window { return window{to: cutoff(), length: 7 * 24 * time.Hour} }

// daysOld is an article of good length, published so long before the cut-off.
func daysOld(id, column string, days int) news.Article {
	at := cutoff().AddDate(0, 0, -days)
	return news.Article{ID: id, Published: at, Placed: at, Content: news.Content{Title: id, Column: column, Text: strings.Repeat("文", 200)}}
}

func ids(items []news.Item) string {
	var all []string
	for _, i := range items {
		all = append(all, i.ArticleID)
	}
	return strings.Join(all, " ")
}

func TestColumnWeightFallsAlongTheDigestsList(t *testing.T) {
	order := []string{"要闻", "公告", "图片"}
	weights := []float64{columnWeight("要闻", order), columnWeight("公告", order), columnWeight("图片", order), columnWeight("别的", order)}
	if weights[0] != 1 || weights[3] != 0 || !slices.IsSortedFunc(weights, func(a, b float64) int { // strictly falling
		if a > b {
			return -1
		}
		return 1
	}) {
		t.Errorf("got %v", weights)
	}
	if w := columnWeight("要闻", nil); w != 0 {
		t.Errorf("a digest without columns prefers one: %v", w)
	}
}

func TestFreshnessFallsWithAgeAndNeverEnds(t *testing.T) {
	for days, want := range map[int]float64{-3: 1, 0: 1, 7: 0.5, 21: 0.25} {
		if got := freshness(daysOld("a", "", days), week()); got != want {
			t.Errorf("%d days old: %v, want %v", days, got, want)
		}
	}
	if old := freshness(daysOld("a", "", 365*20), week()); old <= 0 || old > 0.01 {
		t.Errorf("twenty years old: %v", old)
	}
}

func TestRankPutsTheKeyColumnAndTheFreshFirst(t *testing.T) {
	d := news.Digest{Columns: []string{"要闻", "公告"}}
	short := daysOld("short", "公告", 0)
	short.Text = "一句。"
	articles := []news.Article{
		daysOld("old-page", "要闻", 3000), // came late: it must not lead
		short,
		daysOld("notice", "公告", 0),
		daysOld("key-old", "要闻", 6),
		daysOld("key-new", "要闻", 1),
		daysOld("other", "别的", 0),
	}
	want := "key-new key-old notice old-page short other"
	for range len(articles) { // whatever order they come in
		articles = append(articles[1:], articles[0])
		items := rank(articles, d, week())
		if got := ids(items); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		for i := 1; i < len(items); i++ {
			if items[i].Score > items[i-1].Score {
				t.Errorf("%s scores more than %s before it", items[i].ArticleID, items[i-1].ArticleID)
			}
		}
	}
}

func TestRankSettlesTiesByTheNewerThenTheID(t *testing.T) {
	a, b, c := daysOld("b", "", 0), daysOld("a", "", 0), daysOld("c", "", 0)
	c.Placed = c.Placed.Add(time.Second)
	if got := ids(rank([]news.Article{a, b, c}, news.Digest{}, week())); got != "c a b" {
		t.Errorf("got %s", got)
	}
}

func TestByColumnGroupsInTheDigestsOrder(t *testing.T) {
	item := func(id, column string) news.Item { return news.Item{ArticleID: id, Column: column} }
	items := []news.Item{item("1", "公告"), item("2", "别的"), item("3", "要闻"), item("4", "公告"), item("5", "又一"), item("6", "别的"), item("7", "要闻")}
	if got := ids(byColumn(items, []string{"要闻", "没有", "公告"})); got != "3 7 1 4 2 6 5" {
		t.Errorf("got %s", got)
	}
	if got := ids(byColumn(items, nil)); got != "1 4 2 6 3 7 5" {
		t.Errorf("without an order: got %s", got)
	}
	if ids(items) != "1 2 3 4 5 6 7" {
		t.Error("the items given were moved")
	}
}

func TestCompleteness(t *testing.T) {
	for n, want := range map[int]float64{0: 0, 59: 0, 60: 0.5, 159: 0.5, 160: 1, 5000: 1} {
		if got := completeness(news.Article{Content: news.Content{Text: strings.Repeat("文", n)}}); got != want {
			t.Errorf("%d characters: %v, want %v", n, got, want)
		}
	}
}
