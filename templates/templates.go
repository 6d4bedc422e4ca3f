// Package templates turns typed views into pages and mails. The templates are
// part of the program; values are escaped by where they stand.
//
// Load promises that every template parses; rendering either gives the whole
// result or an error and nothing.
package templates

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"io/fs"
	"path"
	"slices"
	"strings"
	text "text/template"

	"github.com/aymerick/douceur/inliner"

	"jianxun/internal/news"
)

//go:embed web mail
var files embed.FS

// Set is the loaded templates. It may be used from many goroutines.
type Set struct {
	pages    map[string]*template.Template
	mailHTML *template.Template
	mailText *text.Template
	style    []byte
	script   []byte
}

// Load parses all templates.
func Load() (*Set, error) {
	s := &Set{pages: map[string]*template.Template{}}
	names, err := fs.Glob(files, "web/*.html")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		page := strings.TrimSuffix(path.Base(name), ".html")
		if page == "layout" {
			continue
		}
		if s.pages[page], err = template.ParseFS(files, "web/layout.html", name); err != nil {
			return nil, news.Errorf(news.Internal, "the template %s does not parse: %w", name, err)
		}
	}
	if s.mailHTML, err = template.ParseFS(files, "mail/issue.html"); err != nil {
		return nil, err
	}
	if s.mailText, err = text.ParseFS(files, "mail/issue.txt"); err != nil {
		return nil, err
	}
	if s.style, err = files.ReadFile("web/style.css"); err != nil {
		return nil, err
	}
	s.script, err = files.ReadFile("web/copy.js")
	return s, err
}

// Script is what the pages can do beyond HTML: copying an address. All of them
// can be used without it.
func (s *Set) Script() []byte { return s.script }

// Style is the style sheet of the pages, and StyleVersion changes with it.
func (s *Set) Style() []byte { return s.style }

// StyleVersion is a short hash of the style sheet and the script.
func (s *Set) StyleVersion() string {
	sum := sha256.Sum256(append(slices.Clone(s.style), s.script...))
	return hex.EncodeToString(sum[:4])
}

// Page renders the named page with its view.
func (s *Set) Page(name string, view any) ([]byte, error) {
	t, ok := s.pages[name]
	if !ok {
		return nil, news.Errorf(news.Internal, "there is no page template %s", name)
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "layout", view); err != nil {
		return nil, news.Errorf(news.Internal, "the page %s cannot be shown: %w", name, err)
	}
	return b.Bytes(), nil
}

// IssueMail renders an issue as mail: HTML with its style inlined, and text.
func (s *Set) IssueMail(view IssueMail) (htmlPart, textPart string, err error) {
	var h, t bytes.Buffer
	if err := s.mailHTML.Execute(&h, view); err != nil {
		return "", "", news.Errorf(news.Internal, "the mail cannot be rendered: %w", err)
	}
	if err := s.mailText.Execute(&t, view); err != nil {
		return "", "", news.Errorf(news.Internal, "the mail cannot be rendered: %w", err)
	}
	inlined, err := inliner.Inline(h.String())
	if err != nil {
		return "", "", news.Errorf(news.Internal, "the style of the mail cannot be inlined: %w", err)
	}
	return withoutBlankLines(inlined), t.String(), nil
}

// withoutBlankLines drops the lines that the template leaves empty.
func withoutBlankLines(html string) string {
	var b strings.Builder
	for line := range strings.Lines(html) {
		if strings.TrimSpace(line) != "" {
			b.WriteString(line)
		}
	}
	return b.String()
}
