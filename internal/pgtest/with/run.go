package main

import (
	"os"
	"os/exec"
	"syscall"
)

// run runs the command with our streams, passes signals on to it, and gives its
// exit code: 128 and the signal, as in a shell, when a signal ended it.
func run(cmd *exec.Cmd, signals <-chan os.Signal) (int, error) {
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return 127, err
	}
	go func() {
		for s := range signals {
			_ = cmd.Process.Signal(s)
		}
	}()
	_ = cmd.Wait() // the state says it all
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return cmd.ProcessState.ExitCode(), nil
}
