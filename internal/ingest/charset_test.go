package ingest

import (
	"strings"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"

	"jianxun/internal/news"
)

const charsetSample = "云河省检察院召开听证会，邀请人大代表、听证员参加。"

func encoded(t testing.TB, enc encoding.Encoding, s string) string {
	t.Helper()
	out, err := enc.NewEncoder().String(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestDecodeCharset(t *testing.T) {
	gbk := encoded(t, simplifiedchinese.GBK, charsetSample)
	const rare = "𠮷是四个字节的字。"
	long := strings.Repeat(charsetSample, 4)
	for name, tc := range map[string]struct {
		doc, contentType string
		want, charset    string
	}{
		"UTF-8 undeclared":                    {charsetSample, "", charsetSample, "utf-8"},
		"UTF-8 with a mark":                   {"\ufeff" + charsetSample, "", charsetSample, "utf-8"},
		"UTF-8 that the header calls GBK":     {charsetSample, "text/html; charset=gbk", charsetSample, "utf-8"},
		"ASCII":                               {"<p>hello</p>", "text/html; charset=gb2312", "<p>hello</p>", "utf-8"},
		"GBK by header":                       {gbk, "text/html; charset=GBK", charsetSample, "gbk"},
		"GBK by meta":                         {`<meta charset="gb2312">` + gbk, "text/html", `<meta charset="gb2312">` + charsetSample, "gb2312"},
		"GBK by http-equiv":                   {`<META http-equiv=Content-Type content="text/html; charset=gbk">` + gbk, "", `<META http-equiv=Content-Type content="text/html; charset=gbk">` + charsetSample, "gbk"},
		"GBK by XML declaration":              {`<?xml version="1.0" encoding='GBK'?>` + gbk, "", `<?xml version="1.0" encoding='GBK'?>` + charsetSample, "GBK"},
		"GBK undeclared":                      {gbk, "", charsetSample, "gb18030"},
		"GBK that header and meta call UTF-8": {`<meta charset=utf-8>` + gbk, "text/html; charset=utf-8", `<meta charset=utf-8>` + charsetSample, "gb18030"},
		"GBK that the header calls Latin 1":   {gbk, "text/html; charset=ISO-8859-1", charsetSample, "gb18030"},
		"GBK that the header calls nonsense":  {gbk, "text/html; charset=x-unknown", charsetSample, "gb18030"},
		"GBK that the header calls Big5":      {gbk, "text/html; charset=big5", charsetSample, "gb18030"},
		"GB18030 declared as GB2312":          {encoded(t, simplifiedchinese.GB18030, rare), "text/html; charset=gb2312", rare, "gb2312"},
		"Big5 declared":                       {encoded(t, traditionalchinese.Big5, "檢察長接待群眾來訪。"), "text/html; charset=big5", "檢察長接待群眾來訪。", "big5"},
		"Latin 1 declared":                    {encoded(t, charmap.Windows1252, "un café à Genève"), "text/html; charset=iso-8859-1", "un café à Genève", "iso-8859-1"},
		"UTF-16, little end first":            {encoded(t, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), charsetSample), "text/html; charset=gbk", charsetSample, "utf-16le"},
		"UTF-16, big end first":               {encoded(t, unicode.UTF16(unicode.BigEndian, unicode.UseBOM), charsetSample), "", charsetSample, "utf-16be"},
		"UTF-8 cut in a character":            {long[:len(long)-1], "", strings.TrimSuffix(long, "。"), "utf-8"},
		"GBK cut in a character":              {encoded(t, simplifiedchinese.GBK, long+"法")[:len(long)/3*2+1], "", long, "gb18030"},
		"UTF-8 badly damaged but declared":    {"<meta charset=utf-8>好\xff\xff\xff", "", "<meta charset=utf-8>好", "utf-8"},
		"nothing":                             {"", "", "", "utf-8"},
	} {
		t.Run(name, func(t *testing.T) {
			got, charset, err := DecodeCharset([]byte(tc.doc), tc.contentType)
			if err != nil || got != tc.want || !strings.EqualFold(charset, tc.charset) {
				t.Errorf("got %q in %s, %v; want %q in %s", got, charset, err, tc.want, tc.charset)
			}
		})
	}
}

func TestDecodeCharsetRefusesWhatIsNoText(t *testing.T) {
	for name, doc := range map[string]string{
		"octets of no encoding": "\xff\xff\xff\xff",
		"a program":             "\x7fELF\x02\x01\x01\x00\xff\xfe\x80\xff\x00\xff\x81\x00",
		"half a UTF-16 unit":    "\xff\xfe\x2d\x4e\x2d",
	} {
		if text, _, err := DecodeCharset([]byte(doc), ""); news.CodeOf(err) != news.Invalid || text != "" {
			t.Errorf("%s: got %q, %v; want it refused", name, text, err)
		}
	}
}

func FuzzDecodeCharset(f *testing.F) {
	f.Add([]byte(charsetSample), "text/html; charset=gbk")
	f.Add([]byte(encoded(f, simplifiedchinese.GB18030, charsetSample)), "")
	f.Add([]byte("\xff\xfea\x00"), "")
	f.Add([]byte("<meta charset=big5>\xa4\xa4"), "text/html;charset=iso-8859-1")
	f.Fuzz(func(t *testing.T, doc []byte, contentType string) {
		text, name, err := DecodeCharset(doc, contentType)
		if err == nil && (name == "" || text != strings.ToValidUTF8(text, "?")) {
			t.Errorf("%q in %q is not UTF-8", text, name)
		}
	})
}
