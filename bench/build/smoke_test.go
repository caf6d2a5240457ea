//go:build linux

package main

import (
	"os"
	"testing"
)

// TestSmallestRun keeps the program from rotting. It judges no time.
func TestSmallestRun(t *testing.T) {
	if os.Getenv("WHEELLOCK_NETWORK") != "1" {
		t.Skip("WHEELLOCK_NETWORK=1 asks the real package index")
	}
	r, err := measure("", "python3", 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	if r.Packages != 2 || r.Ratio <= 0 || r.Wheellock.CPUWheel <= 0 || r.Pip.CPUWheel <= 0 {
		t.Errorf("got %+v", r)
	}
}
