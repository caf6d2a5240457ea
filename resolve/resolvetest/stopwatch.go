package resolvetest

import (
	"syscall"
	"time"
)

// Stopwatch returns a function that gives the processor time which this process
// has used since: what other programs do on a busy machine does not count, and
// what the race detector adds is taken off as well as can be.
func Stopwatch() func() time.Duration {
	start := used()
	return func() time.Duration { return (used() - start) / raceFactor }
}

func used() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // it has no way to fail
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
