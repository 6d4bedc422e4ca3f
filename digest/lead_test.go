package digest

import (
	"strings"
	"testing"
	"unicode/utf8"

	"jianxun/internal/news"
)

func article(text string) news.Article {
	return news.Article{Content: news.Content{Text: text, Summary: "页面自带的摘要。"}}
}

func TestLeadLeavesTheDatelineOut(t *testing.T) {
	const rest = "云河省检察院召开会议，听取基层院工作汇报。"
	for _, dateline := range []string{
		"",
		"　　",
		"浙江检察网杭州讯 9月15日上午,",
		"云河检察网云河讯 ",
		"检讯示例网清源讯(通讯员 林一) 近日,",
		"新华社云河9月15日电（记者吴三）",
		"新华社云河9月15日电 ",
		"云河日报讯（记者 吴三 通讯员 郑四）9月15日，",
		"本报讯 ",
		"本网云河讯：",
		"（记者 吴三）日前，",
		"据云河日报消息，",
		"9月15日至16日，",
		"2021年9月15日下午，",
		"近日，",
	} {
		if got := Lead(article(dateline + rest)); got != rest {
			t.Errorf("%q: got %q", dateline, got)
		}
	}
}

func TestLeadKeepsWhatIsNoDateline(t *testing.T) {
	for _, text := range []string{
		"检察官接到群众来电，立即赶赴现场调查取证。",
		"因连日停电，云河法院延期开庭审理此案。",
		"接到举报消息后，检察官立即赶赴现场。",
		"收到一条消息，检察官立即赶赴现场。",
		"9月15日是检察开放日，群众走进检察院。",
		"近日来云河省检察机关走访企业两百家。",
		"电信网络诈骗案件有所下降，追赃挽损成效明显。",
		"通讯员队伍建设取得新的进展，全年发稿千篇。",
	} {
		if got := Lead(article(text)); got != text {
			t.Errorf("%q: got %q", text, got)
		}
	}
}

func TestLeadEndsAtASentence(t *testing.T) {
	const sentence = "会议指出，要准确把握检察机关职能特点，增强责任感和紧迫感，把各项工作落到实处。" // 38 characters
	lead := Lead(article("新华社云河9月15日电 " + strings.Repeat(sentence, 9) + "\n第二段。"))
	if want := strings.Repeat(sentence, FullLead/utf8.RuneCountInString(sentence)); lead != want {
		t.Errorf("got %q, want %q", lead, want)
	}
	endless := Lead(article(strings.Repeat("坚持有机衔接、分层分类、统筹结合、严管厚爱，", 20)))
	if n := utf8.RuneCountInString(endless); n > FullLead || n < FullLead-10 || !strings.HasSuffix(endless, "…") || strings.ContainsAny(strings.TrimSuffix(endless, "…")[len(endless)-6:], "，、") {
		t.Errorf("%d characters: %q", n, endless)
	}
}

func TestLeadTakesTheFirstParagraphThatSaysSomething(t *testing.T) {
	for text, want := range map[string]string{
		"编者按\n（记者 吴三）\n近日，云河省检察院召开会议，听取汇报。": "云河省检察院召开会议，听取汇报。",
		"短文\n不长":     "页面自带的摘要。",
		"":           "页面自带的摘要。",
		"　\n 　近日，\n": "页面自带的摘要。",
	} {
		if got := Lead(article(text)); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if got := Lead(news.Article{}); got != "" {
		t.Errorf("an article without anything: %q", got)
	}
}

func TestShorten(t *testing.T) {
	for _, tc := range []struct {
		lead  string
		limit int
		want  string
	}{
		{"第一句。第二句。", 0, ""},
		{"第一句。第二句。", 8, "第一句。第二句。"},
		{"第一句。第二句。", 5, "第一句。"},
		{"会议指出，要走访企业。", 8, "会议指出…"},
	} {
		if got := shorten(tc.lead, tc.limit); got != tc.want {
			t.Errorf("%q to %d: got %q, want %q", tc.lead, tc.limit, got, tc.want)
		}
	}
}
