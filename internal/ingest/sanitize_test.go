package ingest

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"jianxun/internal/news"
)

func TestSanitize(t *testing.T) {
	base := mustURL(t, "https://www.yunhe.example/jcyw/1/t1.html")
	for name, tc := range map[string]struct{ in, body, text string }{
		"scripts and styles":              {`<p>甲<script>alert(1)</script><style>p{}</style></p>`, "<p>甲</p>\n", "甲"},
		"a script that hides":             {`<scr<script>x</script>ipt>alert(1)</script><p>甲</p>`, "", ""}, // checked for safety only
		"event attributes":                {`<p onclick="x()" id="a" class="b" style="c">甲</p>`, "<p>甲</p>\n", "甲"},
		"dangerous links":                 {`<p><a href="javascript:x">甲</a><a href=" JaVa&#9;Script:x">乙</a><a href="data:text/html,x">丙</a></p>`, "<p>甲乙丙</p>\n", "甲乙丙"},
		"relative links":                  {`<p><a href="../2.doc" target=_blank>附件</a></p>`, "<p><a href=\"https://www.yunhe.example/jcyw/2.doc\">附件</a></p>\n", "附件"},
		"mail links":                      {`<p><a href="mailto:a@yunhe.example">信箱</a></p>`, "<p><a href=\"mailto:a@yunhe.example\">信箱</a></p>\n", "信箱"},
		"lazy pictures":                   {`<p><img src="blank.gif" oldsrc="a.jpg" alt="走 访"></p>`, "<p><img src=\"https://www.yunhe.example/jcyw/1/a.jpg\" alt=\"走 访\"/></p>\n", ""},
		"pictures without an address":     {`<p>甲<img src="javascript:x" onerror="x"><img alt="x"></p>`, "<p>甲</p>\n", "甲"},
		"frames and objects":              {`<iframe src="x"></iframe><object><embed></object><svg onload=x><a href=x>y</a></svg><p>甲</p>`, "<p>甲</p>\n", "甲"},
		"fields, but not what forms hold": {`<form action=x><input value=y><button>提交</button><p>甲</p></form>`, "<p>甲</p>\n", "甲"},
		"groups of text are paragraphs":   {`<div><div>　　甲</div><section>乙</section></div>`, "<p>甲</p><p>乙</p>\n", "甲\n乙"},
		"indents, however deep":           {`<p>&nbsp;　<font face=仿宋_GB2312><span>　　甲</span></font><br>　　乙 丙</p>`, "<p>甲<br/>乙 丙</p>\n", "甲\n乙 丙"},
		"spaces between names":            {`<p>张三<span>　</span>李四<b>&nbsp;</b>王五</p>`, "<p>张三　李四<b>\u00a0</b>王五</p>\n", "张三 李四 王五"},
		"empty paragraphs, however deep":  {`<p><strong><span>&nbsp;</span></strong></p><p><br></p><ul><li> </li></ul><p>甲</p>`, "<p>甲</p>\n", "甲"},
		"words that look like controls":   {`<p>重<b>大</b>案件，<span>中</span>央和<strong>中小</strong>企业，<em>关闭</em>两家</p>`, "<p>重<b>大</b>案件，中央和<strong>中小</strong>企业，<em>关闭</em>两家</p>\n", "重大案件，中央和中小企业，关闭两家"},
		"controls":                        {`<p>甲</p><p>【<a href="#">打印</a>】</p><div>字号：<a>大</a> <a>中</a> <a>小</a></div><p>上一篇：<a href=x>乙</a></p>`, "<p>甲</p>\n", "甲"},
		"tables stay":                     {`<table><tr><td colspan="2" style="x" rowspan="a">甲</td></tr></table>`, "<table><tbody><tr><td colspan=\"2\">甲</td></tr></tbody></table>\n", "甲"},
		"comments":                        {`<!-- x --><p>甲<!--[if IE]><script>x</script><![endif]--></p>`, "<p>甲</p>\n", "甲"},
		"text that looks like markup":     {`<p>&lt;script&gt;甲&lt;/script&gt; 1 &lt; 2 &amp; 3</p>`, "<p>&lt;script&gt;甲&lt;/script&gt; 1 &lt; 2 &amp; 3</p>\n", "<script>甲</script> 1 < 2 & 3"},
		"raw text elements":               {`<xmp><script>alert(1)</script></xmp><noscript><p>x</p></noscript>`, "", ""},
		"nothing":                         {"", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := SanitizeHTML(tc.in, base)
			if err != nil {
				t.Fatal(err)
			}
			if tc.body+tc.text != "" && (c.Body != tc.body || c.Text != tc.text) {
				t.Errorf("got %q, %q\nwant %q, %q", c.Body, c.Text, tc.body, tc.text)
			}
			checkSafe(t, c.Body)
		})
	}
}

func TestSanitizeWithoutAnAddressDropsWhatIsRelative(t *testing.T) {
	c, err := SanitizeHTML(`<p><a href="a.html">甲</a><img src="a.jpg"><img src="https://img.example.net/b.jpg" alt="乙"></p>`, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := "<p>甲<img src=\"https://img.example.net/b.jpg\" alt=\"乙\"/></p>\n"; c.Body != want {
		t.Errorf("got %q, want %q", c.Body, want)
	}
	if want := []news.Image{{URL: "https://img.example.net/b.jpg", Alt: "乙"}}; !slices.Equal(c.Images, want) {
		t.Errorf("got %v, want %v", c.Images, want)
	}
}

func FuzzSanitize(f *testing.F) {
	for _, s := range []string{`<p onclick=x>甲<script>y</script></p>`, `<div><table><tr><td><p>　　甲<br>乙`, `<a href="java&#10;script:x"><img src=x onerror=y>`,
		`<svg><style><img src=x></style></svg>`, `<math><mi><p>`, `<xmp><script>`, `<form><p>【打印】</p></form>`, `<p><table><td><div>x</div>`} {
		f.Add(s)
	}
	base := &url.URL{Scheme: "https", Host: "www.yunhe.example", Path: "/a/b.html"}
	f.Fuzz(func(t *testing.T, fragment string) {
		c, err := SanitizeHTML(fragment, base)
		if err != nil {
			return
		}
		checkSafe(t, c.Body)
		if c.Body != news.CleanText(c.Body) || c.Text != news.CleanText(c.Text) {
			t.Errorf("%q became %q, %q", fragment, c.Body, c.Text)
		}
		again, err := SanitizeHTML(c.Body, base)
		if err != nil {
			t.Fatal(err)
		}
		if again.Body != c.Body {
			t.Errorf("%q became\n%q and then\n%q", fragment, c.Body, again.Body)
		}
	})
}

// checkSafe reads body as a browser would and looks for what could run or lead
// to what could.
func checkSafe(t *testing.T, body string) {
	t.Helper()
	if strings.Contains(strings.ToLower(body), "<script") {
		t.Errorf("a script in %q", body)
	}
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Errorf("%q cannot be read: %v", body, err)
		return
	}
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && dropped[n.DataAtom] && n.Data != "head" {
			t.Errorf("<%s> in %q", n.Data, body)
		}
		for _, a := range n.Attr {
			if !slices.Contains([]string{"href", "src", "alt", "width", "height", "colspan", "rowspan"}, a.Key) {
				t.Errorf("%s=%q in %q", a.Key, a.Val, body)
			}
			if a.Key == "href" || a.Key == "src" {
				if u, err := url.Parse(a.Val); err != nil || !slices.Contains([]string{"http", "https", "mailto"}, u.Scheme) {
					t.Errorf("%s=%q in %q", a.Key, a.Val, body)
				}
			}
		}
	}
}
