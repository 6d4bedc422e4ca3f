//go:build !unix || aix || solaris

package pgtest

import "errors"

var errSystem = errors.New("a PostgreSQL for tests can be started on Linux, macOS and the BSDs only")

// server cannot be here.
type server struct{ port int }

func begin(tools, bool) (*server, error) { return nil, errSystem }

func (*server) halt(string) error { return errSystem }
func (*server) resume() error     { return errSystem }
func (*server) freeze() error     { return errSystem }
func (*server) thaw() error       { return errSystem }
func (*server) end() error        { return errSystem }
