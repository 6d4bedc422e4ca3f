package ingest

import (
	"slices"
	"strings"
	"time"

	"github.com/PuerkitoBio/goquery"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"jianxun/internal/news"
)

// blockLines gives the text under root as a reader sees it: a line a block or
// line break, white space joined, empty lines left out.
func blockLines(root *html.Node) []string {
	var w lineWriter
	w.walk(root)
	w.flush()
	return w.lines
}

// headLines gives what stands above the body from the breadcrumb on, or from
// the line before the labelled one; nothing when there is no labelled line.
func headLines(d *goquery.Document, body *html.Node, zone *time.Location) []string {
	w := lineWriter{stop: body}
	d.Find("body").Each(func(_ int, s *goquery.Selection) { w.walk(s.Get(0)) })
	w.flush()
	dated := slices.IndexFunc(w.lines, func(line string) bool {
		l, ok := readLabels(line, zone)
		return ok && !l.published.IsZero()
	})
	if dated < 0 {
		return nil
	}
	for i := dated - 1; i >= max(0, dated-maxHead+1); i-- {
		if _, ok := breadcrumb(w.lines[i]); ok {
			return w.lines[i:]
		}
	}
	return w.lines[max(0, dated-1):]
}

// dropLines removes from the tree the blocks whose text is one of the lines.
func dropLines(root *html.Node, lines []string) {
	for child := root.FirstChild; child != nil; {
		next := child.NextSibling
		if inner := blockLines(child); len(inner) == 1 && slices.Contains(lines, inner[0]) {
			root.RemoveChild(child)
		} else if len(inner) > 1 {
			dropLines(child, lines)
		}
		child = next
	}
}

type lineWriter struct {
	lines   []string
	line    strings.Builder
	stop    *html.Node // the walk ends here
	stopped bool
}

func (w *lineWriter) flush() {
	if line := news.OneLine(w.line.String()); line != "" {
		w.lines = append(w.lines, line)
	}
	w.line.Reset()
}

func (w *lineWriter) walk(n *html.Node) {
	if w.stopped = w.stopped || n == w.stop && n != nil; w.stopped {
		return
	}
	switch {
	case n.Type == html.TextNode:
		w.line.WriteString(n.Data)
		return
	case n.Type == html.ElementNode && dropped[n.DataAtom]:
		return
	}
	block := blocks[n.DataAtom] || n.DataAtom == atom.Br
	if block {
		w.flush()
	}
	for child := range n.ChildNodes() {
		w.walk(child)
	}
	if block {
		w.flush()
	}
}
