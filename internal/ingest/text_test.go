package ingest

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"jianxun/internal/news"
)

// ownSample has the seed's shape and a fictional content.
const ownSample = "当前位置:首页-检察要闻\n检察要闻\n云河省检察院听取基层工作汇报\n时间:2021-09-26  作者:  新闻来源: 【字号: | |\n\n  \u00a0\n\n" +
	"  云河检察网云河讯 9月15日上午,云河省检察院召开会议,听取基层院工作汇报。\n\n  会议指出,要把“接地气”放在首位。\n\n  会议强调,一要走访;二要回访。\n"

// seed is the page the project began with; a checkout of its own lacks it.
const seed = "../../../shared/seeds/000_837a721fb1b92dd5.txt"

func TestParseTextOfTheSeedsShape(t *testing.T) {
	pages := map[string]struct {
		text, title string
		paragraphs  int
	}{"own sample": {ownSample, "云河省检察院听取基层工作汇报", 3}}
	if text, err := os.ReadFile(seed); err == nil {
		pages["the seed"] = struct {
			text, title string
			paragraphs  int
		}{string(text), "中央第七督导组听取浙江省检察队伍教育整顿工作汇报", 6}
	} else if !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for name, page := range pages {
		a, err := ParseText(page.text, beijing())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if a.Title != page.title || a.Column != "检察要闻" || a.Author != "" || a.Origin != "" || a.URL != "" {
			t.Errorf("%s: title %q, column %q, author %q, origin %q, URL %q", name, a.Title, a.Column, a.Author, a.Origin, a.URL)
		}
		if !a.DateOnly || a.Published.Format(time.RFC3339) != "2021-09-26T00:00:00+08:00" {
			t.Errorf("%s: published %s, date only %t", name, a.Published, a.DateOnly)
		}
		if n := strings.Count(a.Text, "\n") + 1; n != page.paragraphs || strings.Count(a.Body, "<p>") != n {
			t.Errorf("%s: %d paragraphs in the text and %d in the body, want %d", name, n, strings.Count(a.Body, "<p>"), page.paragraphs)
		}
		for _, chrome := range []string{"字号", "当前位置", "\u00a0", "<p> ", "<p></p>"} {
			if strings.Contains(a.Body, chrome) {
				t.Errorf("%s: %q is still in the body", name, chrome)
			}
		}
		if !strings.Contains(a.Text, "上午,") {
			t.Errorf("%s: the text as stored is not as it came", name)
		}
	}
}

func TestParseTextReadsTheSamples(t *testing.T) {
	files, err := filepath.Glob("../../config/samples/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("there is no sample", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		a, err := ParseText(string(text), beijing())
		if err != nil || !strings.HasPrefix(a.Title, "（示例）") || a.Column == "" || a.Origin != "检讯示例" || !a.DateOnly || !strings.Contains(a.Text, "\n") {
			t.Errorf("%s: %+v, %v", file, a, err)
		}
	}
}

func TestParseTextHeads(t *testing.T) {
	const body = "\n正文第一段。\n"
	for name, tc := range map[string]struct {
		head                               string
		title, column, author, origin, day string
	}{
		"everything filled": {"您的位置: 首页 >综合动态>通知公告>详细内容\n关于公示的通知\n来源:政治部 作者:吴三 发布时间:2018-07-12 浏览次数:12 【字体:大 中 小】",
			"关于公示的通知", "通知公告", "吴三", "政治部", "2018-07-12"},
		"no breadcrumb":             {"关于公示的通知\n时间：2018-07-12", "关于公示的通知", "", "", "", "2018-07-12"},
		"arrows in the breadcrumb":  {"当前位置: 首页>>检务公开>>公告公示\n公告公示\n关于公示的通知\n时间:2015-03-13", "关于公示的通知", "公告公示", "", "", "2015-03-13"},
		"title over two lines":      {"当前位置：首页 > 要闻\n云河省检察院\n关于公示的通知\n时间：2018-07-12", "云河省检察院 关于公示的通知", "要闻", "", "", "2018-07-12"},
		"labels on lines of theirs": {"关于公示的通知\n来源：政治部\n发布时间：2018年7月12日\n作者：吴三", "关于公示的通知", "", "吴三", "政治部", "2018-07-12"},
		"date before the labels":    {"关于公示的通知\n2018-07-12 来源：政治部 作者：吴三", "关于公示的通知", "", "吴三", "政治部", "2018-07-12"},
		"date behind the source":    {"关于公示的通知\n来源：政治部 2018-07-12", "关于公示的通知", "", "", "政治部", "2018-07-12"},
		"a bare date":               {"关于公示的通知\n2018-07-12", "关于公示的通知", "", "", "", "2018-07-12"},
		"full-width bars":           {"关于公示的通知\n时间：2018-07-12 ｜ 来源：政治部 ｜", "关于公示的通知", "", "", "政治部", "2018-07-12"},
		"a label within the title":  {"开庭时间：等待当事人\n时间：2018-07-12", "开庭时间：等待当事人", "", "", "", "2018-07-12"},
		"no-break spaces, CR LF":    {"关于公示的通知\r\n\u00a0时间：2018-07-12\u00a0\u00a0作者：\u00a0吴三\r", "关于公示的通知", "", "吴三", "", "2018-07-12"},
		"share buttons behind":      {"关于公示的通知\n时间：2018-07-12 来源：政治部 分享到：", "关于公示的通知", "", "", "政治部", "2018-07-12"},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := ParseText(tc.head+body, beijing())
			if err != nil {
				t.Fatal(err)
			}
			got := []string{a.Title, a.Column, a.Author, a.Origin, a.Published.Format(time.DateOnly), a.Text}
			want := []string{tc.title, tc.column, tc.author, tc.origin, tc.day, "正文第一段。"}
			for i := range want {
				if got[i] != want[i] {
					t.Errorf("got %q, want %q", got[i], want[i])
				}
			}
		})
	}
}

func TestParseTextLeavesControlsOut(t *testing.T) {
	a, err := ParseText("标题\n时间：2018-07-12\n【字号：大 中 小】 【打印】\n第一段。\n大\n分享到位才有效果。\n上一篇文章说过此事。\n上一篇：甲\n下一篇：没有了\n分享到：微博\n打印 | 关闭\n返回顶部\n", beijing())
	if want := "第一段。\n大\n分享到位才有效果。\n上一篇文章说过此事。"; err != nil || a.Text != want {
		t.Errorf("got %q, %v; want %q", a.Text, err, want)
	}
}

func TestParseTextEscapesMarkup(t *testing.T) {
	a, err := ParseText("标题\n时间：2018-07-12\n<script>alert(1)</script> & 其他", beijing())
	if want := "<p>&lt;script&gt;alert(1)&lt;/script&gt; &amp; 其他</p>\n"; err != nil || a.Body != want {
		t.Errorf("got %q, %v", a.Body, err)
	}
}

func TestParseTextSaysWhatIsMissing(t *testing.T) {
	for text, reason := range map[string]string{
		"":             "no line with a date",
		"标题\n没有日期\n正文": "no line with a date",
		strings.Repeat("一行\n", 20) + "时间：2018-07-12\n正文": "no line with a date",
		"时间：2018-07-12\n正文":                              "no title",
		"当前位置：首页-要闻\n要闻\n时间：2018-07-12\n正文":              "no title",
		"标题\n时间：2018-07-12\n":                            "no text",
		"标题\n时间：2018-07-12\n【打印】【关闭】\n":                  "no text",
	} {
		if _, err := ParseText(text, beijing()); news.CodeOf(err) != news.Invalid || !strings.Contains(err.Error(), reason) {
			t.Errorf("%q: %v, want %q", text, err, reason)
		}
	}
}

func FuzzParseText(f *testing.F) {
	f.Add(ownSample)
	f.Add("标题\n2018-07-12 来源：政治部 作者：吴三\n正文")
	f.Add("您的位置：\n时间：2018-07-12【字号")
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ParseText(text, beijing())
		if err != nil {
			return
		}
		if a.Title == "" || a.Text == "" || a.Body == "" || a.Published.IsZero() {
			t.Errorf("%q is taken but lacks something: %+v", text, a)
		}
		checkClean(t, a)
	})
}

// checkClean looks for what no article may hold.
func checkClean(t *testing.T, a news.Article) {
	t.Helper()
	for _, s := range append([]string{a.Title, a.Column, a.Author, a.Origin, a.Summary, a.Text, a.Body}, a.Keywords...) {
		if !utf8.ValidString(s) || s != news.CleanText(s) {
			t.Errorf("%q holds what XML does not take", s)
		}
	}
	for _, s := range []string{a.Title, a.Column, a.Author, a.Origin, a.Summary} {
		if s != news.OneLine(s) {
			t.Errorf("%q is not one tidy line", s)
		}
	}
	checkSafe(t, a.Body)
}
