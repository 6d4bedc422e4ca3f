package mail

import (
	"bytes"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/mail"
	"slices"
	"strings"
	"testing"
)

// content is a message as its receiver understands it.
type content struct {
	from, to string // envelope
	header   map[string][]string
	parts    []string // with the type before each
}

func understood(t *testing.T, m Message) content {
	t.Helper()
	msg, err := mail.ReadMessage(bytes.NewReader(m.Data))
	if err != nil {
		t.Fatal(err)
	}
	c := content{from: m.From, to: m.To, header: map[string][]string{}}
	kind, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range msg.Header {
		for _, v := range values {
			if name == "Content-Type" {
				v = kind // the boundary is drawn at random
			}
			v, err := new(mime.WordDecoder).DecodeHeader(v)
			if err != nil {
				t.Fatal(err)
			}
			c.header[name] = append(c.header[name], v)
		}
	}
	if !strings.HasPrefix(kind, "multipart/") {
		c.parts = []string{kind + "\n" + unwrap(t, msg.Header.Get("Content-Transfer-Encoding"), msg.Body)}
		return c
	}
	for r := multipart.NewReader(msg.Body, params["boundary"]); ; {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return c
		}
		if err != nil {
			t.Fatal(err)
		}
		c.parts = append(c.parts, p.Header.Get("Content-Type")+"\n"+unwrap(t, p.Header.Get("Content-Transfer-Encoding"), p))
	}
}

// unwrap decodes strictly: every line of base64 has at most 76 characters, and
// padding stands at the end only.
func unwrap(t *testing.T, encoding string, r io.Reader) string {
	t.Helper()
	raw, err := io.ReadAll(r)
	if err != nil || encoding != "base64" {
		t.Fatalf("encoding %q, %v", encoding, err)
	}
	text := strings.TrimRight(string(raw), "\r\n")
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, "\r\n"); len(line) > 76 || len(line)%4 != 0 {
			t.Fatalf("line of base64: %q", line)
		}
	}
	if i := strings.IndexByte(text, '='); i >= 0 && strings.Trim(text[i:], "=") != "" {
		t.Fatal("padding in the midst of a part")
	}
	plain, err := io.ReadAll(decoder(encoding, strings.NewReader(text)))
	if err != nil {
		t.Fatal(err)
	}
	return string(plain)
}

// same fails unless the fast way and go-mail say the same to a receiver.
func same(t *testing.T, f Form, p Person) {
	t.Helper()
	golden, err := f.Message(p)
	if err != nil {
		t.Fatal(err)
	}
	v, err := f.Variant()
	if err != nil {
		t.Fatal(err)
	}
	fast := v.Message(nil, p)
	want, got := understood(t, golden), understood(t, fast)
	if want.from != got.from || want.to != got.to || !slices.Equal(want.parts, got.parts) || !maps.EqualFunc(want.header, got.header, slices.Equal) {
		t.Errorf("sent:\n%v\ngo-mail builds:\n%v", got, want)
	}
	for line := range bytes.Lines(fast.Data) {
		if len(line) > 998 || !bytes.HasSuffix(line, []byte("\r\n")) || line[0] == '.' {
			t.Fatalf("line %q", line)
		}
	}
}

func TestRequirement18TheFastWayEqualsWhatGoMailBuilds(t *testing.T) {
	f, p := sample()
	long := strings.Repeat("全省检察机关依法能动履职，", 400)
	for name, change := range map[string]func(*Form, *Person){
		"as it is":              func(*Form, *Person) {},
		"a text mail":           func(f *Form, _ *Person) { f.HTML = "" },
		"no slots":              func(f *Form, _ *Person) { f.HTML, f.Text = "<p>要闻</p>", "要闻" },
		"empty text":            func(f *Form, _ *Person) { f.Text = "" },
		"slots alone":           func(f *Form, _ *Person) { f.Text = NameSlot + LeaveSlot + NameSlot },
		"slots near the end":    func(f *Form, _ *Person) { f.Text = long + NameSlot + "a" + LeaveSlot + "b" },
		"long between slots":    func(f *Form, _ *Person) { f.HTML = "<p>" + NameSlot + long + LeaveSlot + long + "</p>" },
		"a bounce address":      func(_ *Form, p *Person) { p.Sender = "bounces+abc@example.org" },
		"no name":               func(_ *Form, p *Person) { p.To.Name, p.Called = "", p.To.Address },
		"a name over two lines": func(_ *Form, p *Person) { p.To.Name, p.Called = "a\r\nBcc: b@example.org", "a\nb" },
		"a long name":           func(_ *Form, p *Person) { p.To.Name = strings.Repeat("检察", 120) },
		"a quoted name":         func(_ *Form, p *Person) { p.To.Name = `Zhang "San" <x@y>, Office` },
		"no feedback id":        func(f *Form, _ *Person) { f.Feedback = "" },
		"a long subject":        func(f *Form, _ *Person) { f.Subject = long },
	} {
		t.Run(name, func(t *testing.T) {
			f, p := f, p
			change(&f, &p)
			same(t, f, p)
		})
	}
	for n := range 120 { // wherever the lines of base64 break
		p.Called = strings.Repeat("a", n+1)
		f.Text = strings.Repeat("b", n) + NameSlot + strings.Repeat("c", 200-n) + LeaveSlot
		same(t, f, p)
	}
}

// FuzzVariant: whatever stands in the texts and the name, the fast way says what
// go-mail would.
func FuzzVariant(f *testing.F) {
	f.Add("张三", "<p>"+NameSlot+"：您好</p>"+LeaveSlot, NameSlot)
	f.Add("<&>\"'", LeaveSlot+LeaveSlot, "\r\n.\r\n")
	f.Add("a\nb", "--boundary", "\x00\xff")
	f.Fuzz(func(t *testing.T, name, html, text string) {
		form, p := sample()
		form.HTML, form.Text, p.To.Name, p.Called = html, text, name, name
		if _, err := form.Message(p); err != nil {
			return
		}
		same(t, form, p)
	})
}

func TestAVariantReusesMemory(t *testing.T) {
	f, p := sample()
	v, err := f.Variant()
	if err != nil {
		t.Fatal(err)
	}
	first := v.Message(nil, p)
	want := string(first.Data)
	if again := v.Message(first.Data[:0], p); string(again.Data) != want || &again.Data[0] != &first.Data[0] {
		t.Error("the memory of the mail before is not used, or is not clean")
	}
}
