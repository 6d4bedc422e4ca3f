package app

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"jianxun/config"
	"jianxun/internal/news"
	"jianxun/internal/roster"
)

// Subscriber is a subscriber as commands print it.
type Subscriber struct {
	Email    string               `json:"email"`
	Name     string               `json:"name"`
	Unit     string               `json:"unit"`
	Digests  []string             `json:"digests"`
	Columns  []string             `json:"columns"`
	Keywords []string             `json:"keywords"`
	Format   news.MailFormat      `json:"format"`
	Until    string               `json:"until,omitempty"` // the last day
	State    news.SubscriberState `json:"state"`
	Listed   bool                 `json:"listed"`
	Origin   news.ListOrigin      `json:"origin"`
	Reason   string               `json:"reason,omitempty"`     // why they get no mail, in the words of whom it came back from
	Own      *Own                 `json:"own_choice,omitempty"` // null: as the list says
}

// Subscribers lists everybody known, as they are once the configuration's list
// has been taken. It changes nothing.
func (a *App) Subscribers(ctx context.Context) ([]Subscriber, error) {
	known, err := a.store.Subscribers(ctx)
	if err != nil {
		return nil, err
	}
	c := roster.Reconcile(known, a.Config().Subscribers, news.FromFile, false)
	people := map[string]news.Subscriber{}
	for _, k := range known {
		people[k.ID] = k
	}
	for _, s := range c.Put() {
		s.State, s.Listed = news.Active, true
		if k, ok := people[s.ID]; ok {
			s.State, s.Chosen = k.State, k.Chosen
		}
		people[s.ID] = s
	}
	for _, s := range c.Remove {
		s.Listed = false
		people[s.ID] = s
	}
	if err := a.withSignUps(ctx, people); err != nil {
		return nil, err
	}
	why, err := a.store.Suppressions(ctx)
	if err != nil {
		return nil, err
	}
	views := make([]Subscriber, 0, len(people))
	for _, s := range people {
		v := a.subscriberView(s)
		if s.State != news.Active {
			v.Reason = why[s.ID].Reason
		}
		views = append(views, v)
	}
	slices.SortFunc(views, func(x, y Subscriber) int { return strings.Compare(x.Email, y.Email) })
	return views, nil
}

func (a *App) subscriberView(s news.Subscriber) Subscriber {
	v := Subscriber{Email: s.Email, Name: s.Name, Unit: s.Unit, Digests: s.Digests, Columns: s.Columns, Keywords: s.Keywords,
		Format: s.Format, State: s.State, Listed: s.Listed, Origin: s.Origin, Own: own(s)}
	if !s.Until.IsZero() {
		v.Until = s.Until.In(a.Config().Zone).AddDate(0, 0, -1).Format(time.DateOnly)
	}
	return v
}

// Import tells what an import does, or would do.
type Import struct {
	Add    []string `json:"add"`
	Update []string `json:"update"`
	Remove []string `json:"remove"`
	Same   int      `json:"same"`
	Closed []string `json:"closed"` // listed, but unsubscribed or bounced: they get nothing
}

// ImportSubscribers puts the people of a YAML or CSV file on the list. With
// replace, people of earlier imports who are not in it are taken off. With
// dryRun nothing is changed. Faults of the file are config.Faults.
func (a *App) ImportSubscribers(ctx context.Context, file string, replace, dryRun bool) (Import, error) {
	wanted, err := a.readList(file)
	if err != nil {
		return Import{}, err
	}
	if err := a.applyRoster(ctx, a.Config().Subscribers); err != nil {
		return Import{}, err
	}
	known, err := a.store.Subscribers(ctx)
	if err != nil {
		return Import{}, err
	}
	wanted = withoutFilePeople(wanted, known)
	c := roster.Reconcile(known, wanted, news.FromImport, !replace)
	if !dryRun {
		err = a.store.ApplyRoster(ctx, c.Put(), c.Remove)
	}
	return Import{Add: emails(c.Add), Update: emails(c.Update), Remove: emails(c.Remove), Same: c.Same, Closed: emails(c.Closed)}, err
}

// withoutFilePeople leaves people whom the configuration's file lists to it.
func withoutFilePeople(wanted, known []news.Subscriber) []news.Subscriber {
	inFile := map[string]bool{}
	for _, k := range known {
		inFile[k.ID] = k.Listed && k.Origin == news.FromFile
	}
	var left []news.Subscriber
	for _, w := range wanted {
		if !inFile[news.SubscriberID(w.Email)] {
			left = append(left, w)
		}
	}
	return left
}

func (a *App) readList(file string) ([]news.Subscriber, error) {
	switch strings.ToLower(filepath.Ext(file)) {
	case ".yaml", ".yml":
		return config.LoadSubscribers(file, a.Config())
	case ".csv", ".tsv", ".txt":
	default:
		return nil, news.Errorf(news.Invalid, "%s is not a list that can be read; save it as .csv or .yaml", file)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, news.Errorf(news.NotFound, "the list cannot be read: %w", err)
	}
	var slugs []string
	for _, d := range a.Config().Digests {
		slugs = append(slugs, d.Slug)
	}
	people, bad := roster.Parse(data, roster.Rules{Digests: slugs, Zone: a.Config().Zone})
	if len(bad) == 0 {
		return people, nil
	}
	var faults config.Faults
	for _, b := range bad {
		faults = append(faults, config.Fault{File: file, Line: b.Row, Column: 1, Err: b.Err, Excerpt: b.Column})
	}
	return nil, faults
}

func emails(people []news.Subscriber) []string {
	list := []string{}
	for _, p := range people {
		list = append(list, p.Email)
	}
	return list
}

// JSON writes v as commands print data: indented, Chinese as it is.
func JSON(w interface{ Write([]byte) (int, error) }, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
