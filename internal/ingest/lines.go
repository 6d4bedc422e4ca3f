package ingest

import (
	"math"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"jianxun/internal/news"
)

// blockLines gives the text under root as a reader sees it: a line a block or
// line break, white space joined, empty lines left out.
func blockLines(root *html.Node) []string { return someLines(root, math.MaxInt) }

// someLines gives no more than the first lines of that.
func someLines(root *html.Node, limit int) []string {
	w := lineWriter{limit: limit}
	w.walk(root)
	w.flush()
	return w.lines
}

// headLines gives what stands above the body from the breadcrumb on, or from
// the line before the labelled ones; nothing when there is no dated line.
func headLines(root, body *html.Node, zone *time.Location) []string {
	w := lineWriter{stop: body, limit: math.MaxInt}
	w.walk(root)
	w.flush()
	dated := datedLine(w.lines, zone)
	if dated < 0 {
		return nil
	}
	for i := dated - 1; i >= max(0, dated-maxHead+1); i-- {
		if _, ok := breadcrumb(w.lines[i]); ok {
			return w.lines[i:]
		}
	}
	for dated > 0 && startsWithLabel(w.lines[dated-1]) {
		dated--
	}
	return w.lines[max(0, dated-1):]
}

// datedLine is the first line with a labelled date. A bare date counts only when
// there is none: pages show today's date in their banner.
func datedLine(lines []string, zone *time.Location) int {
	bare := -1
	for i, line := range lines {
		l, ok := readLabels(line, zone)
		switch {
		case !ok || l.published.IsZero():
		case !l.bare:
			return i
		case bare < 0:
			bare = i
		}
	}
	return bare
}

// dropLines removes from the tree the blocks whose text is one of the lines.
func dropLines(root *html.Node, lines []string) {
	for child := root.FirstChild; child != nil; {
		next := child.NextSibling
		if inner := someLines(child, 2); len(inner) == 1 && slices.Contains(lines, inner[0]) {
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
	limit   int        // of lines
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
	if w.stopped = w.stopped || n == w.stop || len(w.lines) >= w.limit; w.stopped {
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
