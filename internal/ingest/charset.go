package ingest

import (
	"bytes"
	"mime"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/simplifiedchinese"

	"jianxun/internal/news"
)

var charsetInMeta = regexp.MustCompile(`(?i)(?:<meta[^>]{0,200}?charset|<\?xml[^>]{0,100}?encoding)\s*=\s*["']?\s*([a-z0-9_\-]{2,20})`)

// DecodeCharset turns a document into UTF-8 and names the encoding it had. In
// the order of trust: byte order mark, valid UTF-8, the HTTP Content-Type,
// the document's own declaration, GB18030. Declarations are believed only
// when the octets decode by them; some Western sets decode anything, so one of
// those must look like it too. A few damaged characters are left out. Input that
// nothing decodes is Invalid.
func DecodeCharset(doc []byte, contentType string) (text, name string, err error) {
	if enc, name, rest := byMark(doc); enc != nil {
		return decodeBy(enc, name, rest)
	}
	doc = bytes.TrimPrefix(doc, []byte("\xef\xbb\xbf"))
	if sound := bytes.ToValidUTF8(doc, nil); few(len(doc)-len(sound), doc) {
		return string(sound), "utf-8", nil
	}
	for _, label := range []string{labelOfHeader(contentType), labelOfMeta(doc)} {
		enc, err := htmlindex.Get(label)
		if label == "" || err != nil || isUTF8(enc) || enc == charmap.Windows1252 && paired(doc) {
			continue
		}
		if text, name, err := decodeBy(widen(enc), label, doc); err == nil {
			return text, name, nil
		}
	}
	if text, name, err := decodeBy(simplifiedchinese.GB18030, "gb18030", doc); err == nil {
		return text, name, nil
	}
	if out, _ := simplifiedchinese.GB18030.NewDecoder().Bytes(doc); few(bytes.Count(out, []byte("\ufffd")), doc) {
		return strings.ReplaceAll(string(out), "\ufffd", ""), "gb18030", nil
	}
	if declaresUTF8(doc, contentType) { // badly damaged: keep what is sound
		return string(bytes.ToValidUTF8(doc, nil)), "utf-8", nil
	}
	return "", "", news.Errorf(news.Invalid, "the text is neither UTF-8 nor GB18030 nor what it declares")
}

// few tells whether so many damaged characters are an accident, such as a
// description cut in the middle of one, and not the sign of another encoding.
func few(damaged int, doc []byte) bool { return damaged == 0 || damaged*50 <= above(doc) }

// above counts the octets that are not ASCII.
func above(doc []byte) int {
	n := 0
	for _, c := range doc {
		n += int(c >> 7)
	}
	return n
}

// paired tells whether octets above ASCII stand side by side, as in Chinese. In
// Western text, with which servers label everything by default, they stand alone.
func paired(doc []byte) bool {
	n := 0
	for i := 1; i < len(doc); i++ {
		n += int(doc[i] & doc[i-1] >> 7)
	}
	return n*2 > above(doc)
}

func byMark(doc []byte) (encoding.Encoding, string, []byte) {
	for _, m := range []struct{ mark, label string }{{"\xff\xfe", "utf-16le"}, {"\xfe\xff", "utf-16be"}} {
		if rest, ok := bytes.CutPrefix(doc, []byte(m.mark)); ok {
			if enc, err := htmlindex.Get(m.label); err == nil {
				return enc, m.label, rest
			}
		}
	}
	return nil, "", nil
}

func decodeBy(enc encoding.Encoding, name string, doc []byte) (string, string, error) {
	out, err := enc.NewDecoder().Bytes(doc)
	if err != nil || bytes.ContainsRune(out, utf8.RuneError) {
		return "", "", news.Errorf(news.Invalid, "the text is not valid %s", name)
	}
	return string(out), name, nil
}

// widen reads GB2312 and GBK as GB18030, which contains them: pages that
// declare the smaller set use the larger one.
func widen(enc encoding.Encoding) encoding.Encoding {
	if enc == simplifiedchinese.GBK || enc == simplifiedchinese.HZGB2312 {
		return simplifiedchinese.GB18030
	}
	return enc
}

func labelOfHeader(contentType string) string {
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return ""
	}
	return params["charset"]
}

func labelOfMeta(doc []byte) string {
	if m := charsetInMeta.FindSubmatch(doc[:min(len(doc), 4096)]); m != nil {
		return string(m[1])
	}
	return ""
}

func isUTF8(enc encoding.Encoding) bool {
	name, err := htmlindex.Name(enc)
	return err == nil && name == "utf-8"
}

func declaresUTF8(doc []byte, contentType string) bool {
	for _, label := range []string{labelOfHeader(contentType), labelOfMeta(doc)} {
		if enc, err := htmlindex.Get(label); err == nil && isUTF8(enc) {
			return true
		}
	}
	return false
}
