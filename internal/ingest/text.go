package ingest

import (
	"html"
	"regexp"
	"strings"
	"time"
	"unicode"

	"jianxun/internal/news"
)

// maxHead is how many lines may stand before the one with the date.
const maxHead = 15

// ParseText reads a page that was saved as text: breadcrumb, column, title, a
// labelled line with the date, then a paragraph a line. Dates without a zone
// are in zone. What it cannot find makes the page Invalid, with the reason.
func ParseText(text string, zone *time.Location) (news.Article, error) {
	var a news.Article
	lines := textLines(text)
	h, ok := readHead(lines, zone)
	if !ok {
		return a, news.Errorf(news.Invalid, "there is no line with a date, such as 时间:2021-09-26, among the first %d lines", maxHead)
	}
	a.Column, a.Title = news.OneLine(h.column), news.OneLine(h.title)
	a.Author, a.Origin = news.OneLine(h.labels.author), news.OneLine(h.labels.origin)
	a.Published, a.DateOnly = h.labels.published, h.labels.dateOnly
	if a.Title == "" {
		return a, news.Errorf(news.Invalid, "there is no title before the line with the date")
	}
	var paragraphs []string
	for _, line := range lines[h.next:] {
		if !isChrome(line) {
			paragraphs = append(paragraphs, line)
		}
	}
	if len(paragraphs) == 0 {
		return a, news.Errorf(news.Invalid, "there is no text after the line with the date")
	}
	a.Text = strings.Join(paragraphs, "\n")
	a.Body = paragraphsHTML(paragraphs)
	return a, nil
}

func paragraphsHTML(paragraphs []string) string {
	var b strings.Builder
	for _, p := range paragraphs {
		b.WriteString("<p>" + html.EscapeString(p) + "</p>\n")
	}
	return b.String()
}

// textLines gives the lines that hold something, without indents.
func textLines(text string) []string {
	var lines []string
	for line := range strings.Lines(news.CleanText(text)) {
		if line = strings.TrimFunc(line, unicode.IsSpace); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// head is what stands above the body of a page.
type head struct {
	column, title string
	labels        labels
	next          int // the first line after it
}

// readHead looks for the labelled line with the date; the title is what stands
// between it and the breadcrumb or the repeated column. Labels on lines of
// their own around it are read too.
func readHead(lines []string, zone *time.Location) (head, bool) {
	var h head
	begin, end := 0, -1 // of the title's lines
	for i, line := range lines[:min(len(lines), maxHead)] {
		if column, ok := breadcrumb(line); ok {
			h.column, begin = column, i+1
			continue
		}
		if i == begin && line == h.column {
			begin = i + 1
			continue
		}
		l, ok := readLabels(line, zone)
		if !ok || l.published.IsZero() && !startsWithLabel(line) {
			continue
		}
		h.labels.add(l)
		if end < 0 {
			end = i
		}
		if !l.published.IsZero() {
			h.next = i + 1
			break
		}
	}
	if h.next == 0 {
		return head{}, false
	}
	for h.next < len(lines) && startsWithLabel(lines[h.next]) && len(lines[h.next]) < 160 {
		l, _ := readLabels(lines[h.next], zone)
		h.labels.add(l)
		h.next++
	}
	h.title = strings.Join(lines[min(begin, end):end], " ")
	return h, true
}

var breadcrumbStart = regexp.MustCompile(`^(?:您?(?:当前|现在)?(?:所在|的)*(?:当前)?位置|您所在的位置|当前位置)\s*(?:是|为)?\s*[:：]`)

// breadcrumb gives the column a breadcrumb ends with.
func breadcrumb(line string) (string, bool) {
	loc := breadcrumbStart.FindStringIndex(line)
	if loc == nil {
		return "", false
	}
	parts := strings.FieldsFunc(line[loc[1]:], func(r rune) bool { return strings.ContainsRune("->＞»›/|→", r) || unicode.IsSpace(r) })
	for i := len(parts) - 1; i >= 0; i-- {
		switch p := strings.TrimSpace(parts[i]); p {
		case "", "正文", "详细内容", "详情", "内容", "文章内容", "首页", "网站首页":
		default:
			return p, true
		}
	}
	return "", true
}

// chrome is a line of controls and nothing else. The sizes count as a set only:
// 大 alone may be a piece of a word.
var chrome = regexp.MustCompile(`^(?:[【\[(（]?\s*(?:字号|字体|打印本页|打印|关闭窗口|关闭|分享到?|收藏|返回顶部|返回|上一篇|下一篇|上一条|下一条|` +
	`[大小][\s|｜】\]）)【\[（(]*中[\s|｜】\]）)【\[（(]*[大小]|\|)\s*[:：|】\])）\s]*)+$`)

var chromeStart = regexp.MustCompile(`^(?:【(?:字号|字体)|(?:上一篇|下一篇|上一条|下一条|分享到)\s*[:：])`)

// isChrome tells whether a line is a control of the page rather than text.
func isChrome(line string) bool {
	return len(line) < 120 && (chromeStart.MatchString(line) || chrome.MatchString(line))
}
