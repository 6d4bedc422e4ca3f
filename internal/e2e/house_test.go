// Package e2e tests the whole: the house and its rules, the program as its
// users run it, and other people's software against it.
package e2e

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// rooms is the table of docs/architecture.md: what each package may import of ours.
func rooms() map[string][]string {
	everything := []string{"*"}
	return map[string][]string{
		"internal/news":        {},
		"internal/han":         {},
		"internal/dial":        {"internal/news"},
		"internal/ingest":      {"internal/news", "internal/dial"},
		"feedgen":              {"internal/news", "internal/han"},
		"digest":               {"internal/news", "internal/han", "templates", "internal/mail"},
		"templates":            {"internal/news", "internal/han"},
		"internal/mail":        {},
		"internal/inbox":       {},
		"internal/outbox":      {"internal/news", "internal/mail", "internal/dial"},
		"internal/roster":      {"internal/news"},
		"internal/store":       {"internal/news", "internal/han"},
		"config":               {"internal/news"},
		"internal/schedule":    {},
		"internal/websub":      {"internal/news", "internal/dial"},
		"internal/export":      {"internal/news"},
		"internal/web":         {"internal/news", "feedgen", "templates", "internal/roster"},
		"internal/app":         everything,
		"cmd/jianxun":          {"internal/app", "config"},
		"internal/pgtest":      {},
		"internal/pgtest/with": {"internal/pgtest"},
		"internal/e2e":         {"internal/app"},
	}
}

// homes are the rooms that alone may know a library.
func homes() map[string]string {
	return map[string]string{
		"github.com/mmcdole/gofeed":           "internal/ingest",
		"codeberg.org/readeck/go-readability": "internal/ingest",
		"github.com/microcosm-cc/bluemonday":  "internal/ingest",
		"github.com/PuerkitoBio/goquery":      "internal/ingest",
		"github.com/gorilla/feeds":            "feedgen",
		"github.com/wneessen/go-mail":         "internal/mail",
		"github.com/emersion/go-smtp":         "internal/inbox",
		"github.com/emersion/go-imap/v2":      "internal/inbox",
		"github.com/robfig/cron/v3":           "internal/schedule",
		"modernc.org/sqlite":                  "internal/store",
		"github.com/pressly/goose/v3":         "internal/store",
		"github.com/jackc/pgx/v5":             "internal/store",
		"database/sql":                        "internal/store",
		"github.com/goccy/go-yaml":            "config",
		"github.com/aymerick/douceur":         "templates",
		"github.com/andybalholm/brotli":       "internal/web",
		"github.com/prometheus/client_golang": "internal/app",
		"github.com/alecthomas/kong":          "cmd/jianxun",
		"github.com/rogpeppe/go-internal":     "tests",
	}
}

type listed struct {
	ImportPath, Dir  string
	Imports, GoFiles []string
}

// module is the path of the module, as in go.mod.
const module = "jianxun"

func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,Imports,GoFiles", "./...")
	cmd.Dir = root(t)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var p listed
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

func TestHouseKeepsItsImports(t *testing.T) {
	table := rooms()
	for _, p := range packages(t) {
		room := strings.TrimPrefix(p.ImportPath, module+"/")
		allowed, ok := table[room]
		if !ok {
			t.Errorf("%s is not a room of the house; see docs/architecture.md", room)
			continue
		}
		for _, imp := range p.Imports {
			own, ours := strings.CutPrefix(imp, module+"/")
			if ours && !slices.Contains(allowed, own) && (!slices.Contains(allowed, "*") || strings.HasPrefix(own, "cmd/")) {
				t.Errorf("%s may not import %s", room, own)
			}
			for library, home := range homes() {
				if (imp == library || strings.HasPrefix(imp, library+"/")) && home != room {
					t.Errorf("%s imports %s, whose home is %s", room, imp, home)
				}
			}
		}
	}
}

func TestHouseHasNoHiddenState(t *testing.T) {
	for _, p := range packages(t) {
		room := strings.TrimPrefix(p.ImportPath, module+"/")
		fset := token.NewFileSet()
		var files []*ast.File
		for _, name := range p.GoFiles {
			file, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, file)
		}
		variables := packageVariables(files)
		for _, file := range files {
			for _, decl := range file.Decls {
				f, ok := decl.(*ast.FuncDecl)
				if !ok {
					continue
				}
				if f.Name.Name == "init" && f.Recv == nil {
					t.Errorf("%s: init() does work before main", fset.Position(f.Pos()))
				}
				for _, pos := range assigned(f, variables) {
					t.Errorf("%s: a package variable is changed", fset.Position(pos))
				}
				if room != "internal/app" {
					for _, pos := range clockReads(f) {
						t.Errorf("%s: time.Now is for app alone; take a clock", fset.Position(pos))
					}
				}
			}
		}
	}
}

func packageVariables(files []*ast.File) map[string]bool {
	names := map[string]bool{}
	for _, file := range files {
		for _, decl := range file.Decls {
			if g, ok := decl.(*ast.GenDecl); ok && g.Tok == token.VAR {
				for _, spec := range g.Specs {
					for _, id := range spec.(*ast.ValueSpec).Names {
						names[id.Name] = true
					}
				}
			}
		}
	}
	return names
}

// assigned finds assignments to package variables that the function has no
// variable of its own for.
func assigned(f *ast.FuncDecl, variables map[string]bool) []token.Pos {
	own := map[string]bool{}
	var found []token.Pos
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			for _, id := range n.Names {
				own[id.Name] = true
			}
		case *ast.ValueSpec:
			for _, id := range n.Names {
				own[id.Name] = true
			}
		case *ast.AssignStmt:
			for _, left := range n.Lhs {
				id, ok := left.(*ast.Ident)
				switch {
				case ok && n.Tok == token.DEFINE:
					own[id.Name] = true
				case ok && variables[id.Name] && !own[id.Name]:
					found = append(found, n.Pos())
				}
			}
		}
		return true
	})
	return found
}

func clockReads(f *ast.FuncDecl) []token.Pos {
	var found []token.Pos
	ast.Inspect(f, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "Now" {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" {
				found = append(found, n.Pos())
			}
		}
		return true
	})
	return found
}

func TestMainIsShort(t *testing.T) {
	path := filepath.Join(root(t), "cmd/jianxun/main.go")
	if n := len(strings.Split(read(t, path), "\n")); n > 51 {
		t.Errorf("main.go has %d lines, more than 50", n-1)
	}
}
