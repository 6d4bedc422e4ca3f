package roster

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"

	"jianxun/internal/news"
)

func rules() Rules {
	return Rules{Digests: []string{"weekly", "monthly"}, Zone: time.FixedZone("+08:00", 8*60*60)}
}

func TestParseReadsWhatSpreadsheetsSave(t *testing.T) {
	const chinese = "邮箱,姓名,单位,摘要,栏目,关键词,格式,截止日期\nBangongshi@Example.org,办公室,省院办公室,weekly,检察要闻、公告公示,公益诉讼；未成年人,文本,2027-12-31\n"
	gb18030, err := simplifiedchinese.GB18030.NewEncoder().String(chinese)
	if err != nil {
		t.Fatal(err)
	}
	for name, list := range map[string]string{
		"Chinese headers": chinese,
		"English headers": "E-Mail, Name ,UNIT,digests,columns,keywords,format,until\nBangongshi@Example.org,办公室,省院办公室,weekly,检察要闻|公告公示,公益诉讼 未成年人,text,2027/12/31\n",
		"GB18030":         gb18030,
		"UTF-8 with mark": "\ufeff" + chinese,
		"CR LF":           strings.ReplaceAll(chinese, "\n", "\r\n"),
		"semicolons":      strings.ReplaceAll(chinese, ",", ";"),
		"tabs":            strings.ReplaceAll(chinese, ",", "\t"),
		"quotes":          "邮箱,姓名,单位,摘要,栏目,关键词,格式,截止日期\n\"Bangongshi@Example.org\",\"办公室\",省院办公室,weekly,\"检察要闻,公告公示\",\"公益诉讼，未成年人\",TEXT,2027年12月31日\n",
		"other order":     "截止,格式,关键字,栏目,订阅,部门,称呼,电子邮箱,\n2027-12-31,纯文本,公益诉讼 未成年人,检察要闻 公告公示,weekly,省院办公室,办公室,Bangongshi@Example.org,没有名字的列\n",
		"empty rows":      "\n" + chinese + "\n,,,,,,,\n  \n",
	} {
		people, faults := Parse([]byte(list), rules())
		if len(faults) > 0 || len(people) != 1 {
			t.Errorf("%s: got %v, %v", name, people, faults)
			continue
		}
		p := people[0]
		if p.Email != "Bangongshi@Example.org" || p.Name != "办公室" || p.Unit != "省院办公室" || p.Format != news.FormatText || p.Until.Format(time.RFC3339) != "2028-01-01T00:00:00+08:00" ||
			!slices.Equal(p.Digests, []string{"weekly"}) || !slices.Equal(p.Columns, []string{"检察要闻", "公告公示"}) || !slices.Equal(p.Keywords, []string{"公益诉讼", "未成年人"}) {
			t.Errorf("%s: got %+v", name, p)
		}
	}
}

func TestParseNeedsOnlyTheAddress(t *testing.T) {
	r := rules()
	r.Digests = r.Digests[:1]
	people, faults := Parse([]byte("邮箱\na@example.org\nb@example.org"), r)
	if len(faults) > 0 || len(people) != 2 || people[1].Format != news.FormatHTML || !people[1].Until.IsZero() || !slices.Equal(people[1].Digests, []string{"weekly"}) {
		t.Errorf("got %+v, %v", people, faults)
	}
}

func TestParseNamesEveryFaultByRowAndTakesNothing(t *testing.T) {
	list := "邮箱,姓名,摘要,格式,截止日期\n" +
		"a@example.org,甲,weekly,,\n" + // row 2 is right
		"not an address,乙,weekly,,\n" +
		"A@Example.ORG,丙,weekly,,\n" +
		",丁,weekly,,\n" +
		"e@example.org,戊,yearly,,\n" +
		"f@example.org,己,,,\n" +
		"\"g@example.org\",\"庚\n换行\",weekly,fax,\n" +
		"h@example.org,辛,weekly,html,明年\n" + // row 10: the row before takes two lines
		"nobody,壬,yearly,fax,明年\n"
	people, faults := Parse([]byte(list), rules())
	if people != nil {
		t.Errorf("half a list was taken: %v", people)
	}
	var got []string
	for _, f := range faults {
		got = append(got, fmt.Sprintf("%d %s %s", f.Row, f.Column, f.Err))
	}
	want := []string{`3 邮箱 "not an address" is not`, "4 邮箱 the address A@Example.ORG stands in row 2 already", `5 邮箱 "" is not`, `6 摘要 there is no digest "yearly"; there are weekly, monthly`,
		"7 摘要 it is not said which digest", `8 格式 "fax" is not a format`, `10 截止日期 "明年" is not a day`,
		`11 邮箱 "nobody"`, `11 摘要 there is no digest`, `11 格式 "fax"`, `11 截止日期 "明年"`}
	if len(got) != len(want) {
		t.Fatalf("got %q\nwant %q", got, want)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("got %q, want %q", got[i], want[i])
		}
	}
}

func TestParseRefusesWhatIsNoList(t *testing.T) {
	for list, want := range map[string]struct {
		row  int
		text string
	}{
		"":                            {1, "the list is empty"},
		"\n\n":                        {1, "the list is empty"},
		"\xff\xff\xff":                {1, "neither UTF-8 nor GB18030"},
		"姓名,单位\n甲,乙\n":                {1, "no column holds the address"},
		"邮箱,电话\na@example.org,1\n":    {1, `the column "电话" is not known`},
		"邮箱,email\na@example.org,b\n": {1, "two columns for email"},
		"邮箱,姓名\na\"b,甲\n":             {2, "the row cannot be read"},
		"邮箱,姓名\na@example.org,\"甲\n乙\n丙\n": {2, "the row cannot be read"}, // the quote that is never closed is in row 2
		"\"邮箱\n": {1, "the list is empty"},
	} {
		people, faults := Parse([]byte(list), rules())
		if people != nil || len(faults) == 0 || faults[0].Row != want.row || !strings.Contains(faults[0].Err.Error(), want.text) {
			t.Errorf("%q: got %v, %v; want row %d: %s", list, people, faults, want.row, want.text)
		}
		for _, f := range faults {
			if code := news.CodeOf(f.Err); code != news.Invalid {
				t.Errorf("%q: code %s", list, code)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("邮箱,姓名,摘要\na@example.org,甲,weekly\n"))
	f.Add([]byte("email;until\n\"a@example.org\";2027-12-31\na\"b;c\n"))
	f.Add([]byte("邮箱\t格式\r\nA@b.example\ttext"))
	f.Add([]byte("\xd3\xca\xcf\xe4\na@example.org"))
	f.Fuzz(func(t *testing.T, data []byte) {
		people, faults := Parse(data, rules())
		if len(people) > 0 && len(faults) > 0 {
			t.Errorf("people beside faults %v", faults)
		}
		seen := map[string]bool{}
		for _, p := range people {
			if news.CheckEmail(p.Email) != nil || seen[news.NormalEmail(p.Email)] || len(p.Digests) == 0 || p.Format == "" {
				t.Errorf("%+v was taken", p)
			}
			seen[news.NormalEmail(p.Email)] = true
		}
		for _, fault := range faults {
			if fault.Row < 1 || fault.Row > strings.Count(string(data), "\n")+strings.Count(string(data), "\r")+1 {
				t.Errorf("row %d of %q", fault.Row, data)
			}
		}
	})
}
