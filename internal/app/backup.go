package app

import (
	"context"
	"os"
	"time"

	"jianxun/internal/news"
	"jianxun/internal/store"
)

// Backup is a backup that was made.
type Backup struct {
	File    string  `json:"file"`
	Bytes   int64   `json:"bytes"`
	Seconds float64 `json:"seconds"`
}

// Backup writes the store to a new file while others go on with it. progress is
// told how much has been copied. When it fails it leaves nothing.
func (a *App) Backup(ctx context.Context, file string, progress func(done, all int)) (Backup, error) {
	begun := a.opt.Now()
	if err := a.store.Backup(ctx, file, progress); err != nil {
		return Backup{}, err
	}
	info, err := os.Stat(file)
	if err != nil {
		return Backup{}, news.Errorf(news.Unavailable, "the backup %s is gone again: %w", file, err)
	}
	return Backup{File: file, Bytes: info.Size(), Seconds: a.opt.Now().Sub(begun).Seconds()}, nil
}

// Hold holds sending back from now on, until Resume. It is for a database that
// was restored by other programs than this one.
func (a *App) Hold(ctx context.Context) (since time.Time, err error) {
	since, err = a.store.Hold(ctx)
	return since.In(a.Config().Zone), err
}

// Resumed tells how sending was resumed.
type Resumed struct {
	Since     time.Time `json:"since"`
	Issues    int       `json:"issues"`
	Uncertain int       `json:"uncertain"`
	Digests   int       `json:"digests"`
}

// Resume ends that sending is held back, see store.Resume.
func (a *App) Resume(ctx context.Context, send bool) (Resumed, error) {
	var r store.Resumed
	r, err := a.store.Resume(ctx, send)
	return Resumed{Since: r.Since.In(a.Config().Zone), Issues: r.Issues, Uncertain: r.Uncertain, Digests: r.Digests}, err
}

// held is why nothing is sent, nil when sending is not held back.
func (a *App) held(ctx context.Context) error {
	since, err := a.store.Held(ctx)
	if err != nil || since.IsZero() {
		return err
	}
	return news.Errorf(news.Conflict, "sending is held back: the store was restored from a backup, and nobody knows which mails were sent after %s; go on with: jianxun store resume",
		since.In(a.Config().Zone).Format(time.DateTime))
}

// tellHeld has the log say that sending is held back. Should the store not
// answer now, it is not for this to say so.
func (a *App) tellHeld(ctx context.Context) {
	if err := a.held(ctx); news.CodeOf(err) == news.Conflict {
		a.log.Warn(err.Error())
	}
}

// StoreName is the address of the store for people, for SQLite its file.
func (a *App) StoreName() string { return a.store.Name() }
