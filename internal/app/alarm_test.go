package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	netmail "net/mail"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"jianxun/config"
	"jianxun/internal/mail"
	"jianxun/internal/news"
)

// desks is an App with admins, a clock that is set, and a relay that keeps their
// letters, or fails.
type desks struct {
	*App
	now     time.Time
	letters []string // to: subject, text
	fails   map[string]error
	asked   int // how often the relay was tried
	away    error
}

func withAdmins(t *testing.T, admins ...string) *desks {
	t.Helper()
	s := &desks{now: time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC), fails: map[string]error{}}
	s.App = office(t, &s.now)
	s.alarms = s.replica(t, admins...)
	return s
}

// replica is the alarms of another process over the same store.
func (s *desks) replica(t *testing.T, admins ...string) *alarms {
	t.Helper()
	l := s.App.newAlarms()
	l.token = newToken()
	l.admins = func() []string { return admins }
	l.ping = func(context.Context) error { return s.away }
	l.post = func(_ context.Context, to netmail.Address, subject, text string) error {
		s.asked++
		if err := s.fails[to.Address]; err != nil {
			return fmt.Errorf("post: %w", err)
		}
		s.letters = append(s.letters, to.Address+": "+subject+"\n"+text)
		return nil
	}
	return l
}

// got gives the letters since it was last asked, after each of them has had the
// chance to be sent.
func (s *desks) got(t *testing.T) []string {
	t.Helper()
	s.alarms.step(t.Context())
	letters := s.letters
	s.letters = nil
	return letters
}

func (s *desks) want(t *testing.T, n int, words ...string) {
	t.Helper()
	letters := s.got(t)
	if len(letters) != n {
		t.Fatalf("%d letters, want %d: %q", len(letters), n, letters)
	}
	for _, word := range words {
		if !strings.Contains(letters[n-1], word) {
			t.Errorf("the letter does not say %q: %s", word, letters[n-1])
		}
	}
}

func relayError(class mail.Class, code int) error {
	return &mail.Error{Class: class, Stage: "connect", Code: code, Err: &textproto.Error{Code: code, Msg: "no"}}
}

func TestOneLetterOfAKindInAnHour(t *testing.T) {
	s := withAdmins(t, "ops@example.org", "boss@example.org")
	refused := config.Faults{{File: "jianxun.yaml", Line: 3, Column: 1, Err: news.Errorf(news.Invalid, "slug %q is used twice", "a"), Excerpt: "    3 | slug: a"}}
	s.alarms.configRefused(refused)
	s.want(t, 2, "检讯：配置未被采用", "jianxun.yaml:3:1: ", "    3 | slug: a", "2026-11-23 16:00:00", "http://127.0.0.1:0")
	for range 3 {
		s.now = s.now.Add(19 * time.Minute)
		s.alarms.configRefused(refused)
		s.want(t, 0)
	}
	s.alarms.published(news.Digest{Slug: "weekly", Title: "周报"}, s.now, errors.New("no"))
	s.want(t, 0)
	s.alarms.published(news.Digest{Slug: "weekly", Title: "周报"}, s.now, errors.New("no"))
	s.want(t, 2, "周报 无法发出", "jianxun issue show weekly", "此前略去未发的信：3 封") // of another kind
	s.now = s.now.Add(3 * time.Minute)
	s.alarms.configRefused(refused)
	if letters := s.got(t); len(letters) != 2 || strings.Contains(letters[0], "略去") {
		t.Errorf("an hour after the first: %q", letters)
	}
}

func TestTwentyLettersInADay(t *testing.T) {
	s := withAdmins(t, "ops@example.org")
	told := 0
	for range 30 {
		s.alarms.configRefused(errors.New("no"))
		told += len(s.got(t))
		s.now = s.now.Add(30 * time.Minute)
		s.alarms.relayDown(s.now.Add(-time.Hour), relayError(mail.RelayDown, 421))
		told += len(s.got(t))
		s.alarms.relay = outage{}
		s.now = s.now.Add(31 * time.Minute)
		if hours := s.now.Sub(time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)); hours < aDay && told > inADay {
			t.Fatalf("%d letters after %v", told, hours)
		}
	}
	if told < inADay+1 || told > 2*inADay {
		t.Errorf("%d letters in 30 hours", told)
	}
}

func TestReplicasShareTheirTurns(t *testing.T) {
	s := withAdmins(t, "ops@example.org")
	other := s.replica(t, "ops@example.org")
	s.alarms.configRefused(errors.New("no"))
	s.want(t, 1)
	s.now = s.now.Add(59 * time.Minute)
	other.configRefused(errors.New("no"))
	other.step(t.Context())
	s.want(t, 0)
	s.now = s.now.Add(2 * time.Minute)
	other.configRefused(errors.New("no"))
	other.step(t.Context())
	s.want(t, 1, "略去未发的信：1 封")
}

func TestALetterWaitsForTheRelayAndOnlyTheLastOfItsKind(t *testing.T) {
	s := withAdmins(t, "ops@example.org")
	down := relayError(mail.RelayDown, 421)
	s.fails["ops@example.org"] = down
	s.alarms.configRefused(errors.New("first"))
	s.want(t, 0)
	s.alarms.relayDown(s.now, down)
	for range 3 { // it is not asked at every turn
		s.want(t, 0)
	}
	if s.asked != 1 {
		t.Errorf("the relay was asked %d times at once", s.asked)
	}
	s.now = s.now.Add(14 * time.Minute)
	s.alarms.relayDown(s.now.Add(-14*time.Minute), down)
	s.alarms.configRefused(errors.New("second"))
	s.want(t, 0)
	if kinds := len(s.alarms.waiting); kinds != 1 {
		t.Errorf("%d letters wait", kinds)
	}
	s.now = s.now.Add(2 * time.Minute)
	s.alarms.relayDown(s.now.Add(-16*time.Minute), down)
	s.alarms.relayDown(s.now.Add(-16*time.Minute), down)
	s.want(t, 0)
	s.now = s.now.Add(3 * time.Hour)
	s.fails = map[string]error{}
	s.settled(news.Delivery{State: news.Delivered})
	letters := s.got(t)
	if len(letters) != 2 || !strings.Contains(letters[0], "second") || !strings.Contains(letters[0], "略去未发的信：1 封") ||
		!strings.Contains(letters[1], "已恢复") || !strings.Contains(letters[1], "2026-11-23 16:00:00 至 2026-11-23 19:16:00") || strings.Contains(letters[1], "略去") {
		t.Errorf("%q", letters)
	}
	s.alarms.relayUp()
	s.want(t, 0)
}

func TestAShortOutageOfTheRelayIsNoNews(t *testing.T) {
	s := withAdmins(t, "ops@example.org")
	since := s.now
	for range 14 {
		s.now = s.now.Add(time.Minute)
		s.alarms.relayDown(since, relayError(mail.RelayDown, 421))
	}
	s.alarms.relayDown(since.Add(-time.Hour), errors.New("the store does not take the record")) // not the relay's
	s.alarms.relayUp()
	s.want(t, 0)
}

func TestALoginOrCertificateThatIsRefusedIsToldAtOnce(t *testing.T) {
	for name, err := range map[string]error{
		"login":       relayError(mail.RelayDown, 535),
		"certificate": &mail.Error{Class: mail.RelayDown, Stage: "connect", Err: &tls.CertificateVerificationError{Err: errors.New("unknown authority")}},
	} {
		s := withAdmins(t, "ops@example.org")
		s.alarms.relayDown(s.now, err)
		if s.want(t, 1, "发信服务器拒绝登录，或其证书不受信任", "jianxun mail test ADDRESS"); t.Failed() {
			t.Error(name)
		}
		s.now = s.now.Add(time.Hour)
		s.alarms.relayDown(s.now.Add(-time.Hour), err)
		s.want(t, 0) // it is the same outage
		s.alarms.relayUp()
		s.want(t, 1, "已恢复")
	}
}

func TestAnAdminWhoIsRefusedCostsTheOthersNothing(t *testing.T) {
	s := withAdmins(t, "gone@example.org", "ops@example.org")
	s.fails["gone@example.org"] = relayError(mail.Permanent, 550)
	s.alarms.configRefused(errors.New("no"))
	s.want(t, 1, "ops@example.org: ")
	s.fails["ops@example.org"] = relayError(mail.Permanent, 550)
	s.now = s.now.Add(2 * time.Hour)
	s.alarms.configRefused(errors.New("no"))
	s.want(t, 0)
	if len(s.alarms.waiting) != 0 {
		t.Error("a letter waits that is refused for good")
	}
}

func TestTheStoreIsToldOfWhenItIsBack(t *testing.T) {
	s := withAdmins(t, "ops@example.org")
	s.away = news.Errorf(news.Unavailable, "the store does not answer")
	s.alarms.configRefused(errors.New("meanwhile"))
	s.want(t, 0)
	s.now = s.now.Add(10 * time.Minute)
	s.want(t, 0)
	s.away = nil
	letters := s.got(t)
	if len(letters) != 2 || !strings.Contains(letters[0], "meanwhile") || !strings.Contains(letters[1], "2026-11-23 16:00:00 至 2026-11-23 16:10:00 存储库没有应答") {
		t.Errorf("%q", letters)
	}
	s.now = s.now.Add(2 * time.Hour)
	s.away = errors.New("a restart")
	s.want(t, 0)
	s.now = s.now.Add(5 * time.Second)
	s.away = nil
	s.want(t, 0)
}

func TestAnIssueThatIsPublishedAfterAllIsNoNews(t *testing.T) {
	s := withAdmins(t, "ops@example.org")
	weekly := news.Digest{Slug: "weekly", Title: "周报"}
	s.fails["ops@example.org"] = relayError(mail.RelayDown, 421)
	for range 2 {
		s.alarms.published(weekly, s.now, errors.New("no"))
	}
	s.want(t, 0)
	s.alarms.published(weekly, s.now, nil)
	s.alarms.configRefused(errors.New("no"))
	s.alarms.configTaken()
	s.fails = map[string]error{}
	s.now = s.now.Add(time.Hour)
	s.want(t, 0)
	for range 5 {
		s.alarms.published(weekly, s.now, errors.New("no"))
	}
	s.want(t, 1, "周报 应于 2026-11-23 17:00:00 发出的一期")
}

func TestLettersHoldNoSecrets(t *testing.T) {
	cfg := &config.Config{Store: "postgres://jianxun:p%40ss%2Fword@db.example.org/jianxun", Mail: config.Mail{Password: "hunter2"}}
	s := withAdmins(t, "ops@example.org")
	in := s.alarms.desk()
	in.secrets = secretsOf(cfg)
	s.alarms.desk = func() desk { return in }
	s.alarms.configRefused(errors.New("hunter2 at postgres://jianxun:p%40ss%2Fword@db.example.org is p@ss/word"))
	letters := s.got(t)
	if len(letters) != 1 || !strings.Contains(letters[0], "*** at postgres://jianxun:***@db.example.org is ***") {
		t.Errorf("%q", letters)
	}
}

func TestNobodyIsWrittenToWithoutAdmins(t *testing.T) {
	s := withAdmins(t)
	s.away = errors.New("no")
	s.alarms.configRefused(errors.New("no"))
	s.want(t, 0)
	s.alarms.admins = func() []string { return []string{"ops@example.org"} }
	s.away = nil
	s.want(t, 0)
}

// sendTo sends an issue of the weekly to its one subscriber, with the result.
func (s *desks) sendTo(t *testing.T, n int, result news.DeliveryState) {
	t.Helper()
	ctx, g := t.Context(), s.gen.Load()
	article := news.Article{Source: "pages", URL: fmt.Sprintf("https://www.example.org/%d", n), Published: s.now.Add(-time.Hour),
		Content: news.Content{Column: "检察要闻", Title: fmt.Sprintf("第%d篇", n), Body: "<p>依法履职。</p>", Text: "依法履职。"}}
	if _, err := s.store.SaveArticles(ctx, []news.Article{article}); err != nil {
		t.Fatal(err)
	}
	s.now = s.now.Add(time.Minute)
	is, err := g.drafter.Draft(ctx, g.cfg.Digests[0], s.now)
	if err == nil {
		_, err = s.dispatch(ctx, is)
	}
	if err != nil {
		t.Fatal(err)
	}
	sender := news.Holder{Token: "sender", Lease: time.Minute}
	rows, err := s.store.ClaimDeliveries(ctx, sender, is.ID, 10)
	if err != nil || len(rows) != 1 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	rows[0].State = result
	if said, err := s.store.Record(ctx, sender, []news.Step{{Delivery: rows[0], Tried: 1}}); err != nil || said[0] != nil {
		t.Fatal(said, err)
	}
	s.now = s.now.Add(time.Minute)
}

func TestAnIssueThatDidNotReachEverybodyIsToldOnce(t *testing.T) {
	s := withAdmins(t, "ops@example.org")
	s.want(t, 0) // from now on
	other := s.replica(t, "ops@example.org")
	s.sendTo(t, 1, news.Delivered)
	s.want(t, 0)
	s.now = s.now.Add(time.Hour)
	s.sendTo(t, 2, news.Failed)
	s.want(t, 1, "2026年第2期未能送达所有人", "送达 0 封，失败 1 封，结果不明 0 封", "jianxun issue show weekly/2026-2")
	s.now = s.now.Add(2 * time.Hour)
	other.step(t.Context())
	s.want(t, 0)
	s.sendTo(t, 3, news.Uncertain)
	other.step(t.Context())
	s.want(t, 1, "结果不明 1 封", "jianxun issue settle weekly/2026-3")
}
