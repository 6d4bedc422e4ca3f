package ingest

import (
	"net/url"
	"strings"
	"sync"
	"unicode"

	"github.com/microcosm-cc/bluemonday"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"jianxun/internal/news"
)

// Clean is a body made safe: HTML of a small set of elements with absolute
// addresses, the same as plain text with a line a paragraph, and its pictures.
type Clean struct {
	Body, Text string
	Images     []news.Image
}

// SanitizeHTML is Sanitize for a fragment that is still text.
func SanitizeHTML(fragment string, base *url.URL) (Clean, error) {
	context := &html.Node{Type: html.ElementNode, Data: "div", DataAtom: atom.Div}
	nodes, err := html.ParseFragment(strings.NewReader(news.CleanText(fragment)), context)
	if err != nil {
		return Clean{}, news.Errorf(news.Invalid, "the text is not readable as HTML: %w", err)
	}
	root := &html.Node{Type: html.ElementNode, Data: "div", DataAtom: atom.Div}
	for _, n := range nodes {
		root.AppendChild(n)
	}
	return Sanitize(root, base), nil
}

// Sanitize changes the tree under root for its purpose. Scripts, styles, fields
// and the page's own controls go, unknown elements (forms too: some platforms put
// the whole page into one) give way to what they hold, and a block of text
// becomes a paragraph.
func Sanitize(root *html.Node, base *url.URL) Clean {
	var c Clean
	root.Data, root.DataAtom, root.Attr = "div", atom.Div, nil // a cell may be the container
	tidy(root, base, &c)
	var b strings.Builder
	for n := range root.ChildNodes() {
		_ = html.Render(&b, n) // a strings.Builder does not fail
	}
	c.Body = strings.TrimSpace(policy().Sanitize(b.String()))
	if c.Body != "" {
		c.Body += "\n"
	}
	c.Text = strings.Join(blockLines(root), "\n")
	return c
}

// policy makes what is let through. It is made once: that costs more than a page.
var policy = sync.OnceValue(func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "strong", "b", "em", "i", "u", "sub", "sup", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li",
		"blockquote", "hr", "figure", "figcaption", "table", "caption", "thead", "tbody", "tfoot", "tr", "td", "th", "pre", "code")
	p.AllowAttrs("colspan", "rowspan").Matching(bluemonday.Integer).OnElements("td", "th")
	p.AllowAttrs("href").OnElements("a")
	p.AllowAttrs("src", "alt").OnElements("img")
	p.AllowAttrs("width", "height").Matching(bluemonday.Integer).OnElements("img")
	p.AllowURLSchemes("http", "https", "mailto")
	p.RequireParseableURLs(true)
	return p
})

var dropped = map[atom.Atom]bool{atom.Script: true, atom.Style: true, atom.Iframe: true, atom.Object: true, atom.Embed: true,
	atom.Input: true, atom.Button: true, atom.Select: true, atom.Textarea: true, atom.Noscript: true, atom.Template: true,
	atom.Svg: true, atom.Math: true, atom.Link: true, atom.Meta: true, atom.Video: true, atom.Audio: true, atom.Head: true, atom.Title: true}

var blocks = map[atom.Atom]bool{atom.P: true, atom.Div: true, atom.Section: true, atom.Article: true, atom.Center: true, atom.Main: true,
	atom.H1: true, atom.H2: true, atom.H3: true, atom.H4: true, atom.H5: true, atom.H6: true, atom.Ul: true, atom.Ol: true, atom.Li: true,
	atom.Blockquote: true, atom.Hr: true, atom.Figure: true, atom.Figcaption: true, atom.Table: true, atom.Caption: true, atom.Thead: true,
	atom.Tbody: true, atom.Tfoot: true, atom.Tr: true, atom.Td: true, atom.Th: true, atom.Pre: true, atom.Dl: true, atom.Dt: true, atom.Dd: true,
	atom.Form: true, atom.Header: true, atom.Footer: true, atom.Aside: true, atom.Nav: true, atom.Body: true, atom.Html: true}

// tidy prepares the tree for the policy, from the leaves up.
func tidy(n *html.Node, base *url.URL, c *Clean) (hasBlock bool) {
	for child := n.FirstChild; child != nil; {
		next := child.NextSibling
		switch {
		case child.Type == html.TextNode:
			child.Data = news.CleanText(child.Data) // again: character references can name anything
			trimIndent(child)
		case child.Type != html.ElementNode || dropped[child.DataAtom] || isControl(child):
			n.RemoveChild(child)
		default:
			loosen(child)
			inner := tidy(child, base, c)
			asParagraph(child, inner)
			if !fixLinks(child, base, c) || isEmpty(child) {
				n.RemoveChild(child)
			} else {
				hasBlock = hasBlock || inner || blocks[child.DataAtom]
			}
		}
		child = next
	}
	return hasBlock
}

// maxControl is of how many nodes a control of the page consists at most.
const maxControl = 64

// isControl finds "【字号 大 中 小】", "打印", "上一篇：…" in an element of their own.
// Within a line only links and brackets are: in <b>打印</b>机 it is a word.
func isControl(n *html.Node) bool {
	if n.DataAtom == atom.Img || n.DataAtom == atom.Br || n.DataAtom == atom.Td {
		return false
	}
	var text strings.Builder
	nodes := 0
	for d := range n.Descendants() {
		if nodes++; nodes > maxControl {
			return false
		}
		if d.Type == html.ElementNode && d.DataAtom == atom.Img {
			return false
		}
		if d.Type == html.TextNode {
			text.WriteString(d.Data)
		}
		if text.Len() > 120 {
			return false
		}
	}
	line := strings.TrimFunc(text.String(), unicode.IsSpace)
	if !blocks[n.DataAtom] && n.DataAtom != atom.A && !strings.HasPrefix(line, "【") && !strings.HasPrefix(line, "[") {
		return false
	}
	return line != "" && isChrome(line)
}

// trimIndent takes the spaces away with which pages indent paragraphs.
func trimIndent(n *html.Node) {
	if startsLine(n) {
		n.Data = strings.TrimLeftFunc(n.Data, unicode.IsSpace)
	}
	if n.Data == "" {
		n.Parent.RemoveChild(n)
	}
}

// startsLine tells whether n is the first in its block or after a line break.
// What stands before it has been tidied, so nothing there is empty.
func startsLine(n *html.Node) bool {
	for ; n.Parent != nil && n.Parent.DataAtom != atom.Pre; n = n.Parent {
		if p := n.PrevSibling; p != nil {
			return p.DataAtom == atom.Br || blocks[p.DataAtom]
		}
		if blocks[n.Parent.DataAtom] {
			return true
		}
	}
	return false
}

// isEmpty tells whether an element shows nothing. Within a line a space is
// something: it may stand between two names.
func isEmpty(n *html.Node) bool {
	switch n.DataAtom {
	case atom.Img, atom.Br, atom.Hr, atom.Tr, atom.Td, atom.Th:
		return false
	}
	for d := range n.Descendants() {
		switch {
		case d.Type == html.TextNode && (!blocks[n.DataAtom] || strings.TrimSpace(d.Data) != ""):
			return false
		case d.DataAtom == atom.Img, d.DataAtom == atom.Hr, d.DataAtom == atom.Br && !blocks[n.DataAtom]:
			return false
		}
	}
	return true
}

// loosen makes a plain group of rows and cells without a table around them: the
// layout table was the container.
func loosen(n *html.Node) {
	switch n.DataAtom {
	case atom.Caption, atom.Thead, atom.Tbody, atom.Tfoot, atom.Tr, atom.Td, atom.Th:
	default:
		return
	}
	switch n.Parent.DataAtom {
	case atom.Table, atom.Thead, atom.Tbody, atom.Tfoot, atom.Tr:
	default:
		n.Data, n.DataAtom, n.Attr = "div", atom.Div, nil
	}
}

// asParagraph makes a paragraph of an element that only groups text.
func asParagraph(n *html.Node, hasBlock bool) {
	switch n.DataAtom {
	case atom.Div, atom.Section, atom.Article, atom.Center, atom.Main, atom.Dt, atom.Dd:
		if !hasBlock {
			n.Data, n.DataAtom, n.Attr = "p", atom.P, nil
		}
	}
}

// fixLinks makes addresses absolute; false means the element is of no use.
func fixLinks(n *html.Node, base *url.URL, c *Clean) bool {
	switch n.DataAtom {
	case atom.A:
		setAttrs(n, html.Attribute{Key: "href", Val: resolve(base, attr(n, "href"), "http", "https", "mailto")})
	case atom.Img:
		src := resolve(base, first(attr(n, "oldsrc"), attr(n, "data-original"), attr(n, "data-src"), attr(n, "src")), "http", "https")
		alt := news.OneLine(attr(n, "alt"))
		setAttrs(n, html.Attribute{Key: "src", Val: src}, html.Attribute{Key: "alt", Val: alt},
			html.Attribute{Key: "width", Val: attr(n, "width")}, html.Attribute{Key: "height", Val: attr(n, "height")})
		if src == "" {
			return false
		}
		c.Images = append(c.Images, news.Image{URL: src, Alt: alt})
	}
	return true
}

// setAttrs leaves the element those of the attributes that have a value.
func setAttrs(n *html.Node, attrs ...html.Attribute) {
	n.Attr = nil
	for _, a := range attrs {
		if a.Val != "" || a.Key == "alt" {
			n.Attr = append(n.Attr, a)
		}
	}
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}
