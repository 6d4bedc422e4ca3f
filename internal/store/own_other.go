//go:build !unix

package store

import (
	"context"
	"os"
)

// claimFile, locked and lockFolder need locks that this system does not have:
// that two daemons do not share a file is left to whoever starts them.
func claimFile(string) (func() error, error) { return func() error { return nil }, nil }

func locked(*os.File) bool { return false }

func lockFolder(context.Context, string) (func(), error) { return func() {}, nil }

// isAt need not be known without locks.
func isAt(*os.File, string) bool { return true }

// mayWrite is left to SQLite to find out.
func mayWrite(string) error { return nil }

// syncFolder is left to the system.
func syncFolder(string) error { return nil }
