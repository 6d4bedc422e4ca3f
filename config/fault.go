package config

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Fault is one thing wrong with a file, and where.
type Fault struct {
	File         string
	Line, Column int // from 1; 0 when the file as a whole is meant
	Err          error
	Excerpt      string // the line, and under it a caret; empty when there is none
}

func (f Fault) Error() string { return f.Where() + ": " + f.Err.Error() }

// Unwrap gives what is wrong, without the place.
func (f Fault) Unwrap() error { return f.Err }

// Where is file:line:column, as editors and terminals understand it.
func (f Fault) Where() string {
	if f.Line == 0 {
		return f.File
	}
	return fmt.Sprintf("%s:%d:%d", f.File, f.Line, f.Column)
}

// Faults are all that was found, by file and line.
type Faults []Fault

func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

// sorted orders the faults of each file by place; files stay in the order in
// which they were read.
func (fs Faults) sorted() Faults {
	order := map[string]int{}
	for _, f := range fs {
		if _, ok := order[f.File]; !ok {
			order[f.File] = len(order)
		}
	}
	slices.SortStableFunc(fs, func(a, b Fault) int {
		if a.File != b.File {
			return order[a.File] - order[b.File]
		}
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return fs
}

// excerpt shows the line of a place, without what may be a secret, with a caret
// under the column.
func (d *document) excerpt(p place) string {
	line, spans := d.hidden(p.line)
	if p.line > len(d.lines) {
		return ""
	}
	line, column := mask(line, spans, p.column)
	if utf8.RuneCountInString(line) > 200 {
		line = string([]rune(line)[:200]) + "…"
	}
	var pad strings.Builder
	for i, r := range []rune(line) {
		switch {
		case i >= column-1:
		case r == '\t':
			pad.WriteByte('\t')
		case r >= 0x1100: // such characters take two cells of a terminal
			pad.WriteString("  ")
		default:
			pad.WriteByte(' ')
		}
	}
	return fmt.Sprintf("%5d | %s\n      | %s^", p.line, line, pad.String())
}
