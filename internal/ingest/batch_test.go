package ingest

import (
	"strings"
	"testing"
	"testing/fstest"

	"jianxun/internal/news"
)

// Addresses and columns stand in indexes of the store, which have bounds.
func TestRunKeepsWhatIsIndexedWithinItsBounds(t *testing.T) {
	long := strings.Repeat("长", 700)
	s, html := newShelf(), func(link, column string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte(`<html><head><link rel="canonical" href="https://www.example.org/` + link + `"><meta name="ColumnName" content="` + column +
			`"></head><h1>丙</h1><p>时间：2021-09-26</p><div id="zoom">第三篇。</div></html>`)}
	}
	r, err := ingester(s, fstest.MapFS{"long.html": html(strings.Repeat("a", 3000), "检务"), "column.html": html("1", long), "fits.html": html("2", "检务")}).Run(t.Context(), directory())
	if err != nil {
		t.Fatal(err)
	}
	checkReport(t, r, 2, 0, 0, "long.html")
	if len(r.Refused) != 1 || r.Refused[0].Path != "long.html" || news.CodeOf(r.Refused[0].Reason) != news.TooLarge {
		t.Errorf("refused %v", r.Refused)
	}
	for address, column := range map[string]string{"https://www.example.org/1": Unfiled, "https://www.example.org/2": "检务"} {
		if got := s.articles[address].Column; got != column {
			t.Errorf("%s is in the column %.20s, want %s", address, got, column)
		}
	}
}
