package news

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
)

// Collection is all articles of one feed: those in its subscription document,
// and before them the archived ones, numbered from 1 in the order in which they
// left it.
type Collection struct {
	ID       int64
	Archived int64 // how many articles have left
	Behind   bool  // changes of the store are still to be looked at
}

// ArchivePage is how many articles an archive document holds when it is full.
const ArchivePage = 50

// Name is what the collection of the feed is kept under. It changes with the
// filter, because another filter makes another collection, and stays when the
// feed is renamed.
func (f Feed) Name() string {
	set := func(list []string) []string { return slices.Compact(slices.Sorted(slices.Values(list))) } // their order means nothing
	b, err := json.Marshal([][]string{set(f.Columns), set(f.Sources), set(f.Keywords)})
	if err != nil { // slices of strings always marshal
		panic(err)
	}
	sum := sha256.Sum256(b)
	return f.Origin() + "." + hex.EncodeToString(sum[:8])
}

// Origin is the first slug that the feed had, which its ids are made of.
func (f Feed) Origin() string {
	if len(f.Was) > 0 {
		return f.Was[0]
	}
	return f.Slug
}
