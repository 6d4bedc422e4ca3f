package e2e

import "testing"

// TestRequirement22WithAndWithoutPipelining: commands go in a row only to a server
// that offers to take them so, and refusals are told apart all the same.
func TestRequirement22WithAndWithoutPipelining(t *testing.T) {
	t.Parallel()
	random := &dice{r: chance(t)}
	for name, pipelines := range map[string]bool{"without": false, "with": true} {
		refused := random.chosen(40, 6)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCampaign(t, 40, quick+"  connections: 4\n")
			c.relay.pipelines = pipelines
			c.relay.behave(func(stage, address string) string {
				if stage == "RCPT" && refused[address] {
					return "550 5.1.1 no such user"
				}
				return ""
			})
			c.must("issue", "send", "weekly")
			if v := c.judge(); v.sent != 34 || v.other != 6 {
				t.Errorf("%+v", v)
			}
			// Each of the 34 has MAIL with RCPT behind it, and RCPT with DATA, in the
			// same segment: more may come together only where it is allowed.
			if n := c.relay.inARow(); pipelines && n < 2*34 || !pipelines && n != 0 {
				t.Errorf("%d commands came with another behind them", n)
			}
		})
	}
}
