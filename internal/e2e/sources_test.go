package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// upstream is a site of somebody else's: a page in GB18030 that says it is
// UTF-8, and a feed, with validators.
type upstream struct {
	*httptest.Server
	mu      sync.Mutex
	answers []string
}

const upstreamPage = `<html><head><meta charset="utf-8"><title>丙院召开座谈会_丙院网</title></head><body>
<div>当前位置：首页 &gt; 检察要闻 &gt; 正文</div><h1>丙院召开座谈会</h1><div>发布时间：2026-03-04 09:30 来源：丙院 【字体：大 中 小】</div>
<div class="TRS_Editor"><p>　　丙院召开座谈会，听取意见。<script>alert(1)</script></p><p><img oldsrc="/p/1.jpg" src="/blank.gif"></p></div></body></html>`

const upstreamFeed = `<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel><title>丁院</title><link>http://x/</link><description>x</description>
<item><title>丁院发布白皮书</title><link>/a/1.html?utm_source=rss</link><pubDate>Wed, 04 Mar 2026 10:00:00 CST</pubDate><description><![CDATA[<p onclick="x()">白皮书全文。</p>]]></description></item>
<item><title>没有日期</title><link>/a/2.html</link></item></channel></rss>`

func newUpstream(t *testing.T) *upstream {
	t.Helper()
	page, err := simplifiedchinese.GB18030.NewEncoder().String(upstreamPage)
	if err != nil {
		t.Fatal(err)
	}
	u := &upstream{}
	u.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, kind := page, "text/html"
		if r.URL.Path == "/rss.xml" {
			body, kind = upstreamFeed, "application/rss+xml"
		}
		status := http.StatusOK
		w.Header().Set("ETag", `"v1"`)
		w.Header().Set("Content-Type", kind)
		if r.Header.Get("If-None-Match") == `"v1"` {
			status = http.StatusNotModified
		}
		u.mu.Lock()
		u.answers = append(u.answers, fmt.Sprint(r.URL.Path, " ", status))
		u.mu.Unlock()
		w.WriteHeader(status)
		if status == http.StatusOK {
			_, _ = w.Write([]byte(body))
		}
	}))
	t.Cleanup(u.Close)
	return u
}

func TestSourcesElsewhere(t *testing.T) {
	u := newUpstream(t)
	config := "sources:\n  - {name: page, kind: page, url: \"%[1]s/n.html\"%[2]s}\n  - {name: feed, kind: feed, url: \"%[1]s/rss.xml\"%[2]s}\n"
	s := newSite(t, fmt.Sprintf(config, u.URL, ""))
	var report struct {
		New, Same int
		Refused   []struct{ Path, Reason string }
	}
	if _, _, code := s.run("ingest"); code != 1 {
		t.Errorf("a private address without leave: exit %d", code)
	}
	s.configure(fmt.Sprintf(config, u.URL, ", allow_private: [127.0.0.0/8]"))
	s.data(&report, "ingest")
	if report.New != 2 || len(report.Refused) != 1 {
		t.Errorf("%+v", report)
	}
	s.data(&report, "ingest")
	if want := []string{"/n.html 200", "/rss.xml 200", "/n.html 304", "/rss.xml 200"}; !slices.Equal(u.answers, want) {
		t.Errorf("asked %v, want %v: what had a refusal is asked for whole again", u.answers, want)
	}
	var list []struct{ Title, Column, Origin, Published, URL string }
	s.data(&list, "article", "list")
	if len(list) != 2 {
		t.Fatalf("%+v", list)
	}
	if a := list[0]; a.Title != "丁院发布白皮书" || a.Published != "2026-03-04T10:00:00+08:00" || a.URL != u.URL+"/a/1.html" {
		t.Errorf("%+v", a)
	}
	if a := list[1]; a.Title != "丙院召开座谈会" || a.Column != "检察要闻" || a.Origin != "丙院" || a.Published != "2026-03-04T09:30:00+08:00" {
		t.Errorf("%+v", a)
	}
}
