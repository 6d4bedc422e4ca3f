package digest

import (
	"regexp"
	"strings"

	"jianxun/internal/han"
	"jianxun/internal/news"
)

// FullLead is how long a lead may be, in characters.
const FullLead = 140

// dateline is what a report begins with before it says anything: the agency
// and place (浙江检察网杭州讯), the reporter in brackets. A comma ends one only
// behind 据…消息: 接到群众来电， is how a sentence begins.
var dateline = regexp.MustCompile(`^[\s　]*(?:[（(][^（）()]{1,30}[）)]\s*)?` +
	`(?:据[^\s，。,.:：;；]{0,24}?(?:消息|报道)[\s　:：,，]+|` +
	`[^\s，。,.:：;；（）()]{0,24}?(?:[讯电][\s　]*[（(][^（）()]{0,30}(?:记者|通讯员|作者)[^（）()]{0,30}[）)][\s　:：,，]*|(?:[讯电]|消息|报道)[\s　:：]+))?`)

// dayFirst is the day without a year that may follow it.
var dayFirst = regexp.MustCompile(`^(?:近日|日前|今日|昨日|(?:(?:20)?\d\d年)?\d{1,2}月\d{1,2}日(?:至\d{1,2}日)?)(?:上午|下午|晚上?|凌晨)?[,，]\s*`)

// Lead is what an issue says of an article: whole sentences from the beginning
// of its text, without dateline, as many as fit. A text too poor for that
// gives what there is.
func Lead(a news.Article) string {
	for paragraph := range strings.Lines(a.Text) {
		p := dateline.ReplaceAllString(strings.TrimSpace(paragraph), "")
		p = strings.TrimSpace(dayFirst.ReplaceAllString(p, ""))
		if len([]rune(p)) >= 8 {
			return han.Clip(p, FullLead)
		}
	}
	return han.Clip(a.Summary, FullLead)
}

// shorten cuts a lead down at a sentence, or at a clause when it is one sentence.
func shorten(lead string, limit int) string {
	if limit == 0 || len([]rune(lead)) <= limit {
		if limit == 0 {
			return ""
		}
		return lead
	}
	return han.Clip(lead, limit)
}
