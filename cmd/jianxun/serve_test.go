package main

import (
	"testing"
	"time"
)

// systemd kills what has not stopped within 90 s, unless told otherwise.
func TestStoppingEndsBeforeSystemdKills(t *testing.T) {
	if room := 90*time.Second - stopWithin; room < 10*time.Second {
		t.Errorf("there are %v left to say what did not end", room)
	}
}
