package app

import (
	"testing"

	"jianxun/internal/news"
)

func TestARelayThatRefusesEverybodyIsNotBelieved(t *testing.T) {
	hard := news.Delivery{IssueID: 1, State: news.Failed, Reply: "550 5.1.1 no such user"}
	count := func(r *welcome, taken, refused int) (n int) {
		for range taken {
			r.believe(news.Delivery{IssueID: 1, State: news.Delivered})
		}
		for range refused {
			if r.believe(hard) {
				n++
			}
		}
		return n
	}
	if n := count(&welcome{}, 0, 1000); n != believed {
		t.Errorf("of a thousand refused, none taken: %d are taken for dead", n)
	}
	if n := count(&welcome{}, 900, 100); n != 100 {
		t.Errorf("of a hundred refused, nine hundred taken: %d are taken for dead", n)
	}
	policy := hard
	policy.Reply = "550 5.7.1 not allowed"
	if (&welcome{}).believe(policy) {
		t.Error("a refusal that says nothing of the address is believed")
	}
}
