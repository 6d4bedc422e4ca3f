package mail

import (
	"slices"
	"testing"
)

func TestAComplaintOfAFeedbackLoopNamesTheReturnPath(t *testing.T) {
	const report = "To: abuse@example.org\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\n\n" +
		"--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nOriginal-Mail-From: <bounces+token@example.org>\n\n--b--\n"
	b, err := ParseBounce([]byte(report), "fbl@example.org")
	if want := []string{"fbl@example.org", "abuse@example.org", "bounces+token@example.org"}; err != nil || b.Kind != Complaint || !slices.Equal(b.To, want) {
		t.Errorf("%+v, %v", b, err)
	}
}
