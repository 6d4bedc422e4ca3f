package config

import (
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"jianxun/internal/news"
)

var slugForm = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$`)

// slug checks the name of a feed or digest, which stands in addresses.
func (r *resolver) slug(path, slug string, seen map[string]bool) {
	switch {
	case slug == "":
		r.fault(path, "a slug is missing: the short name that stands in addresses, such as yaowen")
	case !slugForm.MatchString(slug):
		r.fault(path+".slug", "the slug %q may hold only small letters, digits and - inside", slug)
	case seen[slug]:
		r.fault(path+".slug", "the slug %q is used twice", slug)
	}
	seen[slug] = true
}

func (r *resolver) sources(list []sourceSchema) {
	seen := map[string]bool{}
	for i, s := range list {
		path := "sources[" + strconv.Itoa(i) + "]"
		switch {
		case s.Name == "":
			r.fault(path, "a name is missing; articles remember the name of their source")
		case seen[s.Name]:
			r.fault(path+".name", "the name %q is used twice", s.Name)
		}
		seen[s.Name] = true
		src := news.Source{Name: s.Name, Kind: news.SourceKind(s.Kind), URL: s.URL, Column: news.OneLine(s.Column), AllowPrivate: s.AllowPrivate}
		r.sourceKind(path, s, &src)
		r.every(path, s, &src)
		r.networks(path+".allow_private", s.AllowPrivate)
		r.cfg.Sources = append(r.cfg.Sources, src)
	}
}

func (r *resolver) sourceKind(path string, s sourceSchema, src *news.Source) {
	switch src.Kind {
	case news.DirectorySource:
		if s.Path == "" {
			r.fault(path, "a directory needs a path")
		}
		src.Path = s.Path
		if s.Path != "" && !strings.HasPrefix(s.Path, "builtin:") {
			src.Path = r.abs(s.Path)
			if info, err := os.Stat(src.Path); err != nil {
				r.fault(path+".path", "the folder %s cannot be read", src.Path)
			} else if !info.IsDir() {
				r.fault(path+".path", "%s is not a folder", src.Path)
			}
		} else if s.Path != "builtin:samples" && s.Path != "" {
			r.fault(path+".path", "the only folder built in is builtin:samples")
		}
	case news.PageSource, news.FeedSource:
		if s.Path != "" && src.Kind == news.PageSource && s.URL == "" {
			src.Path = r.abs(s.Path)
			return
		}
		if u, err := url.Parse(s.URL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			r.fault(path+".url", "%q is not an http or https address", redactUser(s.URL))
		}
	case "":
		r.fault(path, "a kind is missing; write directory, page or feed")
	default:
		r.fault(path+".kind", "this version knows no source of kind %q; write directory, page or feed", s.Kind)
	}
}

func (r *resolver) every(path string, s sourceSchema, src *news.Source) {
	if src.Every = s.Every; s.Every == 0 {
		if src.Every = 30 * time.Minute; src.Kind == news.DirectorySource {
			src.Every = time.Minute
		}
	}
	if src.Every < time.Second {
		r.fault(path+".every", "a source is read every second at most")
	}
}

func (r *resolver) digests(s fileSchema) {
	if !r.doc.has("digests") {
		s.Digests = []digestSchema{{Slug: "weekly", Title: "检察要闻周报", Schedule: "0 8 * * MON"}}
	}
	seen := map[string]bool{}
	for i, d := range s.Digests {
		path := "digests[" + strconv.Itoa(i) + "]"
		r.slug(path, d.Slug, seen)
		out := news.Digest{Slug: d.Slug, Title: or(news.OneLine(d.Title), d.Slug), Schedule: d.Schedule, Zone: r.cfg.Zone, Columns: d.Columns,
			Items: orInt(d.Items, 20), WhenEmpty: news.WhenEmpty(or(d.WhenEmpty, "skip")), MaxAge: d.MaxAge, Approvals: d.Approvals}
		if d.Timezone != "" {
			out.Zone = r.zone(path+".timezone", d.Timezone)
		}
		if d.Schedule == "" {
			r.fault(path, "a schedule is missing, such as \"0 8 * * MON\": every Monday at eight")
		} else if err := r.cron(d.Schedule, out.Zone); err != nil {
			r.fault(path+".schedule", "%q is not a cron line: %v; write minute hour day month weekday, such as \"0 8 * * MON\"", d.Schedule, err)
		}
		if out.WhenEmpty != news.SkipEmpty {
			r.fault(path+".when_empty", "this version knows only when_empty: skip")
		}
		if d.Approvals != 0 {
			r.fault(path+".approvals", "this version sends without approvals only; write approvals: 0")
		}
		if out.Items < 1 || out.Items > 200 {
			r.fault(path+".items", "the number of items must be from 1 to 200")
		}
		if d.Start != "" {
			var err error
			if out.Start, err = time.ParseInLocation(time.DateOnly, d.Start, out.Zone); err != nil {
				r.fault(path+".start", "%q is not a day such as 2027-12-31", d.Start)
			}
		}
		r.cfg.Digests = append(r.cfg.Digests, out)
	}
}

// subscribers reads the file that the key names.
func (r *resolver) subscribers(file string) {
	if file == "" {
		return
	}
	if !r.builtin {
		file = r.relative(file)
	}
	faultsOfMain := len(r.doc.faults)
	text, ok := r.open(file, "subscribers")
	r.faults = append(r.faults, r.doc.faults[faultsOfMain:]...)
	if !ok {
		return
	}
	people, faults := r.people(file, text)
	r.cfg.Subscribers = people
	r.faults = append(r.faults, faults...)
}

// relative names the file as the admin would: beside the main file.
func (r *resolver) relative(file string) string {
	if strings.HasPrefix(file, "/") || r.dir == "." {
		return file
	}
	return r.dir + "/" + file
}

func (r *resolver) people(file, text string) ([]news.Subscriber, Faults) {
	var s subscribersSchema
	r.doc = decode(file, text, &s)
	var slugs []string
	for _, d := range r.cfg.Digests {
		slugs = append(slugs, d.Slug)
	}
	seen := map[string]string{}
	var people []news.Subscriber
	for i, p := range s.Subscribers {
		people = append(people, r.person("subscribers["+strconv.Itoa(i)+"]", p, slugs, seen))
	}
	return people, r.doc.faults
}

func (r *resolver) person(path string, p subscriberSchema, slugs []string, seen map[string]string) news.Subscriber {
	out := news.Subscriber{Email: p.Email, Name: news.OneLine(p.Name), Unit: news.OneLine(p.Unit), Columns: p.Columns, Keywords: p.Keywords, Origin: news.FromFile}
	if !r.doc.has(path + ".email") {
		r.fault(path, "an email is missing")
	} else if err := news.CheckEmail(p.Email); err != nil {
		r.doc.fault(path+".email", err)
	} else if first, ok := seen[news.NormalEmail(p.Email)]; ok {
		r.fault(path+".email", "the address %s is given twice, first in line %d", p.Email, r.doc.places[first].line)
	} else {
		seen[news.NormalEmail(p.Email)] = path + ".email"
	}
	var err error
	if len(slugs) > 0 {
		if out.Digests, err = news.ChooseDigests(p.Digests, slugs); err != nil {
			r.doc.fault(path+".digests"+at(p.Digests, slugs), err)
		}
	}
	if out.Format, err = news.ParseFormat(p.Format); err != nil {
		r.doc.fault(path+".format", err)
	}
	if out.Until, err = news.ParseUntil(p.Until, r.cfg.Zone); err != nil {
		r.doc.fault(path+".until", err)
	}
	return out
}

// at is the index of the first digest that does not exist.
func at(named, known []string) string {
	for i, d := range named {
		if !slices.Contains(known, d) {
			return "[" + strconv.Itoa(i) + "]"
		}
	}
	return ""
}

// LoadSubscribers reads a subscribers file that is to be imported. Its error is
// always Faults.
func LoadSubscribers(file string, cfg *Config) ([]news.Subscriber, error) {
	r := &resolver{read: os.ReadFile, cfg: &Config{Digests: cfg.Digests, Zone: cfg.Zone}}
	text, ok := r.open(file, "")
	if ok {
		people, faults := r.people(file, text)
		if len(faults) == 0 {
			return people, nil
		}
		r.faults = faults
	}
	return nil, r.faults.sorted()
}
