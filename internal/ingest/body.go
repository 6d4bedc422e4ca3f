package ingest

import (
	"net/url"
	"strings"

	readability "codeberg.org/readeck/go-readability"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// containers are the ids and classes, in small letters, in which the platforms
// of government sites keep the body, the surest first.
var containers = ranks("#fontzoom", "#ucap-content", ".trs_ueditor", ".trs_paper_default", ".trs_editor", ".custom_unionstyle",
	"#newscontent", "#zoom", "#vsb_content", "#vsb_content_2", ".v_news_content", ".article-content", ".article_content", "#content_body")

func ranks(names ...string) map[string]int {
	m := map[string]int{}
	for i, n := range names {
		m[n] = i
	}
	return m
}

// findBody gives the surest container that holds anything, else what stands
// between comment markers, else nil.
func findBody(root *html.Node) *html.Node {
	var best, begin *html.Node
	rank := len(containers)
	for n := range root.Descendants() {
		switch {
		case n.Type == html.CommentNode && begin == nil && strings.Contains(n.Data, "content.begin"):
			begin = n
		case n.Type == html.ElementNode:
			if r := containerRank(n); r < rank && holds(n) {
				best, rank = n, r
			}
		}
	}
	if best == nil && begin != nil {
		return betweenComments(begin)
	}
	return best
}

// containerRank is the place of n among the containers, or their number.
func containerRank(n *html.Node) int {
	rank := len(containers)
	for _, a := range n.Attr {
		mark := "."
		switch a.Key {
		case "id":
			mark = "#"
		case "class":
		default:
			continue
		}
		for name := range strings.FieldsSeq(a.Val) {
			if r, ok := containers[mark+strings.ToLower(name)]; ok {
				rank = min(rank, r)
			}
		}
	}
	return rank
}

// holds tells whether there is a text or a picture under n.
func holds(n *html.Node) bool {
	for child := range n.ChildNodes() {
		switch {
		case child.Type == html.TextNode && strings.TrimSpace(child.Data) != "", child.DataAtom == atom.Img:
			return true
		case child.Type == html.ElementNode && !dropped[child.DataAtom] && holds(child):
			return true
		}
	}
	return false
}

// betweenComments takes what stands between <!--ZJEG_RSS.content.begin--> and
// its end, or the like, into an element of its own.
func betweenComments(begin *html.Node) *html.Node {
	body := &html.Node{Type: html.ElementNode, Data: "div", DataAtom: atom.Div}
	for n := begin.NextSibling; n != nil; {
		next := n.NextSibling
		if n.Type == html.CommentNode && strings.Contains(n.Data, "content.end") {
			return body
		}
		n.Parent.RemoveChild(n)
		body.AppendChild(n)
		n = next
	}
	return body
}

// maxElements bounds the guess, whose time grows with depth times size.
const maxElements = 20_000

// byReadability guesses; it gives an empty element when it finds nothing.
func byReadability(root *html.Node, base *url.URL) *html.Node {
	if base == nil {
		base = &url.URL{}
	}
	guess := readability.NewParser()
	guess.MaxElemsToParse = maxElements
	found, err := guess.ParseDocument(root, base)
	if err != nil || found.Node == nil {
		return &html.Node{Type: html.ElementNode, Data: "div", DataAtom: atom.Div}
	}
	for n := range found.Node.Descendants() {
		if n.Type == html.ElementNode {
			n.DataAtom = atom.Lookup([]byte(n.Data)) // readability renames elements by Data alone
		}
	}
	return found.Node
}
