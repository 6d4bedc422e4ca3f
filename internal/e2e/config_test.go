package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"jianxun/internal/store"
)

const goodConfig = `
sources:
  - {name: samples, kind: directory, path: "builtin:samples"}
subscribers: subscribers.yaml
`

func TestFourFaultsAtOnce(t *testing.T) {
	s := newSite(t, goodConfig)
	s.write("subscribers.yaml", "subscribers:\n  - {email: old@example.org, name: 旧}\n")
	d := s.serve()

	s.configure(strings.Replace(goodConfig, "sources:", "site: {titel: 要闻}\nsources:", 1))
	s.write("subscribers.yaml", `subscribers:
  - {email: new@example.org, name: 新}
  - {email: NEW@Example.org}
  - {email: b@example.org, digests: [monthly]}
  - {email: c@example.org, nmae: 丙}
`)
	out, errs, code := s.run("check")
	located := regexp.MustCompile(`(?m)^(\S+\.yaml):(\d+):(\d+): `).FindAllStringSubmatch(errs, -1)
	if code != 1 || len(located) != 4 {
		t.Fatalf("exit %d, %d located faults:\n%s%s", code, len(located), out, errs)
	}
	want := [][2]string{{"jianxun.yaml", "4"}, {"subscribers.yaml", "3"}, {"subscribers.yaml", "4"}, {"subscribers.yaml", "5"}}
	for i, l := range located {
		if l[1] != want[i][0] || l[2] != want[i][1] {
			t.Errorf("fault %d is at %s:%s, want %s:%s", i, l[1], l[2], want[i][0], want[i][1])
		}
	}
	d.waitFor("what was in force stays")
	if emails := s.listed(); emails != "old@example.org" {
		t.Errorf("the daemon has %s", emails)
	}
	if faults := s.readiness().Config.Faults; len(faults) != 4 {
		t.Errorf("/readyz tells %d faults: %v", len(faults), faults)
	}

	s.configure(goodConfig)
	s.write("subscribers.yaml", "subscribers:\n  - {email: new@example.org, name: 新}\n")
	d.waitFor("the configuration has been taken")
	if emails := s.listed(); emails != "new@example.org" {
		t.Errorf("the mended list is not taken: %s", emails)
	}
	if r := s.readiness(); !r.Config.OK || len(r.Config.Faults) != 0 {
		t.Errorf("/readyz: %+v", r)
	}
}

// listed are the people on the list in the store that the daemon works with.
func (s *site) listed() string {
	s.t.Helper()
	st, err := store.Open(context.Background(), "sqlite:"+s.dir+"/var/jianxun.db", time.Now)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = st.Close() }()
	people, err := st.Subscribers(context.Background())
	if err != nil {
		s.t.Fatal(err)
	}
	var emails []string
	for _, p := range people {
		if p.Listed {
			emails = append(emails, p.Email)
		}
	}
	return strings.Join(emails, " ")
}

type readiness struct {
	Ready  bool
	Config struct {
		OK     bool
		Faults []string
	}
}

func (s *site) readiness() readiness {
	s.t.Helper()
	_, body := get(s.t, fmt.Sprintf("http://127.0.0.1:%d/readyz", s.ops))
	var r readiness
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		s.t.Fatal(err)
	}
	return r
}

func TestNewPagesAppearInTheFeed(t *testing.T) {
	s := newSite(t, "sources:\n  - {name: pages, kind: directory, path: pages, every: 1s}\n")
	s.write("pages/a.txt", samplePage)
	s.serve()
	if n := len(items(t, s, "all")); n != 1 {
		t.Fatalf("%d items", n)
	}
	s.write("pages/b.txt", strings.Replace(samplePage, "听取", "再次听取", 1))
	s.write("pages/broken.txt", "没有日期的一页\n")
	entries := func() int {
		_, body := get(t, s.url("/feeds/all.atom"))
		return strings.Count(body, "<entry>")
	}
	eventually(t, "the new page is in the feed", func() bool { return entries() == 2 })
	s.write("cli.txt", strings.Replace(samplePage, "听取", "第三次听取", 1))
	s.must("ingest", "cli.txt")
	eventually(t, "what a command brought is in the feed", func() bool { return entries() == 3 })
}
