package main

import (
	"context"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"jianxun/internal/news"
	"jianxun/internal/store"
)

// comesback is a command of scripts: comesback KIND ADDRESS WORDS records a report
// about the last weekly, comesback unmatched FILE one about nothing that is known.
func comesback(ts *testscript.TestScript, _ bool, args []string) {
	ctx := context.Background()
	s, err := store.Open(ctx, "sqlite:"+ts.MkAbs("var/jianxun.db"), time.Now)
	ts.Check(err)
	defer func() { ts.Check(s.Close()) }()
	if args[0] == "unmatched" {
		_, err = s.KeepBounce(ctx, news.Bounce{Report: args[1], Kind: news.HardBounce, Recipient: "wang@example.org", Raw: []byte(ts.ReadFile(args[1]))}, 10)
		ts.Check(err)
		return
	}
	is, _, err := s.LastIssue(ctx, "weekly")
	ts.Check(err)
	_, err = s.RecordBounce(ctx, news.Bounce{Report: strings.Join(args, " "), Kind: news.BounceKind(args[0]), IssueID: is.ID, Subscriber: news.SubscriberID(args[1]),
		Recipient: args[1], Status: "5.1.1", Diagnostic: args[2]}, 3)
	ts.Check(err)
}
