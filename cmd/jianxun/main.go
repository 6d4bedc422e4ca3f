// Command jianxun carries key procuratorate news to feed readers and inboxes.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// version is set by the linker in a release: -X main.version=1.2.3.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr, os.Getenv)
	stop()
	os.Exit(code)
}
