package digest

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"jianxun/internal/news"
	"jianxun/internal/store"
)

// newsroom is a real store with a clock that the test sets.
type newsroom struct {
	t      *testing.T
	now    time.Time
	store  *store.Store
	weekly news.Digest
}

func newNewsroom(t *testing.T) *newsroom {
	t.Helper()
	n := &newsroom{t: t, now: time.Date(2026, 11, 16, 7, 0, 0, 0, shanghai)}
	n.weekly = news.Digest{Slug: "weekly", Title: "检察要闻周报", Zone: shanghai, Items: 3}
	s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "n.db"), func() time.Time { return n.now })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	n.store = s
	return n
}

// publish brings an article with the date of day; it is first seen now.
func (n *newsroom) publish(title string, day time.Time) {
	n.t.Helper()
	a := news.Article{Source: "pages", Published: day, DateOnly: true,
		Content: news.Content{Column: "检察要闻", Title: title, Body: "<p>x</p>", Text: "某院召开会议,部署有关工作。会议强调了三点要求。"}}
	if _, err := n.store.SaveArticles(n.t.Context(), []news.Article{a}); err != nil {
		n.t.Fatal(err)
	}
}

func (n *newsroom) draft(cutoff time.Time) (news.Issue, error) {
	return Drafter{Store: n.store}.Draft(n.t.Context(), n.weekly, cutoff)
}

// send drafts at the cut-off and lets the issue leave.
func (n *newsroom) send(cutoff time.Time) news.Issue {
	n.t.Helper()
	n.now = cutoff
	is, err := n.draft(cutoff)
	if err != nil {
		n.t.Fatal(err)
	}
	if err := n.store.MoveIssue(n.t.Context(), is.ID, news.Approved); err != nil {
		n.t.Fatal(err)
	}
	if _, err := n.store.EnqueueIssue(n.t.Context(), is.ID); err != nil {
		n.t.Fatal(err)
	}
	return is
}

func titles(is news.Issue) []string {
	var all []string
	for _, it := range is.Items {
		all = append(all, it.Title)
	}
	slices.Sort(all)
	return all
}

func date(day int) time.Time { return time.Date(2026, 11, day, 0, 0, 0, 0, shanghai) }

func monday(week int) time.Time { return time.Date(2026, 11, 16+7*week, 8, 0, 0, 0, shanghai) }

func TestFirstIssueTakesTheNewestAndCountsTheRest(t *testing.T) {
	n := newNewsroom(t)
	for day := range 6 {
		n.publish(fmt.Sprint("稿件", day), date(10+day))
	}
	is := n.send(monday(0))
	if got := titles(is); !slices.Equal(got, []string{"稿件3", "稿件4", "稿件5"}) || is.LeftOut != 3 || is.Number != 1 || !is.WindowFrom.IsZero() {
		t.Errorf("%v, %d left out, number %d", got, is.LeftOut, is.Number)
	}
}

func TestNextIssueTakesWhatCameSinceWhateverItsDate(t *testing.T) {
	n := newNewsroom(t)
	n.publish("第一周", date(14))
	n.send(monday(0))
	n.now = monday(0).Add(time.Hour)
	n.publish("迟到的旧稿", date(1))
	n.publish("未来的稿", date(25))
	n.publish("第一周的新稿", date(17))
	is := n.send(monday(1))
	if got := titles(is); !slices.Equal(got, []string{"第一周的新稿", "迟到的旧稿"}) || is.Number != 2 {
		t.Errorf("%v, number %d", got, is.Number)
	}
	if is = n.send(monday(2)); !slices.Equal(titles(is), []string{"未来的稿"}) {
		t.Errorf("a future-dated article waits for its day: %v", titles(is))
	}
}

func TestEmptyWindowMakesNoIssueAndStaysOpen(t *testing.T) {
	n := newNewsroom(t)
	n.publish("甲", date(14))
	n.send(monday(0))
	if _, err := n.draft(monday(1)); news.CodeOf(err) != news.NotFound {
		t.Fatalf("%v", err)
	}
	n.now = monday(1).Add(time.Hour)
	n.publish("乙", date(20))
	if is := n.send(monday(2)); is.Number != 2 || !is.WindowFrom.Equal(monday(0)) || !slices.Equal(titles(is), []string{"乙"}) {
		t.Errorf("number %d, from %v: %v", is.Number, is.WindowFrom, titles(is))
	}
}

func TestDraftingAgain(t *testing.T) {
	n := newNewsroom(t)
	n.publish("甲", date(14))
	first, err := n.draft(monday(0).Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	n.publish("乙", date(15))
	again, err := n.draft(monday(0))
	if err != nil {
		t.Fatal(err)
	}
	if again.ID != first.ID || again.Number != 1 || len(again.Items) != 2 {
		t.Errorf("the open draft is made anew under its number: %+v", again)
	}
	n.send(monday(0))
	n.publish("丙", date(16))
	if is, err := n.draft(monday(0)); err != nil || is.ID != first.ID || is.State == news.Draft {
		t.Errorf("a cut-off that was dealt with makes no second issue: %+v, %v", is, err)
	}
}

func TestNumbersBeginAgainWithTheYear(t *testing.T) {
	n := newNewsroom(t)
	for week := range 9 {
		n.now = monday(week).Add(-time.Hour)
		n.publish(fmt.Sprint("第", week, "周"), n.now.Truncate(24*time.Hour))
		is := n.send(monday(week))
		year, number := 2026, week+1
		if week >= 7 {
			year, number = 2027, week-6
		}
		if is.Year != year || is.Number != number || is.Total != week+1 {
			t.Errorf("%s is %s, total %d", monday(week), is.Label(), is.Total)
		}
	}
}
