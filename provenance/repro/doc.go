// Package repro repeats any build command under variation, compares what it wrote,
// and names what a difference comes from.
//
// # A run
//
// The command runs in a fresh copy of the working folder. The first run is the plain one:
// the user, host name, zone, locale and umask of whoever started it. In each further
// one everything that was asked for is varied at once, each time to other values
// (see [build.Variations] for the list). bubblewrap shows the command:
//
//	/                   the machine, read-only
//	/build/NAME         the copy; the folder above it can be written, too, for builds
//	                    such as dpkg-buildpackage that put their files there
//	/tmp                an empty folder, with the home in it
//	/dev /proc /run     new ones
//
// with no network but a loopback device (or the machine's, if asked for), one user
// and no way to the keys of gpg, ssh and wheellock. The environment is that of the
// caller, but for what is varied and what names the session.
//
// Folders list their files by name: the copy lies in a memory file system, where that
// is up to the order in which they were made. On a disk it is up to a hash. So the
// order of files can be varied without a file system in user space.
//
// The clock is moved by libfaketime where it is installed, and every run then begins at
// the same instant; a time namespace could not do it, since it leaves the clock
// that tells the date alone. Whatever cannot be varied here is in
// [Report.NotVaried] with its reason.
//
// # What is compared
//
// Every file that the command wrote and that matches a pattern; without patterns,
// wheels, archives and packages, or where it wrote none, all that it wrote.
// Intermediate files then count as well.
//
// # Where runs differ
//
// A plain run again tells what differs with nothing varied: the clock, random
// numbers, processes that race. Those files are set aside (and tried with a clock that stands
// still, where there is libfaketime). For the others [Causes] finds the variation,
// or the several that only together make a difference, by bisection; then it looks
// for further causes without that one.
package repro

import "time"

// Limits.
const (
	MaxFiles   = 500_000  // in the working folder
	MaxBytes   = 16 << 30 // of it
	MaxOutputs = 20_000   // files compared
	MaxLog     = 8 << 20  // bytes of a run's output that are kept
	MaxTimes   = 10       // runs, before bisecting
	MaxRuns    = 120      // with bisecting
	// MaxTime is how long the plain run may take. Another may take ten times as long as
	// that one did, and five minutes more: a clock that was moved makes some wait for ever.
	MaxTime = 12 * time.Hour
)
