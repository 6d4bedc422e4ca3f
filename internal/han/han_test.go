package han

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestSentences(t *testing.T) {
	for paragraph, want := range map[string][]string{
		"":             nil,
		" 　 ":          nil,
		"没有标点":         {"没有标点"},
		"第一句。第二句！第三句？": {"第一句。", "第二句！", "第三句？"},
		"他说：“开会了。大家来。”然后走了。":          {"他说：“开会了。大家来。”", "然后走了。"},
		"他说：“开会了。”他走了。":               {"他说：“开会了。”", "他走了。"},
		"会议（详见附件。）继续。下一句。":            {"会议（详见附件。）", "继续。", "下一句。"},
		"真的吗？！是的……好。":                 {"真的吗？！", "是的……", "好。"},
		"增长3.5倍。比例为1.2。":              {"增长3.5倍。", "比例为1.2。"},
		"英文句点也算.下一句.":                 {"英文句点也算.", "下一句."},
		"见文件A.B，没有结束":                 {"见文件A.B，没有结束"},
		"一要走访；二要回访。":                  {"一要走访；二要回访。"},
		"有“引号未闭。后文不切。":                {"有“引号未闭。后文不切。"},
		"多余的”引号。不碍事。":                 {"多余的”引号。", "不碍事。"},
		"  前后　空白。 　下一句。":              {"前后　空白。", "下一句。"},
		"详见http://a.example/?id=1。完。": {"详见http://a.example/?id=1。", "完。"},
	} {
		if got := Sentences(paragraph); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", paragraph, got, want)
		}
	}
}

func TestClip(t *testing.T) {
	for _, tc := range []struct {
		text  string
		limit int
		want  string
	}{
		{"第一句。第二句。", 8, "第一句。第二句。"},
		{"第一句。第二句。", 7, "第一句。"},
		{"第一句。第二句。", 4, "第一句。"},
		{"会议指出，要走访企业，要回访群众。", 12, "会议指出，要走访企业…"},
		{"会议指出，要走访企业，要回访群众。", 6, "会议指出…"},
		{"一个没有标点的很长的句子", 5, "一个没有…"},
		{"一个没有标点的很长的句子", 1, "…"},
		{"短", 10, "短"},
		{"Press release. 会议！ Read on!", 40, "Press release. 会议！ Read on!"},
		{"", 10, ""},
		{" 　", 10, ""},
	} {
		if got := Clip(tc.text, tc.limit); got != tc.want {
			t.Errorf("%q to %d: got %q, want %q", tc.text, tc.limit, got, tc.want)
		}
	}
}

func TestPunctuate(t *testing.T) {
	for text, want := range map[string]string{
		"会议强调,要走访;要回访:一是听,二是看!好吗?":  "会议强调，要走访；要回访：一是听，二是看！好吗？",
		"9月15日上午,召开会议":              "9月15日上午，召开会议",
		"时间:2021-09-26 08:30":       "时间：2021-09-26 08:30",
		"投入1,200元,增长":               "投入1,200元，增长",
		"网址http://a.example/?a=1,b": "网址http://a.example/?a=1,b",
		"“零报告”,“避重就轻”":              "“零报告”，“避重就轻”",
		"(记者 吴三)讯":                  "（记者 吴三）讯",
		"世界卫生组织(WHO)表示":             "世界卫生组织(WHO)表示",
		"Hello, world! (yes)":       "Hello, world! (yes)",
		"没有半角标点，不变。":                "没有半角标点，不变。",
		"(一)甲(含乙(丙)):丁":             "（一）甲（含乙（丙））：丁",
		"a)会议(b":                    "a)会议(b",
		"没有闭合(括号":                   "没有闭合(括号",
		"":                          "",
	} {
		if got := Punctuate(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestPunctuateHTMLLeavesTagsAndReferencesAlone(t *testing.T) {
	for html, want := range map[string]string{
		`<p>会议强调,要走访。</p>`:                              `<p>会议强调，要走访。</p>`,
		`<a href="http://a.example/要闻,1.html">要闻,一</a>`: `<a href="http://a.example/要闻,1.html">要闻，一</a>`,
		`<p>甲&amp;乙&lt;丙&#34;,丁</p>`:                    `<p>甲&amp;乙&lt;丙&#34;,丁</p>`,
		`<p>未完,<b`:                                      `<p>未完，<b`,
		`甲&`:                                            `甲&`,
	} {
		if got := PunctuateHTML(html); got != want {
			t.Errorf("%q: got %q, want %q", html, got, want)
		}
	}
}

func FuzzSentences(f *testing.F) {
	for _, s := range []string{"他说：“开会了。”走了。", "a.b。c.", "（。", "？！”’》", "1.5.。"} {
		f.Add(s, 5)
	}
	f.Fuzz(func(t *testing.T, paragraph string, limit int) {
		if limit %= 1000; limit > 0 && utf8.RuneCountInString(Clip(paragraph, limit)) > limit {
			t.Errorf("%q to %d is %q", paragraph, limit, Clip(paragraph, limit))
		}
		paragraph = strings.ToValidUTF8(paragraph, "")
		all := Sentences(paragraph)
		if got, want := withoutSpace(strings.Join(all, "")), withoutSpace(paragraph); got != want {
			t.Errorf("%q lost something: %q", paragraph, all)
		}
		if slices.Contains(all, "") {
			t.Errorf("%q holds an empty sentence: %q", paragraph, all)
		}
	})
}

func withoutSpace(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}

func FuzzPunctuate(f *testing.F) {
	for _, s := range []string{"会议,强调(一):是!", "<p title='甲,乙'>丙,丁&amp;</p>", "((甲)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.ToValidUTF8(text, "")
		got := Punctuate(text)
		if utf8.RuneCountInString(got) != utf8.RuneCountInString(text) {
			t.Errorf("%q became %q", text, got)
		}
		if back := narrow.Replace(got); back != narrow.Replace(text) {
			t.Errorf("%q became %q: more than marks changed", text, got)
		}
		if again := Punctuate(got); again != got {
			t.Errorf("%q became %q and then %q", text, got, again)
		}
		if html := PunctuateHTML(text); narrow.Replace(html) != narrow.Replace(text) {
			t.Errorf("%q as HTML became %q", text, html)
		}
	})
}

var narrow = strings.NewReplacer("，", ",", "；", ";", "：", ":", "？", "?", "！", "!", "（", "(", "）", ")")
