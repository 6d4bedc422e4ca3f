package ingest

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// turn is how many pages are read before it is the other's turn: one by one
// they would push each other out of the processor's caches.
const turn = 100

// BenchmarkPage measures a page of 48 KB with a known container, and beside it,
// by turns in the same run, the DOM parse that no extraction can do without.
// The goal is 600 pages a second on one core where the parse alone makes 947.
func BenchmarkPage(b *testing.B) {
	doc := generatedPage(48 << 10)
	base := &url.URL{Scheme: "https", Host: "www.yunhe.example", Path: "/jcyw/202306/t20230601_1.html"}
	var extract, parse time.Duration
	for b.Loop() {
		begin := time.Now()
		for range turn {
			if _, err := ParsePage(doc, base, beijing()); err != nil {
				b.Fatal(err)
			}
		}
		middle := time.Now()
		for range turn {
			if _, err := html.Parse(strings.NewReader(doc)); err != nil {
				b.Fatal(err)
			}
		}
		extract += middle.Sub(begin)
		parse += time.Since(middle)
	}
	b.ReportMetric(float64(b.N)*turn/extract.Seconds(), "pages/s")
	b.ReportMetric(float64(b.N)*turn/parse.Seconds(), "parses/s")
	b.ReportMetric(parse.Seconds()/extract.Seconds(), "ratio")
}

// generatedPage makes a page of about size octets in the proportions of a
// government site: a quarter article, the rest menus, lists and scripts.
func generatedPage(size int) string {
	const sentence = "云河省检察院要求各地准确把握法律监督职能，深入走访企业和社区，听取意见建议，依法能动履职。"
	var menu, body, side strings.Builder
	for i := range 60 {
		fmt.Fprintf(&menu, `<li class="nav-item"><a href="/col/col%d/index.html" target="_blank" title="栏目%d">栏目%d</a></li>`+"\n", i, i, i)
	}
	for body.Len() < size/4 {
		body.WriteString(`<p style="text-indent: 2em; line-height: 2"><span style="font-family: 仿宋_GB2312; font-size: 16pt">　　` +
			strings.Repeat(sentence, 4) + "</span></p>\n")
	}
	body.WriteString(`<p style="text-align:center"><img src="./W020230601.jpg" alt="走访现场" width="600"></p>`)
	page := func() string {
		return `<!DOCTYPE html><html lang="zh-CN"><head><meta charset="utf-8"><title>云河检察机关走访企业_云河省人民检察院</title>
<meta name="SiteName" content="云河省人民检察院"><meta name="ColumnName" content="检察要闻"><meta name="ArticleTitle" content="云河检察机关走访企业">
<meta name="PubDate" content="2023-06-01 09:30"><meta name="ContentSource" content="云河检察"><script>var a=[` + strings.Repeat("1,2,3,", 300) + `];</script></head><body>
<div class="header"><ul>` + menu.String() + `</ul></div><div class="crumbsNav">当前位置：<a href="/">首页</a> &gt; <a href="/jcyw/">检察要闻</a></div>
<h1>云河检察机关走访企业</h1><div class="info"><span>时间：2023-06-01 09:30</span><span>来源：云河检察</span><span>【字号：<a>大</a> <a>中</a> <a>小</a>】</span></div>
<div class="TRS_Editor">` + body.String() + `</div><div class="side"><ul>` + side.String() + `</ul></div></body></html>`
	}
	for i := 0; len(page()) < size; i++ {
		fmt.Fprintf(&side, `<li><span class="date">2023-05-%02d</span><a href="/jcyw/202305/t202305%02d_%d.html" title="某地检察院开展活动之%d">某地检察院开展活动之%d</a></li>`+"\n", i%28+1, i%28+1, i, i, i)
	}
	return page()
}
