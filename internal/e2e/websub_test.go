package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// subscriber is a WebSub subscriber: it confirms what it is asked and hands on
// what is pushed to it.
type subscriber struct {
	*httptest.Server
	pushed chan push
}

type push struct {
	header http.Header
	body   string
}

func newSubscriber(t *testing.T) *subscriber {
	s := &subscriber{pushed: make(chan push, 100)}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("mine") != "1" {
			t.Errorf("the callback's query is lost: %s", r.URL)
		}
		if r.Method == http.MethodGet {
			_, _ = io.WriteString(w, r.URL.Query().Get("hub.challenge"))
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		s.pushed <- push{r.Header, string(body)}
	}))
	t.Cleanup(s.Close)
	return s
}

// wait gives the next push that holds text.
func (s *subscriber) wait(t *testing.T, text string) push {
	t.Helper()
	for timeout := time.After(patience); ; {
		select {
		case p := <-s.pushed:
			if strings.Contains(p.body, text) {
				return p
			}
		case <-timeout:
			t.Fatalf("nothing with %q was pushed", text)
		}
	}
}

const hubConfig = pagesConfig + "websub: {hub: true, allow_private: [127.0.0.0/8]}\n"

// TestRequirement29TheHubPushesAndSurvivesAKill subscribes to a feed as a reader
// service does, kills the daemon, and is told of the news all the same.
func TestRequirement29TheHubPushesAndSurvivesAKill(t *testing.T) {
	s := withPages(t, hubConfig, 3)
	d := s.serve()
	topic := s.url("/feeds/yaowen.atom")
	resp, doc := get(t, topic)
	link := resp.Header.Get("Link")
	if !strings.Contains(link, "<"+s.url("/hub")+`>; rel="hub"`) || !strings.Contains(link, "<"+topic+`>; rel="self"`) || !strings.Contains(doc, `href="`+s.url("/hub")+`" rel="hub"`) {
		t.Fatalf("the feed does not name its hub: %s\n%s", link, doc)
	}
	reader := newSubscriber(t)
	form := url.Values{"hub.mode": {"subscribe"}, "hub.topic": {topic}, "hub.callback": {reader.URL + "/?mine=1"}, "hub.secret": {"秘密"}}
	if resp, said := request(t, http.MethodPost, s.url("/hub"), form.Encode(), "Content-Type", "application/x-www-form-urlencoded"); resp.StatusCode != http.StatusAccepted {
		t.Fatalf("subscribing: %s %s", resp.Status, said)
	}
	d.kill() // before it may have been verified
	d = s.serve()
	// A request that was in hand is taken up again when its claim has run out; what
	// is published before is not for a subscriber who has not confirmed.
	var p push
	published := 1
	eventually(t, "the subscriber is told", func() bool {
		s.news(published)
		published++
		select {
		case p = <-reader.pushed:
			return true
		default:
			return false
		}
	})
	mac := hmac.New(sha256.New, []byte("秘密"))
	mac.Write([]byte(p.body))
	if got, want := p.header.Get("X-Hub-Signature"), "sha256="+hex.EncodeToString(mac.Sum(nil)); got != want {
		t.Errorf("signature %s, want %s", got, want)
	}
	if p.header.Get("Content-Type") != "application/atom+xml; charset=utf-8" || !strings.Contains(p.header.Get("Link"), topic) {
		t.Errorf("header %v", p.header)
	}
	d.kill()
	s.news(900)
	s.must("ingest") // while nothing serves
	s.serve()
	last := reader.wait(t, "第900条快讯")
	if _, now := get(t, topic); now != last.body {
		t.Error("what was pushed is not what is served")
	}
}

// news is a page that is newer than those before it.
func (s *site) news(n int) {
	s.write(fmt.Sprintf("pages/news%03d.txt", n), fmt.Sprintf("当前位置:首页-检察要闻\n第%03d条快讯\n时间:2026-10-01 %02d:%02d:00  作者:张三  新闻来源:检察日报\n\n  检察机关依法履职。\n", n, n/60, n%60))
}

func TestRequirement29APrivateCallbackIsRefused(t *testing.T) {
	s := withPages(t, strings.Replace(hubConfig, "allow_private: [127.0.0.0/8]", "allow_private: []", 1), 3)
	d := s.serve()
	reader := newSubscriber(t)
	form := url.Values{"hub.mode": {"subscribe"}, "hub.topic": {s.url("/feeds/yaowen.atom")}, "hub.callback": {reader.URL + "/?mine=1"}}
	request(t, http.MethodPost, s.url("/hub"), form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	d.waitFor("allow_private")
	select {
	case p := <-reader.pushed:
		t.Errorf("pushed: %v", p)
	default:
	}
}
