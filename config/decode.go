package config

import (
	"errors"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"jianxun/internal/news"
)

// document is a YAML file being read. It goes on after a fault, so that all are
// found in one go.
type document struct {
	file   string
	text   string
	faults Faults
	places map[string]place // of every value, by path: feeds[0].slug
	lines  []string         // of text, once there is a fault
	goOn   []bool           // of each line: it goes on with a secret
}

type place struct{ line, column int }

// decode reads the file's text into the struct that out points to. Keys are
// those of the yaml tags; any other is a fault, and so is a key given twice.
func decode(file, text string, out any) *document {
	d := &document{file: file, text: text, places: map[string]place{}}
	tree, err := parser.ParseBytes([]byte(text), 0, parser.AllowDuplicateMapKey())
	if err != nil {
		d.syntax(err)
		return d
	}
	switch {
	case len(tree.Docs) > 1:
		d.at(tree.Docs[1].GetToken(), news.Errorf(news.Invalid, "the file holds more than one document; remove the line ---"))
	case len(tree.Docs) == 1 && tree.Docs[0].Body != nil:
		d.value(tree.Docs[0].Body, reflect.ValueOf(out).Elem(), "")
	}
	return d
}

func (d *document) syntax(err error) {
	var y yaml.Error
	if errors.As(err, &y) && y.GetToken() != nil {
		d.at(y.GetToken(), news.Errorf(news.Invalid, "this is not YAML: %s", y.GetMessage()))
		return
	}
	d.faults = append(d.faults, Fault{File: d.file, Err: news.Errorf(news.Invalid, "this is not YAML: %w", err)})
}

func (d *document) at(t *token.Token, err error) {
	p := place{1, 1}
	if t != nil && t.Position != nil {
		p = place{t.Position.Line, t.Position.Column}
	}
	d.add(p, err)
}

func (d *document) add(p place, err error) {
	d.faults = append(d.faults, Fault{File: d.file, Line: p.line, Column: p.column, Err: err, Excerpt: d.excerpt(p)})
}

// fault reports what is wrong with the value at path, or with the nearest part
// of the path that the file has.
func (d *document) fault(path string, err error) {
	for {
		if p, ok := d.places[path]; ok || path == "" {
			if !ok {
				p = place{1, 1}
			}
			d.add(p, err)
			return
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
}

// has tells whether the file gives a value at path.
func (d *document) has(path string) bool { _, ok := d.places[path]; return ok }

func (d *document) value(n ast.Node, v reflect.Value, path string) {
	if a, ok := n.(*ast.AnchorNode); ok {
		n = a.Value
	}
	if t := n.GetToken(); t != nil {
		d.places[path] = place{t.Position.Line, t.Position.Column}
	}
	if _, ok := n.(*ast.NullNode); ok {
		return // a key without value is as if it were not there
	}
	switch {
	case v.Type() == reflect.TypeFor[time.Duration]():
		d.scalar(n, "a duration such as 30m or 24h", func(s string) error {
			x, err := time.ParseDuration(s)
			v.SetInt(int64(x))
			return err
		})
	case v.Kind() == reflect.Struct:
		d.mapping(n, v, path)
	case v.Kind() == reflect.Slice:
		d.sequence(n, v, path)
	case v.Kind() == reflect.Int:
		d.scalar(n, "a whole number", func(s string) error {
			x, err := strconv.Atoi(s)
			v.SetInt(int64(x))
			return err
		})
	case v.Kind() == reflect.Bool:
		d.scalar(n, "true or false", func(s string) error {
			if s != "true" && s != "false" { // YAML has had many more words for it
				return errors.ErrUnsupported
			}
			v.SetBool(s == "true")
			return nil
		})
	default:
		d.scalar(n, "text", func(s string) error { v.SetString(s); return nil })
	}
}

func (d *document) mapping(n ast.Node, v reflect.Value, path string) {
	var values []*ast.MappingValueNode
	switch m := n.(type) {
	case *ast.MappingNode:
		values = m.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{m}
	default:
		d.at(n.GetToken(), news.Errorf(news.Invalid, "here must stand keys with values, such as %s: …", keys(v.Type())[0]))
		return
	}
	if len(values) > 0 { // the token of a mapping is its first colon
		t := values[0].Key.GetToken()
		d.places[path] = place{t.Position.Line, t.Position.Column}
	}
	seen := map[string]int{}
	for _, m := range values {
		key := m.Key.GetToken().Value
		if line, ok := seen[key]; ok {
			d.at(m.Key.GetToken(), news.Errorf(news.Invalid, "the key %q stands in line %d already", d.shown(m.Key), line))
			continue
		}
		seen[key] = m.Key.GetToken().Position.Line
		field, ok := fieldOf(v, key)
		if !ok {
			d.at(m.Key.GetToken(), unknownKey(key, d.shown(m.Key), keys(v.Type())))
			continue
		}
		d.value(m.Value, field, strings.TrimPrefix(path+"."+key, "."))
	}
}

func (d *document) sequence(n ast.Node, v reflect.Value, path string) {
	s, ok := n.(*ast.SequenceNode)
	if !ok {
		d.at(n.GetToken(), news.Errorf(news.Invalid, "here must stand a list: [a, b], or lines that begin with -"))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(s.Values), len(s.Values)))
	for i, item := range s.Values {
		d.value(item, v.Index(i), path+"["+strconv.Itoa(i)+"]")
	}
}

var environment = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// scalar reads a plain value. ${NAME} is replaced now, after parsing, so what
// the environment holds can never become YAML.
func (d *document) scalar(n ast.Node, want string, set func(string) error) {
	var s string
	switch t := n.(type) {
	case *ast.StringNode:
		s = t.Value
	case *ast.LiteralNode:
		s = t.Value.Value
	case ast.ScalarNode:
		s = n.GetToken().Value
	default:
		d.at(n.GetToken(), news.Errorf(news.Invalid, "here must stand %s", news.Phrase(want)))
		return
	}
	s = environment.ReplaceAllStringFunc(s, func(ref string) string {
		name := ref[2 : len(ref)-1]
		value, ok := os.LookupEnv(name)
		if !ok {
			d.at(n.GetToken(), news.Errorf(news.Invalid, "the environment has no variable %s", name))
		}
		return value
	})
	if err := set(s); err != nil {
		d.at(n.GetToken(), news.Errorf(news.Invalid, "here must stand %s, not %q", news.Phrase(want), s))
	}
}

func fieldOf(v reflect.Value, key string) (reflect.Value, bool) {
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("yaml") == key {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

func keys(t reflect.Type) []string {
	var all []string
	for i := range t.NumField() {
		if tag := t.Field(i).Tag.Get("yaml"); tag != "" {
			all = append(all, tag)
		}
	}
	return all
}

// unknownKey says what is wrong with a key; shown is the key as it may be shown.
func unknownKey(key, shown string, known []string) error {
	best, distance := "", 3
	for _, k := range known {
		if d := editDistance(key, k); d < distance {
			best, distance = k, d
		}
	}
	if best != "" {
		return news.Errorf(news.Invalid, "the key %q is not known; is %q meant?", shown, best)
	}
	return news.Errorf(news.Invalid, "the key %q is not known; known here are %s", shown, strings.Join(known, ", "))
}

// editDistance is the number of letters to add, drop or change (Levenshtein).
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
