package digest

import (
	"cmp"
	"slices"
	"time"
	"unicode/utf8"

	"jianxun/internal/news"
)

// candidates is how many of a window's newest articles are ranked.
const candidates = 2000

// score weighs an article for an issue: its column's place in the digest's
// list, how fresh it is within the window, and whether it has a text of good
// length. Each part is between 0 and 1; the column counts most.
func score(a news.Article, d news.Digest, w window) float64 {
	return 3*columnWeight(a.Column, d.Columns) + 2*freshness(a, w) + completeness(a)
}

func columnWeight(column string, order []string) float64 {
	i := slices.Index(order, column)
	if i < 0 {
		return 0
	}
	return 1 - float64(i)/float64(len(order))
}

// freshness falls from 1 for the newest article to a half a window's length
// before it and on towards 0, so that an old page that came late does not lead.
func freshness(a news.Article, w window) float64 {
	age := max(w.to.Sub(a.Published), 0)
	return w.length.Hours() / (w.length.Hours() + age.Hours())
}

func completeness(a news.Article) float64 {
	switch n := utf8.RuneCountInString(a.Text); {
	case n < 60:
		return 0
	case n < 160:
		return 0.5
	}
	return 1
}

type window struct {
	to     time.Time
	length time.Duration
}

// rank orders articles best first; equal scores go by the newer, then by id,
// so that the same articles always give the same issue.
func rank(articles []news.Article, d news.Digest, w window) []news.Item {
	type ranked struct {
		article news.Article
		score   float64
	}
	all := make([]ranked, len(articles))
	for i, a := range articles {
		all[i] = ranked{a, score(a, d, w)}
	}
	slices.SortFunc(all, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(b.score, a.score), b.article.Placed.Compare(a.article.Placed), cmp.Compare(a.article.ID, b.article.ID))
	})
	items := make([]news.Item, len(all))
	for i, r := range all {
		items[i] = news.Item{ArticleID: r.article.ID, Title: r.article.Title, Column: r.article.Column, Score: r.score,
			URL: r.article.URL, Origin: r.article.Origin, Published: r.article.Published, DateOnly: r.article.DateOnly, State: r.article.State}
	}
	return items
}

// byColumn groups items by column: first those the digest names, in its order,
// then the others as their best item comes. Within a column the order stays.
func byColumn(items []news.Item, order []string) []news.Item {
	place := map[string]int{}
	for _, c := range order {
		place[c] = len(place)
	}
	for _, it := range items {
		if _, ok := place[it.Column]; !ok {
			place[it.Column] = len(place)
		}
	}
	grouped := slices.Clone(items)
	slices.SortStableFunc(grouped, func(a, b news.Item) int { return place[a.Column] - place[b.Column] })
	return grouped
}
