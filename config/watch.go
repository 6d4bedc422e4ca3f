package config

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"time"
)

// File watches the files of a configuration. It looks at their content, by
// polling: that also sees what editors rename into place, what is mounted from
// elsewhere, and links that are swapped.
type File struct {
	Path  string // of jianxun.yaml
	Every time.Duration
	Again func() bool // asked while the files are still: whether to call changed once more; nil: never
}

// Watch calls changed whenever one of the files may have changed, or is to be
// called again, until ctx ends. files gives what to look at, and may give other
// files later.
func (f File) Watch(ctx context.Context, files func() []string, changed func()) {
	ticker := time.NewTicker(f.Every)
	defer ticker.Stop()
	last := fingerprint(append(files(), f.Path))
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now := fingerprint(append(files(), f.Path))
		if now == last {
			if f.Again != nil && f.Again() {
				changed()
			}
			continue
		}
		// A file may be half written: wait until it has been still for one turn.
		if last = now; !f.still(ctx, ticker, files, &last) {
			return
		}
		changed()
	}
}

func (f File) still(ctx context.Context, ticker *time.Ticker, files func() []string, last *string) bool {
	for {
		select {
		case <-ctx.Done():
			return false
		case <-ticker.C:
		}
		now := fingerprint(append(files(), f.Path))
		if now == *last {
			return true
		}
		*last = now
	}
}

func fingerprint(files []string) string {
	h := sha256.New()
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			b = []byte(err.Error())
		}
		h.Write([]byte(name + "\x00"))
		h.Write(b)
	}
	return hex.EncodeToString(h.Sum(nil))
}
