package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// A verb lives for a moment and needs some tens of megabytes: collecting them at
// every doubling from four on is a fifth of its time. So nothing is collected
// below usualMemory; above it, the collector works as everywhere. (A memory limit
// would not do: a verb that really needs more would do little but collect.)
const usualMemory = 128 << 20

// paceCollector puts the first run of the collector at 64 MB, and lets each run
// say when the next one is.
func paceCollector() {
	debug.SetGCPercent(1600) // of 4 MB, which is the least that counts
	afterCollection()
}

// afterCollection calls pace once the collector has run: an object that nobody
// holds is cleaned up then.
func afterCollection() {
	runtime.AddCleanup(new([64]byte), func(struct{}) {
		pace()
		afterCollection()
	}, struct{}{})
}

func pace() {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	live, percent := max(sample[0].Value.Uint64(), 4<<20), 100
	if live < usualMemory/2 {
		percent = min(1600, int((usualMemory-live)*100/live))
	}
	debug.SetGCPercent(percent)
}
