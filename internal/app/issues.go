package app

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"jianxun/digest"
	"jianxun/internal/mail"
	"jianxun/internal/news"
)

// Issue is an issue as commands print it.
type Issue struct {
	Digest     string          `json:"digest"`
	Number     int             `json:"number"`
	Year       int             `json:"year"`
	Total      int             `json:"total"`
	Title      string          `json:"title"`
	State      news.IssueState `json:"state"`
	WindowFrom *time.Time      `json:"window_from"` // null: open
	WindowTo   time.Time       `json:"window_to"`
	LeftOut    int             `json:"left_out"`
	Items      []Item          `json:"items"`
	Deliveries Deliveries      `json:"deliveries"`
	Trouble    []Trouble       `json:"trouble,omitempty"`
	Paused     *time.Time      `json:"paused,omitempty"` // since when its sending is

	Label string `json:"-"`
	Count int    `json:"-"`
}

// Item is an item of an issue.
type Item struct {
	ArticleID string  `json:"article_id"`
	Title     string  `json:"title"`
	Column    string  `json:"column"`
	Lead      string  `json:"lead"`
	Score     float64 `json:"score"`
}

// Deliveries counts an issue's mails. Those in hand count as queued.
type Deliveries struct {
	Queued     int `json:"queued"`
	Sent       int `json:"sent"`
	Deferred   int `json:"deferred"`
	Failed     int `json:"failed"`
	Uncertain  int `json:"uncertain"`
	Suppressed int `json:"suppressed"`
}

// Trouble is a mail that was not delivered, or that nobody knows about.
type Trouble struct {
	Email string             `json:"email"`
	State news.DeliveryState `json:"state"`
	Reply string             `json:"reply"`
	Next  time.Time          `json:"next_attempt,omitzero"`
}

// troubleShown bounds the addresses listed for each state.
const troubleShown = 100

// ref takes "weekly", "weekly/47" or "weekly/2026-47" apart.
func (a *App) ref(s string) (d news.Digest, year, number int, err error) {
	slug, n, given := strings.Cut(s, "/")
	for _, d = range a.Config().Digests {
		if d.Slug == slug {
			if given {
				year, number, err = news.ParseRef(n)
			}
			return d, year, number, err
		}
	}
	var known []string
	for _, d := range a.Config().Digests {
		known = append(known, d.Slug)
	}
	return d, 0, 0, news.Errorf(news.NotFound, "there is no digest %q; there are %s", slug, strings.Join(known, ", "))
}

func (a *App) find(ctx context.Context, ref string) (news.Issue, error) {
	d, year, number, err := a.ref(ref)
	if err != nil {
		return news.Issue{}, err
	}
	is, err := a.store.Issue(ctx, d.Slug, year, number)
	if notFound(err) && number == 0 {
		return is, news.Errorf(news.NotFound, "the digest %s has no issue yet; make one with: jianxun issue draft %s", d.Slug, d.Slug)
	}
	return is, err
}

// Issues lists the issues of a digest, or of all when slug is empty.
func (a *App) Issues(ctx context.Context, slug string, limit int) ([]Issue, error) {
	if slug != "" {
		if _, _, _, err := a.ref(slug); err != nil {
			return nil, err
		}
	}
	list, err := a.store.Issues(ctx, slug, limit)
	if err != nil {
		return nil, err
	}
	views := make([]Issue, len(list))
	for i, is := range list {
		if views[i], err = a.issueView(ctx, is); err != nil {
			return nil, err
		}
	}
	return views, nil
}

// Issue shows one issue: DIGEST, which means the newest, or DIGEST/NUMBER.
func (a *App) Issue(ctx context.Context, ref string) (Issue, error) {
	is, err := a.find(ctx, ref)
	if err != nil {
		return Issue{}, err
	}
	v, err := a.issueView(ctx, is)
	if err != nil {
		return v, err
	}
	for _, state := range []news.DeliveryState{news.Uncertain, news.Failed, news.Deferred} {
		rows, err := a.store.Deliveries(ctx, is.ID, state, troubleShown)
		if err != nil {
			return v, err
		}
		for _, d := range rows {
			t := Trouble{Email: d.Subscriber.Email, State: state, Reply: d.Reply}
			if state == news.Deferred {
				t.Next = d.Next.In(a.Config().Zone)
			}
			v.Trouble = append(v.Trouble, t)
		}
	}
	return v, nil
}

func (a *App) issueView(ctx context.Context, is news.Issue) (Issue, error) {
	zone := a.Config().Zone
	v := Issue{Digest: is.Digest, Number: is.Number, Year: is.Year, Total: is.Total, Title: is.Title, State: is.State, WindowTo: is.WindowTo.In(zone),
		LeftOut: is.LeftOut, Items: []Item{}, Label: is.Label(), Count: is.Count}
	if !is.WindowFrom.IsZero() {
		from := is.WindowFrom.In(zone)
		v.WindowFrom = &from
	}
	for _, it := range is.LiveItems() {
		v.Items = append(v.Items, Item{ArticleID: it.ArticleID, Title: it.Title, Column: it.Column, Lead: it.Lead, Score: it.Score})
	}
	if is.State.Editable() || is.State == news.Sending {
		since, err := a.store.Paused(ctx, is.ID)
		if err != nil {
			return v, err
		}
		if !since.IsZero() {
			since = since.In(zone)
			v.Paused = &since
		}
	}
	t, err := a.store.Tally(ctx, is.ID)
	v.Deliveries = Deliveries{Queued: t[news.Queued] + t[news.Leased] + t[news.Committing], Sent: t[news.Delivered], Deferred: t[news.Deferred],
		Failed: t[news.Failed], Uncertain: t[news.Uncertain], Suppressed: t[news.Suppressed]}
	return v, err
}

// DraftIssue makes the next issue of a digest, or the open draft anew.
func (a *App) DraftIssue(ctx context.Context, slug string) (Issue, error) {
	d, _, _, err := a.ref(slug)
	if err != nil {
		return Issue{}, err
	}
	is, err := a.gen.Load().drafter.Draft(ctx, d, a.opt.Now())
	if err != nil {
		return Issue{}, err
	}
	return a.Issue(ctx, d.Slug+"/"+is.Ref())
}

// Preview is where the previews of an issue were written.
type Preview struct {
	HTML  string `json:"html"`
	Text  string `json:"text"`
	Bytes int    `json:"html_bytes"`
}

// PreviewIssue writes the mail of an issue as everybody gets it to two files
// that can be opened: HTML and text. dir empty means var/preview.
func (a *App) PreviewIssue(ctx context.Context, ref, dir string) (Preview, error) {
	is, err := a.find(ctx, ref)
	if err != nil {
		return Preview{}, err
	}
	g := a.gen.Load()
	form, err := g.composer.Render(is, digest.Choice{Format: news.FormatHTML})
	if err != nil {
		return Preview{}, err
	}
	if dir == "" {
		dir = filepath.Join(g.cfg.Data, "preview")
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return Preview{}, news.Errorf(news.Unavailable, "cannot make the folder: %w", err)
	}
	name := filepath.Join(dir, is.Digest+"-"+is.Ref())
	out := Preview{HTML: name + ".html", Text: name + ".txt", Bytes: len(form.HTML)}
	sample := strings.NewReplacer(mail.NameSlot, Printer(g.cfg.Language).T("(name of the recipient)"), mail.LeaveSlot, g.cfg.URL+"/u/preview")
	for path, text := range map[string]string{out.HTML: form.HTML, out.Text: form.Text} {
		if err := os.WriteFile(path, []byte(sample.Replace(text)), 0o640); err != nil { //nolint:gosec // for the group to read
			return Preview{}, news.Errorf(news.Unavailable, "cannot write: %w", err)
		}
	}
	return out, nil
}
