package templates

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestCatalogueIsWhole finds every sentence that people may be told, in the
// code and in the templates, and expects a Chinese one for it with the same
// verbs, and none that is no longer said.
func TestCatalogueIsWhole(t *testing.T) {
	b, err := os.ReadFile("messages.zh.json")
	if err != nil {
		t.Fatal(err)
	}
	words := map[string]string{}
	if err := json.Unmarshal(b, &words); err != nil {
		t.Fatal(err)
	}
	said := sentences(t)
	for s, where := range said {
		local, ok := words[s]
		switch {
		case !ok:
			t.Errorf("%s: no Chinese for %q", where, s)
		case !slices.Equal(verbs(s), verbs(local)):
			t.Errorf("%s: %q and %q have different verbs", where, s, local)
		}
	}
	for s := range words {
		if _, ok := said[s]; !ok {
			t.Errorf("nobody says %q any more", s)
		}
	}
}

var verb = regexp.MustCompile(`%(?:\[\d+\])?([a-z])`)

// verbs are sorted: another language may need another order.
func verbs(s string) []string {
	var all []string
	for _, m := range verb.FindAllStringSubmatch(s, -1) {
		all = append(all, m[1])
	}
	slices.Sort(all)
	return all
}

func sentences(t *testing.T) map[string]string {
	t.Helper()
	said := map[string]string{
		"live": "states", "withdrawn": "states", "active": "states", "pending": "states", "unsubscribed": "states", "bounced": "states",
		"draft": "states", "review": "states", "approved": "states", "sending": "states", "sent": "states", "cancelled": "states",
		"queued": "states", "leased": "states", "committing": "states", "deferred": "states", "failed": "states", "uncertain": "states", "suppressed": "states",
		"hard": "bounces", "soft": "bounces", "complaint": "bounces", "none": "bounces",
	}
	err := filepath.WalkDir("..", func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && (strings.HasPrefix(e.Name(), ".") && path != ".." || e.Name() == "var") {
			return fs.SkipDir
		}
		switch {
		case strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go"):
			fromCode(t, path, said)
		case strings.HasPrefix(path, "../templates/") && (strings.HasSuffix(path, ".html") || strings.HasSuffix(path, ".txt")):
			fromTemplate(t, path, said)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return said
}

// sayers are the functions that take a sentence, and which argument it is.
var sayers = map[string]int{"Errorf": 1, "T": 0, "say": 0, "fault": 1}

func fromCode(t *testing.T, path string, said map[string]string) {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if i, ok := sayers[callee(n)]; ok && len(n.Args) > i {
				add(n.Args[i], fset, said)
			}
		case *ast.CompositeLit: // a format chosen from a table
			if strings.HasPrefix(path, "../cmd/") {
				for _, e := range n.Elts {
					if s := literal(e); strings.HasPrefix(s, "%d ") {
						said[s] = fset.Position(e.Pos()).String()
					}
				}
			}
		case *ast.Field:
			if n.Tag != nil && strings.HasPrefix(path, "../cmd/") {
				tag, _ := strconv.Unquote(n.Tag.Value)
				if help := reflect.StructTag(tag).Get("help"); help != "" {
					said[help] = fset.Position(n.Pos()).String()
				}
			}
		}
		return true
	})
	for _, m := range regexp.MustCompile(`\.scalar\(n, "([^"]+)"`).FindAllStringSubmatch(source(t, path), -1) {
		said[m[1]] = path
	}
}

// callee is the name of the function called, without its package.
func callee(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident: // within package news
		return f.Name
	case *ast.SelectorExpr:
		if x, ok := f.X.(*ast.Ident); !ok || x.Name != "fmt" {
			return f.Sel.Name
		}
	}
	return ""
}

func add(e ast.Expr, fset *token.FileSet, said map[string]string) {
	if s := literal(e); s != "" {
		said[s] = fset.Position(e.Pos()).String()
	}
}

func literal(e ast.Expr) string {
	if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
		if s, err := strconv.Unquote(lit.Value); err == nil {
			return s
		}
	}
	return ""
}

var inTemplate = regexp.MustCompile(`\.T ("(?:[^"\\]|\\.)*")`)

func fromTemplate(t *testing.T, path string, said map[string]string) {
	t.Helper()
	for _, m := range inTemplate.FindAllStringSubmatch(source(t, path), -1) {
		s, err := strconv.Unquote(m[1])
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		said[s] = path
	}
}

func source(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
