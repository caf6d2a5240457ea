package main

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

// Who needs much has the usual collector, who needs little nearly none.
func TestPaceCollector(t *testing.T) {
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	paceCollector()
	much := make([]byte, usualMemory)
	settled := func(right func(percent int) bool) bool {
		for range 100 {
			runtime.GC()
			time.Sleep(10 * time.Millisecond) // cleanups run when they like
			percent := debug.SetGCPercent(50)
			debug.SetGCPercent(percent)
			if right(percent) {
				return true
			}
		}
		return false
	}
	if !settled(func(percent int) bool { return percent == 100 }) {
		t.Error("who needs much has not the usual collector")
	}
	runtime.KeepAlive(much)
	if !settled(func(percent int) bool { return percent > 1000 }) {
		t.Error("who needs little is collected all the time")
	}
}
