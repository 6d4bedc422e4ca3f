package mail

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

const (
	returnPath = "bounces+token@digest.example.org"
	returnedID = "w47.9f2c@digest.example.org"
)

// returned are the mails in testdata/bounces, and what each says. They were
// written for this project after the habits of the servers they are named for.
func returned() map[string]Bounce {
	return map[string]Bounce{
		"163-gbk":              {Kind: HardBounce, Recipient: "zheng@163.example.com", MessageID: returnedID, Diagnostic: "服务器返回：550 User not found: zheng@163.example.com"},
		"163-spam":             {Kind: SoftBounce, Recipient: "zheng@163.example.com", Diagnostic: "554 DT:SPM 163 smtp, rejected as spam"},
		"arf":                  {Kind: Complaint, Recipient: "jiang@isp.example.com", MessageID: returnedID, Diagnostic: "abuse"},
		"arf-not-spam":         {Kind: NoBounce, Recipient: "jiang@isp.example.com", MessageID: returnedID, Diagnostic: "not-spam"},
		"coremail":             {Kind: HardBounce, Recipient: "feng@procuratorate.example.cn", MessageID: returnedID, Status: "5.0.0", Diagnostic: "550 User not found: feng@procuratorate.example.cn"},
		"coremail-suspended":   {Kind: HardBounce, Recipient: "feng@procuratorate.example.cn", Diagnostic: "原因：该帐号已停用"},
		"crlf":                 {Kind: HardBounce, Recipient: "zhang@court.example.cn", MessageID: returnedID, Status: "5.1.1", Diagnostic: "550 5.1.1 <zhang@court.example.cn>: Recipient address rejected: User unknown in virtual mailbox table"},
		"delivered":            {Kind: NoBounce, Recipient: "li@court.example.cn", MessageID: returnedID, Status: "2.0.0", Diagnostic: "250 2.0.0 Ok: queued as 77"},
		"exchange-zh":          {Kind: HardBounce, Recipient: "zhao@court.example.cn", MessageID: returnedID, Status: "5.1.10", Diagnostic: "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup"},
		"exim":                 {Kind: HardBounce, Recipient: "zhou@court.example.cn", MessageID: returnedID, Diagnostic: "550 Unrouteable address"},
		"exim-warning":         {Kind: NoBounce},
		"forwarded-report":     {Kind: NoBounce},
		"full-zh":              {Kind: SoftBounce, Recipient: "chen@bureau.example.cn", Diagnostic: "您发给 chen@bureau.example.cn 的邮件无法投递：对方邮箱空间不足。"},
		"mbox-line":            {Kind: HardBounce, Recipient: "han@bureau.example.cn", Status: "5.1.1", Diagnostic: "550 5.1.1 <han@bureau.example.cn> is not known"},
		"multi-recipient":      {Kind: HardBounce, Recipient: "c@court.example.cn", MessageID: returnedID, Status: "5.1.1", Diagnostic: "550 5.1.1 no such user"},
		"no-action":            {Kind: HardBounce, Recipient: "sun@court.example.cn", MessageID: returnedID, Status: "5.2.1"},
		"no-boundary":          {Kind: HardBounce, Recipient: "zhang@court.example.cn", Status: "5.1.1", Diagnostic: "no boundary was named; 550 5.1.1 <zhang@court.example.cn> user unknown"},
		"no-mime":              {Kind: HardBounce, Recipient: "han@bureau.example.cn", MessageID: returnedID, Diagnostic: "<<< 550 <han@bureau.example.cn>... User unknown"},
		"postfix-delayed":      {Kind: NoBounce, Recipient: "li@court.example.cn", MessageID: returnedID, Status: "4.4.1", Diagnostic: "connect to mx.court.example.cn[192.0.2.7]:25: Connection timed out"},
		"postfix-expired":      {Kind: SoftBounce, Recipient: "li@court.example.cn", MessageID: returnedID, Status: "4.4.1", Diagnostic: "connect to mx.court.example.cn[192.0.2.7]:25: Connection timed out"},
		"postfix-full":         {Kind: SoftBounce, Recipient: "li@court.example.cn", MessageID: returnedID, Status: "5.2.2", Diagnostic: "552 5.2.2 <li@court.example.cn>: Mailbox full"},
		"postfix-policy":       {Kind: SoftBounce, Recipient: "li@court.example.cn", MessageID: returnedID, Status: "5.7.1", Diagnostic: "554 5.7.1 Service unavailable; client host blocked using a list; no such user is told here"},
		"postfix-unknown":      {Kind: HardBounce, Recipient: "zhang@court.example.cn", MessageID: returnedID, Status: "5.1.1", Diagnostic: "550 5.1.1 <zhang@court.example.cn>: Recipient address rejected: User unknown in virtual mailbox table"},
		"qmail":                {Kind: HardBounce, Recipient: "wu@bureau.example.cn", MessageID: returnedID, Status: "5.1.1", Diagnostic: "Sorry, no mailbox here by that name. (#5.1.1)"},
		"qmail-queue":          {Kind: SoftBounce, Recipient: "wu@bureau.example.cn", MessageID: returnedID, Status: "4.2.2", Diagnostic: "Remote host said: 452 4.2.2 <wu@bureau.example.cn> user unknown or over quota"},
		"qq":                   {Kind: HardBounce, Recipient: "10002@qq.example.com", MessageID: returnedID, Diagnostic: "收件人邮件地址（10002@qq.example.com）不存在，邮件无法送达。"},
		"qq-denied":            {Kind: SoftBounce, Recipient: "10003@qq.example.com", MessageID: returnedID, Status: "5.0.0", Diagnostic: "550 Mailbox unavailable or access denied"},
		"qq-frequency":         {Kind: SoftBounce, Recipient: "10001@qq.example.com", MessageID: returnedID, Status: "5.0.0", Diagnostic: "550 Mailbox unavailable or access denied: Ip frequency limited"},
		"read-receipt":         {Kind: NoBounce},
		"reply":                {Kind: NoBounce},
		"sender-refused":       {Kind: SoftBounce, Recipient: "li@court.example.cn", MessageID: returnedID, Status: "5.1.8", Diagnostic: "553 5.1.8 Sender address rejected: domain of sender does not exist"},
		"sendmail-unknown":     {Kind: HardBounce, Recipient: "wang@court.example.cn", MessageID: returnedID, Status: "5.1.1", Diagnostic: "550 5.1.1 <wang@court.example.cn>... User unknown"},
		"spam":                 {Kind: NoBounce},
		"spam-from-postmaster": {Kind: NoBounce},
		"status-500-full":      {Kind: SoftBounce, Recipient: "qian@gate.example.cn", MessageID: returnedID, Status: "5.0.0", Diagnostic: "552 Quota exceeded or user unknown"},
		"status-500-words":     {Kind: HardBounce, Recipient: "spam@gate.example.cn", MessageID: returnedID, Status: "5.0.0", Diagnostic: "host antispam.gate.example.cn said: 550 User not found: spam@gate.example.cn"},
		"truncated":            {Kind: HardBounce, Recipient: "zhang@court.example.cn", Status: "5.1.1", Diagnostic: "<zhang@court.example.cn>: host mx said: 550 5.1.1 User unknown"},
		"truncated-status":     {Kind: HardBounce, Recipient: "zhang@court.example.cn", Status: "5.1.1", Diagnostic: "550 5.1.1 User un"},
		"vacation-en":          {Kind: NoBounce},
		"vacation-zh":          {Kind: NoBounce},
	}
}

func fixtures(t testing.TB) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob("testdata/bounces/*.eml")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, name := range names {
		if all[strings.TrimSuffix(filepath.Base(name), ".eml")], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func TestRequirement29MailThatComesBackIsClassified(t *testing.T) {
	want, raw := returned(), fixtures(t)
	if a, b := slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(raw)); !slices.Equal(a, b) {
		t.Fatalf("the table has\n%q, testdata has\n%q", a, b)
	}
	for name, want := range want {
		want.To = []string{returnPath}
		if got, err := ParseBounce(raw[name], ""); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v\n got %+v\nwant %+v", name, err, got, want)
		}
	}
}

// TestRequirement29OnlyTheAddressItselfIsHard: a status or the words of a
// server, and what they mean for the address.
func TestRequirement29OnlyTheAddressItselfIsHard(t *testing.T) {
	for _, c := range []struct {
		status, words string
		want          BounceKind
	}{
		{"5.1.1", "", HardBounce}, {"5.1.2", "", HardBounce}, {"5.1.10", "", HardBounce}, {"5.2.1", "", HardBounce},
		{"5.1.7", "", SoftBounce}, {"5.1.8", "user unknown", SoftBounce},
		{"5.2.2", "user unknown", SoftBounce}, {"5.2.3", "", SoftBounce}, {"5.3.0", "", SoftBounce}, {"5.4.1", "", SoftBounce}, {"5.4.4", "", SoftBounce},
		{"5.7.1", "user unknown", SoftBounce}, {"5.7.26", "", SoftBounce}, {"4.1.1", "user unknown", SoftBounce}, {"4.2.2", "", SoftBounce},
		{"5.1.1", "550 5.1.1 Mailbox frequency limited", SoftBounce},
		{"5.0.0", "550 user unknown", HardBounce}, {"5.0.0", "451 user unknown", SoftBounce}, {"5.0.0", "550 no", SoftBounce}, {"5.5.0", "550 mailbox unavailable", HardBounce},
		{"", "550 Mailbox not found", HardBounce}, {"", "550 Mailbox unavailable or access denied", SoftBounce},
		{"", "host antispam.example.cn said: 550 No such user", HardBounce}, {"", "<spam@example.cn>: no such user", HardBounce},
		{"", "550 用户不存在，或邮箱已满", HardBounce}, {"", "550 邮箱已满，或用户不存在", SoftBounce}, {"", "554 被判为垃圾邮件", SoftBounce},
		{"", "该邮箱已注销", HardBounce}, {"", "", SoftBounce},
	} {
		if got := judge(c.status, c.words); got != c.want {
			t.Errorf("%q %q: %s, want %s", c.status, c.words, got, c.want)
		}
	}
}

func TestBounceNamesWhoItWasSentTo(t *testing.T) {
	raw := "Delivered-To: a@example.org\nDelivered-To: b@example.org\nX-Original-To: c@example.org\n" +
		"To: =?utf-8?q?x?= <d@example.org>, <A@example.org>,\n a@example.org\nSubject: x\n\ny"
	b, err := ParseBounce([]byte(raw), "<env@example.org>")
	if want := []string{"env@example.org", "a@example.org", "b@example.org", "c@example.org", "d@example.org", "A@example.org"}; err != nil || !slices.Equal(b.To, want) {
		t.Errorf("%v %v, want %v", b.To, err, want)
	}
}

func TestBounceWithoutAHeaderIsNoMail(t *testing.T) {
	for _, raw := range []string{"", "\n", "\x00\x01\x02", "no header here\n\nbody", "\r\nSubject: too late\r\n"} {
		if b, err := ParseBounce([]byte(raw), returnPath); err == nil {
			t.Errorf("%q is %+v", raw, b)
		}
	}
}

// TestBounceReadingIsBounded: what is built to cost much costs little, and what
// lies beyond the bounds is not seen.
func TestBounceReadingIsBounded(t *testing.T) {
	report := string(fixtures(t)["postfix-unknown"])
	nested := report
	for i := range 2 * maxDepth {
		nested = fmt.Sprintf("Content-Type: multipart/mixed; boundary=b%d\n\n--b%[1]d\n%s\n--b%[1]d--\n", i, nested)
	}
	for name, raw := range map[string]string{
		"beyond a mebibyte": "Subject: x\n\n" + strings.Repeat("x\n", maxMail/2) + report,
		"too many parts":    "Content-Type: multipart/mixed; boundary=p\n\n" + strings.Repeat("--p\n\nx\n", maxParts+1) + "--p\n" + report,
		"too deep":          nested,
		"long fields":       "Subject: x\n" + strings.Repeat(" x\n", maxMail/3),
		"many fields":       strings.Repeat("a:\n", maxMail/3),
	} {
		if b, err := ParseBounce([]byte(raw), returnPath); err != nil || b.Kind != NoBounce {
			t.Errorf("%s: %+v %v", name, b, err)
		}
	}
}

func FuzzParseBounce(f *testing.F) {
	for _, raw := range fixtures(f) {
		f.Add(raw, returnPath)
	}
	kinds := []BounceKind{HardBounce, SoftBounce, Complaint, NoBounce}
	f.Fuzz(func(t *testing.T, raw []byte, to string) {
		b, err := ParseBounce(raw, to)
		if err != nil {
			if head, _ := cutHead(raw); len(head) > 0 && len(raw) <= maxMail {
				t.Errorf("%v, with a header", err)
			}
			return
		}
		if !slices.Contains(kinds, b.Kind) {
			t.Errorf("kind %q", b.Kind)
		}
		for _, s := range append(b.To, b.Recipient, b.MessageID, b.Status, b.Diagnostic) {
			if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) || utf8.RuneCountInString(s) > 500 && s == b.Diagnostic {
				t.Errorf("%q", s)
			}
		}
		if b.Kind == HardBounce && (strings.HasPrefix(b.Status, "4") || strings.HasPrefix(b.Status, "5.7")) {
			t.Errorf("hard with status %s", b.Status)
		}
	})
}
