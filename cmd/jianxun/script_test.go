package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"jianxun": main})
}

// TestScripts runs the command line as people type it; the scripts are in testdata.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata", Cmds: map[string]func(*testscript.TestScript, bool, []string){"comesback": comesback}, Setup: func(e *testscript.Env) error {
		e.Setenv("LC_ALL", "zh_CN.UTF-8")
		return nil
	}, UpdateScripts: os.Getenv("UPDATE") == "1"})
}
