package ingest

import (
	"regexp"
	"strings"
	"time"
)

// labels are what the labelled line above an article says.
type labels struct {
	bare           bool // a date without a label
	author, origin string
	published      time.Time
	dateOnly       bool
}

var label = regexp.MustCompile(`(发布时间|发布日期|发表时间|更新时间|添加时间|录入时间|成文日期|时间|日期|新闻来源|信息来源|文章来源|稿件来源|来源|作者|撰稿人|撰稿|责任编辑|编辑|发布人|审核人|浏览次数|浏览量|阅读次数|阅读量|点击数|点击量|点击|访问量|分享到|分享|【字号|【字体|字号|字体|\[字体|\[字号)\s*[:：]`)

var bareOpening = regexp.MustCompile(`【(?:字号|字体|大|打印)|\[(?:字号|字体|大|打印)`)

// readLabels takes a line such as "时间:2021-09-26  作者:  新闻来源: 【字号: | |"
// apart. ok is false when the line has no label. A line that is a date and
// nothing else counts as labelled.
func readLabels(line string, zone *time.Location) (l labels, ok bool) {
	var found [][]int
	if strings.ContainsAny(line, ":：") { // most lines of a page are menus
		found = label.FindAllStringSubmatchIndex(line, -1)
	}
	if len(found) == 0 {
		if len(line) > 64 || !startsWithDate(line) {
			return l, false
		}
		l.published, l.dateOnly, l.bare = ParseDate(line, zone)
		return l, l.bare
	}
	for i, m := range found {
		end := len(line)
		if i+1 < len(found) {
			end = found[i+1][0]
		}
		l.set(line[m[2]:m[3]], labelValue(line[m[1]:end]), zone)
	}
	// "2021-09-26 来源：某院": the date stands before the first label.
	if l.published.IsZero() && startsWithDate(line) {
		l.published, l.dateOnly, _ = ParseDate(line[:found[0][0]], zone)
	}
	return l, true
}

func startsWithLabel(line string) bool {
	loc := label.FindStringIndex(line)
	return loc != nil && loc[0] == 0
}

// add takes over what l lacks.
func (l *labels) add(other labels) {
	l.author, l.origin = first(l.author, other.author), first(l.origin, other.origin)
	if l.published.IsZero() {
		l.published, l.dateOnly = other.published, other.dateOnly
	}
}

func startsWithDate(line string) bool {
	if line == "" || line[0] != '1' && line[0] != '2' {
		return false
	}
	loc := dateInText.FindStringIndex(line)
	return loc != nil && loc[0] == 0
}

func labelValue(s string) string {
	if loc := bareOpening.FindStringIndex(s); loc != nil {
		s = s[:loc[0]]
	}
	return strings.Trim(strings.TrimSpace(s), "|｜ \u00a0\u3000")
}

func (l *labels) set(name, value string, zone *time.Location) {
	switch name {
	case "发布时间", "发布日期", "发表时间", "时间", "日期", "添加时间", "录入时间", "成文日期", "更新时间":
		if t, dateOnly, ok := ParseDate(value, zone); ok && l.published.IsZero() {
			l.published, l.dateOnly = t, dateOnly
		}
	case "新闻来源", "信息来源", "文章来源", "稿件来源", "来源":
		if loc := dateInText.FindStringIndex(value); loc != nil { // "来源：某院 2021-09-26"
			l.set("日期", value[loc[0]:], zone)
			value = strings.TrimSpace(value[:loc[0]])
		}
		if l.origin == "" {
			l.origin = value
		}
	case "作者", "撰稿", "撰稿人":
		if l.author == "" {
			l.author = value
		}
	}
}
