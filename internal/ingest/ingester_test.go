package ingest

import (
	"context"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"jianxun/internal/news"
)

// shelf keeps articles in memory as the store does.
type shelf struct {
	articles map[string]news.Article // by identity
	etags    map[string]string
	saves    int
	failing  error
}

func newShelf() *shelf {
	return &shelf{articles: map[string]news.Article{}, etags: map[string]string{}}
}

func (s *shelf) SaveArticles(_ context.Context, batch []news.Article) ([]news.SaveResult, error) {
	if s.failing != nil {
		return nil, s.failing
	}
	s.saves++
	var results []news.SaveResult
	for _, a := range batch {
		id, result := news.IdentityOf(a), news.SavedNew
		if old, ok := s.articles[id]; ok && old.Hash() == a.Hash() {
			result = news.SavedSame
		} else if ok {
			result = news.SavedChanged
		}
		s.articles[id] = a
		results = append(results, result)
	}
	return results, nil
}

func (s *shelf) Validators(_ context.Context, url string) (string, string, error) {
	return s.etags[url], "", nil
}

func (s *shelf) KeepValidators(_ context.Context, url, etag, _ string) error {
	s.etags[url] = etag
	return nil
}

func page(title, text string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte("当前位置:首页-检察要闻\n检察要闻\n" + title + "\n时间:2021-09-26\n\n" + text + "\n")}
}

func ingester(s *shelf, folder fs.FS) *Ingester {
	return New(Options{Saver: s, Zone: beijing(), Open: func(string) fs.FS { return folder }})
}

func directory() news.Source {
	return news.Source{Name: "pages", Kind: news.DirectorySource, Path: "/srv/pages"}
}

func mixedFolder() fstest.MapFS {
	return fstest.MapFS{
		"01.txt":            page("甲", "第一篇。"),
		"02.TXT":            page("乙", "第二篇。"),
		"2021/03.html":      {Data: []byte(`<html><title>丙</title><h1>丙</h1><p>时间：2021-09-26</p><div id="zoom">第三篇。</div></html>`)},
		"04-empty.txt":      {Data: []byte(" \n\t")},
		"05-undated.txt":    {Data: []byte("标题\n没有日期\n")},
		"06-claims-01.txt":  page("甲", "同题同日，另一篇文字。"),
		"07-copy-of-01.txt": page("甲", "第一篇。"),
		"08-binary.txt":     {Data: []byte("\xff\xff\xff\xff")},
		"09-large.txt":      {Data: make([]byte, maxFile+1)},
		".hidden.txt":       page("丁", "隐藏。"),
		".git/x.txt":        page("戊", "隐藏。"),
		"picture.jpg":       {Data: []byte("\xff\xd8")},
	}
}

func checkReport(t *testing.T, r Report, created, changed, same int, refused ...string) {
	t.Helper()
	if r.New != created || r.Changed != changed || r.Same != same {
		t.Errorf("%d new, %d changed, %d same; want %d, %d, %d", r.New, r.Changed, r.Same, created, changed, same)
	}
	var got []string
	for _, f := range r.Refused {
		got = append(got, f.Error())
	}
	slices.Sort(got)
	if len(got) != len(refused) {
		t.Fatalf("refused %q, want %q", got, refused)
	}
	for i, want := range refused {
		if !strings.HasPrefix(got[i], want) {
			t.Errorf("refused %q, want %q", got[i], want)
		}
	}
}

func TestRunReadsAFolderAndNamesWhatItRefuses(t *testing.T) {
	s := newShelf()
	folder := mixedFolder()
	in := ingester(s, folder)
	refusals := []string{
		"04-empty.txt: the file is empty",
		"05-undated.txt: there is no line with a date",
		"06-claims-01.txt: it has the same address, or the same title and date, as 01.txt but another text",
		"08-binary.txt: the text is neither UTF-8 nor GB18030",
		"09-large.txt: the file is larger than 5 MB",
	}
	r, err := in.Run(t.Context(), directory())
	if err != nil {
		t.Fatal(err)
	}
	checkReport(t, r, 3, 0, 1, refusals...)
	if len(s.articles) != 3 {
		t.Errorf("%d articles kept, want 3", len(s.articles))
	}
	for _, a := range s.articles {
		if a.Source != "pages" || a.Column == "" || a.Title == "甲" && a.Text != "第一篇。" {
			t.Errorf("kept %+v", a)
		}
	}

	for _, again := range []*Ingester{in, in, ingester(s, folder)} { // the last one as after a restart
		r, err := again.Run(t.Context(), directory())
		if err != nil {
			t.Fatal(err)
		}
		checkReport(t, r, 0, 0, 4, refusals...)
	}
}

func TestRunNoticesWhatChangedInAFolder(t *testing.T) {
	s := newShelf()
	folder := mixedFolder()
	in := ingester(s, folder)
	if _, err := in.Run(t.Context(), directory()); err != nil {
		t.Fatal(err)
	}
	folder["01.txt"] = page("甲", "第一篇，修改过。")
	folder["05-undated.txt"] = page("己", "补上了日期。")
	delete(folder, "07-copy-of-01.txt")
	delete(folder, "06-claims-01.txt")
	folder["10.txt"] = page("庚", "新的一篇。")
	r, err := in.Run(t.Context(), directory())
	if err != nil {
		t.Fatal(err)
	}
	checkReport(t, r, 2, 1, 2, "04-empty.txt", "08-binary.txt", "09-large.txt")
}

func TestRunSavesAgainWhatCouldNotBeSaved(t *testing.T) {
	s := newShelf()
	in := ingester(s, fstest.MapFS{"01.txt": page("甲", "第一篇。")})
	s.failing = news.Errorf(news.Unavailable, "%s did not answer: %w", "the store", context.DeadlineExceeded)
	if _, err := in.Run(t.Context(), directory()); news.CodeOf(err) != news.Unavailable {
		t.Fatalf("got %v", err)
	}
	s.failing = nil
	r, err := in.Run(t.Context(), directory())
	if err != nil {
		t.Fatal(err)
	}
	checkReport(t, r, 1, 0, 0)
}

func TestRunSavesInBatchesAndReportsProgress(t *testing.T) {
	s, folder, last := newShelf(), fstest.MapFS{}, 0
	for i := range 2*batchSize + 1 {
		title := strings.Repeat("题", i+1)
		folder[title+".txt"] = page(title, "文字。")
	}
	in := New(Options{Saver: s, Zone: beijing(), Open: func(string) fs.FS { return folder }, Progress: func(done int, _ string) { last = done }})
	r, err := in.Run(t.Context(), directory())
	if err != nil {
		t.Fatal(err)
	}
	checkReport(t, r, 2*batchSize+1, 0, 0)
	if s.saves != 3 || last != 2*batchSize+1 {
		t.Errorf("%d saves, progress %d", s.saves, last)
	}
}

func TestRunOnAFolderThatIsNotThere(t *testing.T) {
	in := New(Options{Saver: newShelf(), Zone: beijing(), Open: func(string) fs.FS { return missing{} }})
	if _, err := in.Run(t.Context(), directory()); news.CodeOf(err) != news.Unavailable || !strings.Contains(err.Error(), "/srv/pages") {
		t.Errorf("got %v", err)
	}
}

type missing struct{}

func (missing) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

func TestRunReadsOneFileAndTheBuiltinSamples(t *testing.T) {
	s := newShelf()
	in := New(Options{Saver: s, Zone: beijing(), Builtin: fstest.MapFS{"s.txt": page("样例", "样例。")},
		Open: func(path string) fs.FS {
			if path != "/srv/pages/" {
				t.Errorf("opened %q", path)
			}
			return fstest.MapFS{"01.txt": page("甲", "第一篇。")}
		}})
	for _, src := range []news.Source{
		{Name: "one", Kind: news.PageSource, Path: "/srv/pages/01.txt"},
		{Name: "samples", Kind: news.DirectorySource, Path: Builtin, Column: "样例栏目"},
	} {
		r, err := in.Run(t.Context(), src)
		if err != nil {
			t.Fatal(err)
		}
		checkReport(t, r, 1, 0, 0)
	}
	for _, a := range s.articles {
		if a.Source == "samples" && a.Column != "样例栏目" {
			t.Errorf("the source's column was not taken: %q", a.Column)
		}
	}
	r, err := in.Run(t.Context(), news.Source{Kind: news.PageSource, Path: "/srv/pages/none.txt"})
	if err != nil {
		t.Fatal(err)
	}
	checkReport(t, r, 0, 0, 0, "none.txt: cannot be read")
}

func TestRunReadsPagesAndFeedsOverHTTP(t *testing.T) {
	requests := 0
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		requests++
		if r.Header.Get("If-None-Match") == `"1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("ETag", `"1"`)
		switch r.URL.Path {
		case "/page":
			_, _ = w.Write([]byte(`<html><title>丙</title><h1>丙</h1><p>时间：2021-09-26</p><div id="zoom">第三篇。</div></html>`))
		case "/feed":
			_, _ = w.Write([]byte(rssFeed))
		case "/bad":
			_, _ = w.Write([]byte("<html><p>维护中</p></html>"))
		}
	})
	s := newShelf()
	in := New(Options{Saver: s, Zone: beijing()})
	run := func(kind news.SourceKind, path string) Report {
		t.Helper()
		r, err := in.Run(t.Context(), news.Source{Name: "up", Kind: kind, URL: address + path, AllowPrivate: []string{"127.0.0.1/8"}})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	checkReport(t, run(news.PageSource, "/page"), 1, 0, 0)
	checkReport(t, run(news.PageSource, "/page"), 0, 0, 0) // not modified
	checkReport(t, run(news.FeedSource, "/feed"), 2, 0, 0, "/a/2.html", "/a/3.html")
	checkReport(t, run(news.PageSource, "/feed"), 0, 0, 2, "/a/2.html", "/a/3.html") // asked whole: items were refused
	checkReport(t, run(news.PageSource, "/bad"), 0, 0, 0, address+"/bad: there is no date")
	if requests != 5 || len(s.etags) != 1 {
		t.Errorf("%d requests, validators %v", requests, s.etags)
	}

	if _, err := in.Run(t.Context(), news.Source{URL: address, Kind: news.FeedSource}); !isRefused(err) {
		t.Errorf("a private address: %v", err)
	}
	if _, err := in.Run(t.Context(), news.Source{URL: address, AllowPrivate: []string{"10.0.0.0"}}); news.CodeOf(err) != news.Invalid {
		t.Errorf("a network without its length: %v", err)
	}
}

func TestRunStopsWhenTold(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	cancel()
	if _, err := ingester(newShelf(), mixedFolder()).Run(ctx, directory()); err == nil {
		t.Error("went on")
	}
}
