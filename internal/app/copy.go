package app

import (
	"context"
	"time"

	"jianxun/internal/store"
)

// CopyProgress tells how far CopyStore has come.
type CopyProgress = store.CopyProgress

// The steps of CopyStore with a table.
const (
	Copying   = store.Copying
	Comparing = store.Comparing
	Indexing  = store.Indexing
)

// CopiedTable is a table that is the same on both sides.
type CopiedTable = store.CopiedTable

// CopyStore copies the store at one address to another; see store.Copy. It needs
// neither a configuration nor an App.
func CopyStore(ctx context.Context, from, to string, force bool, progress func(CopyProgress)) ([]CopiedTable, error) {
	return store.Copy(ctx, from, to, force, time.Now, progress)
}
