package e2e

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"jianxun/internal/app"
)

// TestRequirement28WhatADomainBears: so many mails at once, on one connection, and
// in a minute; over several names that are one. Other domains are not slowed down.
func TestRequirement28WhatADomainBears(t *testing.T) {
	t.Parallel()
	c := newCampaign(t, 0, "  connections: 8\n  mails_per_connection: 5\n"+quick+`  domains:
    - {names: [163.com, 126.com], connections: 2, mails_per_connection: 3}
    - {names: [qq.com], minute: 600}
`)
	c.lists("163.com", 10, "126.com", 6, "qq.com", 20, "example.org", 60)
	c.relay.same = map[string]string{"126.com": "163.com"}
	c.relay.unhurried(&dice{r: chance(t)}, 10*time.Millisecond)
	c.must("issue", "send", "weekly")
	if v := c.judge(); v.sent != c.people {
		t.Errorf("%+v", v)
	}
	if n := c.relay.atOnce("163.com"); n > 2 {
		t.Errorf("%d mails at once to a domain that bears 2", n)
	}
	if n := c.relay.atOnce("example.org"); n <= 2 {
		t.Errorf("at most %d at once to another domain", n)
	}
	onOne, to163 := map[int]int{}, map[int]int{}
	for _, m := range c.relay.all() {
		onOne[m.talk]++
	}
	for _, m := range append(c.relay.to("163.com"), c.relay.to("126.com")...) {
		to163[m.talk]++
	}
	for talk, n := range onOne {
		if n > 5 || to163[talk] > 3 {
			t.Errorf("connection %d carried %d mails, %d of them to a domain that bears 3", talk, n, to163[talk])
		}
	}
	// One each tenth of a second; a busy machine may have kept the first back.
	qq, others := c.relay.to("qq.com"), c.relay.to("example.org")
	if took := qq[19].at.Sub(qq[0].at); took < time.Second {
		t.Errorf("20 mails in %v to a domain that bears ten a second", took)
	}
	if !others[59].at.Before(qq[19].at) {
		t.Error("the others waited for the slow domain")
	}
}

// TestRequirement28TheRelaysLimitHoldsOverARestart: a new process knows what the
// one before has handed over within the minute.
func TestRequirement28TheRelaysLimitHoldsOverARestart(t *testing.T) {
	t.Parallel()
	clock := &wrongClock{}
	c := newCampaign(t, 50, quick+"  connections: 4\n  limits: {minute: 20}\n")
	d := c.command("issue", "send", "weekly")
	c.relay.wait(t, 20)
	d.interrupt()

	turns := make(chan struct{})
	done := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	a, err := app.New(ctx, app.Options{ConfigFile: filepath.Join(c.dir, "jianxun.yaml"), Now: clock.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Stop(context.WithoutCancel(ctx)) }()
	go func() {
		_, err := a.SendIssue(ctx, "weekly", func(app.Progress) {
			select {
			case turns <- struct{}{}:
			case <-ctx.Done():
			}
		})
		close(turns)
		done <- err
	}()
	want := func(when string, n int) {
		t.Helper()
		for range 6 { // it has looked for more several times
			<-turns
		}
		if mails := len(c.relay.all()); mails != n {
			t.Errorf("%s: %d mails, want %d", when, mails, n)
		}
	}
	want("within the minute, after a restart", 20)
	clock.move(30 * time.Second)
	want("half a minute later", 20)
	clock.move(36 * time.Second) // mails are counted in slots of five seconds
	want("in the next minute", 40)
	clock.move(66 * time.Second)
	for range turns {
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if v := c.judge(); v.sent != 50 {
		t.Errorf("%+v", v)
	}
}
