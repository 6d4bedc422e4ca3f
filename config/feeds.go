package config

import (
	"slices"
	"strconv"

	"jianxun/internal/news"
)

// searchSlug stands for searches in the addresses of feeds.
const searchSlug = "search"

func (r *resolver) feeds(s fileSchema) {
	if !r.doc.has("feeds") {
		s.Feeds = []feedSchema{{Slug: "yaowen", Title: "检察要闻", Columns: []string{"检察要闻"}}}
	}
	all := news.Feed{Slug: news.AllFeed, Title: r.cfg.Title + "（全部）", Items: 50, Full: true}
	if r.cfg.Language == "en" {
		all.Title = r.cfg.Title + " (all)"
	}
	var others []news.Feed
	seen := map[string]bool{}
	for i, f := range s.Feeds {
		path := "feeds[" + strconv.Itoa(i) + "]"
		r.slug(path, f.Slug, seen)
		feed := r.feed(path, f, s.Sources)
		if f.Slug == news.AllFeed {
			all = feed
			continue
		}
		others = append(others, feed)
	}
	r.cfg.Feeds = append([]news.Feed{all}, others...)
	r.oldSlugs(s.Feeds, seen)
}

func (r *resolver) feed(path string, f feedSchema, sources []sourceSchema) news.Feed {
	feed := news.Feed{Slug: f.Slug, Title: or(news.OneLine(f.Title), f.Slug), Items: orInt(f.Items, 50), Full: f.Content != "summary",
		Filter: news.Filter{Columns: f.Columns, Sources: f.Sources, Keywords: f.Keywords}, Was: f.Was, Retired: f.Retired}
	if f.Content != "" && f.Content != "full" && f.Content != "summary" {
		r.fault(path+".content", "%q is not a content; write full or summary", f.Content)
	}
	if feed.Items < 1 || feed.Items > 500 {
		r.fault(path+".items", "the number of items must be from 1 to 500")
	}
	if f.Slug == searchSlug {
		r.fault(path+".slug", "the slug %q stands for searches; choose another", f.Slug)
	}
	if f.Retired && f.Slug == news.AllFeed {
		r.fault(path+".retired", "the feed of all articles always exists and cannot be retired")
	}
	for j, name := range f.Sources {
		if !slices.ContainsFunc(sources, func(x sourceSchema) bool { return x.Name == name }) {
			r.fault(path+".sources["+strconv.Itoa(j)+"]", "there is no source %q", name)
		}
	}
	for j, k := range f.Keywords {
		if news.OneLine(k) == "" {
			r.fault(path+".keywords["+strconv.Itoa(j)+"]", "a keyword is empty")
		}
	}
	return feed
}

// oldSlugs checks the names that feeds had. seen are those in use.
func (r *resolver) oldSlugs(list []feedSchema, seen map[string]bool) {
	seen[news.AllFeed], seen[searchSlug] = true, true
	for i, f := range list {
		for j, was := range f.Was {
			path := "feeds[" + strconv.Itoa(i) + "].was[" + strconv.Itoa(j) + "]"
			switch {
			case !slugForm.MatchString(was):
				r.fault(path, "the slug %q may hold only small letters, digits and - inside", was)
			case seen[was]:
				r.fault(path, "the slug %q is used twice", was)
			}
			seen[was] = true
		}
	}
}
