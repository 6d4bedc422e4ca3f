package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// mailClients is what mail programs make of HTML and CSS, judged by what
// caniemail.com tells of them and, of QQ Mail and NetEase, by what is known
// otherwise, in doubt against them. A feature that is not named is not judged.
// Selectors are judged within style elements, which are a feature of their own.
type mailClients struct {
	Clients  []string
	Features map[string]struct{ No, Partial []string }
}

func newMailClients(t *testing.T) mailClients {
	t.Helper()
	var c mailClients
	if err := json.Unmarshal([]byte(read(t, "testdata/mail-clients.json")), &c); err != nil {
		t.Fatal(err)
	}
	for name, f := range c.Features {
		for _, client := range slices.Concat(f.No, f.Partial) {
			if !slices.Contains(c.Clients, client) {
				t.Errorf("%s names %s, which is no client", name, client)
			}
		}
	}
	return c
}

// unsupported weighs each feature that a page uses: the share of the clients
// without it, by the share of the elements that use it, in percent. What is not
// judged is given by itself. Mailpit weighs its html-check in the same way, and
// takes the greatest.
func (c mailClients) unsupported(t *testing.T, page string) (weights map[string]float64, unknown []string) {
	t.Helper()
	used, elements := features(t, page)
	weights = map[string]float64{}
	for name, times := range used {
		f, ok := c.Features[name]
		if !ok {
			unknown = append(unknown, name)
		}
		if len(f.No) > 0 {
			weights[name] = 100 * float64(len(f.No)) / float64(len(c.Clients)) * float64(times) / float64(elements)
		}
	}
	slices.Sort(unknown)
	return weights, unknown
}

// features counts what a page uses, and its elements.
func features(t *testing.T, page string) (used map[string]int, elements int) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	used = map[string]int{}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode || slices.Contains([]string{"html", "head", "meta"}, n.Data) {
			continue
		}
		elements++
		used["<"+n.Data+">"]++
		for _, a := range n.Attr {
			used["["+a.Key+"]"]++
			if a.Key == "style" {
				declarations(used, a.Val)
			}
		}
		if n.Data == "style" && n.FirstChild != nil {
			rules(used, n.FirstChild.Data)
		}
	}
	return used, elements
}

// rules counts what a style sheet uses.
func rules(used map[string]int, sheet string) {
	sheet = regexp.MustCompile(`(?s)/\*.*?\*/`).ReplaceAllString(sheet, "")
	for _, at := range regexp.MustCompile(`(@[\w-]+)([^{;]*)`).FindAllStringSubmatch(sheet, -1) {
		used[at[1]]++
		for _, asked := range regexp.MustCompile(`\(\s*([\w-]+)`).FindAllStringSubmatch(at[2], -1) {
			used[at[1]+" "+asked[1]]++
		}
	}
	for _, rule := range regexp.MustCompile(`([^{};]+)\{([^{}]*)\}`).FindAllStringSubmatch(sheet, -1) {
		if !strings.Contains(rule[1], "@") {
			selectors(used, strings.TrimSpace(rule[1]))
		}
		declarations(used, rule[2])
	}
}

func selectors(used map[string]int, text string) {
	for name, form := range map[string]string{".": `\.`, "#": `#`, ",": `,`, ">": `>`, "+": `\+`, "~": `~`, "*": `\*`, "[": `\[`, ":": `:`,
		"type": `(^|[\s,>+~])[a-z]`, "descendant": `[\w\])]\s+[\w.#\[*]`} {
		if regexp.MustCompile(form).MatchString(text) {
			used["selector "+name]++
		}
	}
}

// declarations counts properties, and what their values are made of.
func declarations(used map[string]int, text string) {
	for declaration := range strings.SplitSeq(text, ";") {
		property, value, ok := strings.Cut(declaration, ":")
		if property, value = strings.ToLower(strings.TrimSpace(property)), strings.TrimSpace(value); !ok {
			continue
		}
		if property == "display" {
			word, _, _ := strings.Cut(value, " ")
			property += ": " + word
		}
		once := map[string]bool{property: true}
		value = regexp.MustCompile(`"[^"]*"|'[^']*'|#[0-9a-fA-F]+`).ReplaceAllString(value, "")
		for _, unit := range regexp.MustCompile(`\d(%|[a-z]+)`).FindAllStringSubmatch(value, -1) {
			once["unit "+unit[1]] = true
		}
		for _, function := range regexp.MustCompile(`([\w-]+)\(`).FindAllStringSubmatch(value, -1) {
			once[function[1]+"()"] = true
		}
		if strings.Contains(value, "!important") {
			once["!important"] = true
		}
		for name := range once {
			used[name]++
		}
	}
}

// htmlPart is the HTML part of a mail.
func htmlPart(t testing.TB, letter string) string {
	t.Helper()
	msg, err := mail.ReadMessage(strings.NewReader(letter))
	if err != nil {
		t.Fatal(err)
	}
	_, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	for parts := multipart.NewReader(msg.Body, params["boundary"]); ; {
		p, err := parts.NextRawPart()
		if err != nil {
			t.Fatalf("there is no HTML part: %v", err)
		}
		if strings.HasPrefix(p.Header.Get("Content-Type"), "text/html") {
			body, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, p))
			if err != nil {
				t.Fatal(err)
			}
			return string(body)
		}
	}
}

// TestRequirement14MailClients: of what a mail uses, mail programs lack one in a
// hundred at most, and nothing is used that nobody has judged.
func TestRequirement14MailClients(t *testing.T) {
	relay := newSink(t, "")
	s := sending(t, relay.addr, threePeople)
	s.must("issue", "send", "weekly")
	weights, unknown := newMailClients(t).unsupported(t, htmlPart(t, relay.all()[0].data))
	if len(unknown) > 0 {
		t.Errorf("not judged in testdata/mail-clients.json: %v", unknown)
	}
	for name, w := range weights {
		t.Logf("%s: %.2f %%", name, w)
		if w > 1 {
			t.Errorf("%s: %.2f %% unsupported", name, w)
		}
	}
	if len(weights) == 0 {
		t.Error("nothing was found in the mail, not even its media queries")
	}
}

// TestMailClientsAreJudged: what mail programs cannot show is found, however it
// is written.
func TestMailClientsAreJudged(t *testing.T) {
	c := newMailClients(t)
	for _, page := range []string{
		`<p style="display: flex">x</p>`, `<p style="position:absolute">x</p>`, `<svg></svg>`, `<script>x</script>`, `<form><input></form>`,
		`<p style="background-image: url(x)">x</p>`, `<p style="width: calc(100% - 2px)">x</p>`, `<p style="margin: 2rem">x</p>`,
		`<p style="border-radius: 2px">x</p>`, `<style>@font-face { font-family: x }</style>`, `<style>a:hover { color: red }</style>`,
		`<style>@media (prefers-color-scheme: dark) { p { color: red } }</style><p>x</p>`, `<style>p { color: var(--x) }</style><p>x</p>`,
		`<link rel="stylesheet" href="x">`, `<video></video>`,
	} {
		if weights, _ := c.unsupported(t, page); len(weights) == 0 || slices.Max(slices.Collect(maps.Values(weights))) <= 1 {
			t.Errorf("%s: %v", page, weights)
		}
	}
	for _, page := range []string{`<blink>x</blink>`, `<p style="anchor-name: x">x</p>`, `<p style="display: run-in">x</p>`, `<p style="width: 3foo">x</p>`, `<p popover>x</p>`} {
		if _, unknown := c.unsupported(t, page); fmt.Sprint(unknown) == "[]" {
			t.Errorf("%s is taken for known", page)
		}
	}
}
